/** What an egress proxy that fails is to calls, and what of it they let be seen. */
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import {
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
} from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseEgressProxy, reachProxy } from '../../src/edge/http/egress-proxy.ts'
import { proxyLookup } from '../../src/edge/http/guarded-connect.ts'
import { createNames } from '../../src/edge/names/names.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { send, useSender } from '../support/http-calls.ts'
import { listening } from '../support/listening.ts'
import { useReceiver } from '../support/receiver.ts'
import { certificate, privateKey } from '../support/tls-fixture.ts'

const targets = ['https://example.com/', 'http://example.com/']

/** As `NODE_EXTRA_CA_CERTS` does at start. */
function trustFixture(): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  onTestFinished(() => setDefaultCACertificates(before))
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A proxy that gives each request the same answer, and keeps the connection. */
async function useRawProxy(answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(answer))
  })
  return `http://relay:pass@127.0.0.1:${await listening(server)}`
}

describe('an egress proxy', () => {
  it.each(targets)(
    'that cannot be reached is no fault of an endpoint, and is not named: %s',
    async (url) => {
      const port = await closedPort()
      const sender = useSender({ egressProxy: `http://relay:pass@127.0.0.1:${port}` })
      expect(await send(sender, url)).toMatchObject({
        errorClass: 'proxy',
        message: 'the egress proxy cannot be reached (ECONNREFUSED)',
      })
    },
  )

  it.each(targets)('whose name does not resolve is not named: %s', async (url) => {
    const sender = useSender({ egressProxy: 'http://egress-1.corp.invalid:3128' })
    const result = await send(sender, url)
    expect(result).toMatchObject({ errorClass: 'proxy' })
    expect(JSON.stringify(result)).not.toMatch(/egress-1|corp|3128/)
  })

  it.each(targets)('with a certificate of another name is not named: %s', async (url) => {
    const tls = createTlsServer({ cert: certificate, key: privateKey })
    const port = await listening(tls)
    const sender = useSender({ egressProxy: `https://127.0.0.1:${port}` })
    const result = await send(sender, url)
    expect(result).toMatchObject({ errorClass: 'proxy' })
    expect(JSON.stringify(result)).not.toMatch(/localhost|127\.0|altnames/)
  })

  it('that requires another login fails all calls, unlike one that refuses an endpoint', async () => {
    const challenge = createHttpServer()
    challenge.on('connect', (_, socket) => {
      socket.end('HTTP/1.1 407 No\r\nproxy-authenticate: Basic realm="egress-1.corp"\r\n\r\n')
    })
    const sender = useSender({ egressProxy: `http://127.0.0.1:${await listening(challenge)}` })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'proxy',
      message: 'the egress proxy refuses its credentials',
    })
  })

  it('that closes the connection without an answer has not reached the endpoint', async () => {
    const server = createHttpServer()
    server.on('connect', (_, socket) => socket.destroy())
    const sender = useSender({ egressProxy: `http://127.0.0.1:${await listening(server)}` })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'the proxy ended the connection',
    })
  })

  it('by https is verified for its own name, and not for that of the endpoint', async () => {
    trustFixture()
    const asked: (string | false | null | undefined)[] = []
    const server = createHttpsServer({ cert: certificate, key: privateKey })
    server.on('connect', (request, socket: TLSSocket) => {
      asked.push(request.url, socket.servername)
      socket.end('HTTP/1.1 503 No\r\n\r\n')
    })
    const sender = useSender({ egressProxy: `https://localhost:${await listening(server)}` })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'the proxy answered 503',
    })
    expect(asked).toEqual(['example.com:443', 'localhost'])
  })

  it('by https is not trusted if it has the certificate of an endpoint', async () => {
    trustFixture()
    const server = createHttpsServer({ cert: certificate, key: privateKey })
    server.on('connect', (_, socket) => socket.end('HTTP/1.1 503 No\r\n\r\n'))
    const egressProxy = `https://proxy.localhost:${await listening(server)}`
    const sender = useSender({ egressProxy, allowCidrs: ['127.0.0.0/8', '::1/128'] })
    expect(await send(sender, 'https://localhost/')).toMatchObject({
      errorClass: 'proxy',
      message: 'the egress proxy cannot be reached (ERR_TLS_CERT_ALTNAME_INVALID)',
    })
  })

  it.each([
    ['a 1xx', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\na: b\r\n\r\n'],
    ['empty lines', '\r\n\r\n'],
  ])('may send %s before its answer to a tunnel', async (_, before) => {
    const sender = useSender({
      egressProxy: await useRawProxy(`${before}HTTP/1.1 403 No\r\n\r\n`),
    })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'the proxy answered 403',
    })
  })

  it.each([
    ['empty lines', '\r\n'],
    ['a reason', 'HTTP/1.1 200 a'],
    ['headers', 'HTTP/1.1 200 OK\r\na: b'],
    ['1xx', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ])('that answers without end by %s is given up after 16 KiB', async (kind, start) => {
    const more = { 'empty lines': '\r\n', 'a reason': 'a', headers: '\r\na: b', '1xx': start }[kind]
    const sender = useSender({ egressProxy: await useRawProxy(start + more?.repeat(16 * 1024)) })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'no answer of the proxy within the first 16384 bytes',
    })
  })

  it('that does not answer in HTTP causes an error that says so', async () => {
    const sender = useSender({ egressProxy: await useRawProxy('SSH-2.0-relay pass\r\n') })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'the answer of the proxy cannot be read',
    })
  })

  it('that sends more than the head of its answer causes an error of class tls', async () => {
    const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwelcome'
    const sender = useSender({ egressProxy: await useRawProxy(answer) })
    expect(await send(sender, 'https://example.com/')).toMatchObject({ errorClass: 'tls' })
  })

  it('that cannot be reached is reported to the operator only, with its address', async () => {
    const port = await closedPort()
    const told = Promise.withResolvers<string>()
    const sender = useSender({
      egressProxy: `http://relay:pass@127.0.0.1:${port}`,
      onProxyAway: told.resolve,
    })
    expect(sender.trouble()).toBeUndefined()
    await send(sender, 'http://example.com/')
    expect(await told.promise).toBe(
      `the egress proxy cannot be reached (ECONNREFUSED): connect ECONNREFUSED 127.0.0.1:${port}`,
    )
  })

  it.each(['http', 'https'] as const)('by %s is probed', async (scheme) => {
    const names = createNames({ clock: systemClock, emit: () => {}, servers: undefined })
    const answer = (proxy: string) =>
      new Promise((resolve) =>
        reachProxy({ ...parseEgressProxy(proxy), lookup: proxyLookup(names) }, resolve),
      )
    const [plain, tls] = [
      createTcpServer(),
      createTlsServer({ cert: certificate, key: privateKey }),
    ]
    trustFixture()
    const port = await listening(scheme === 'http' ? plain : tls)
    expect(await answer(`${scheme}://localhost:${port}`)).toBeUndefined()
    expect(await answer(`${scheme}://localhost:${await closedPort()}`)).toMatchObject({
      errorClass: 'proxy',
    })
  })

  it.each([
    'https://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost:8080/',
    'http://ip6-localhost/',
    'http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'http://metadata.google.internal/',
  ])('gets no call to a name of this machine: %s', async (url) => {
    const requests: (string | undefined)[] = []
    const server = createHttpServer((request, response) => {
      requests.push(request.url)
      response.end()
    })
    server.on('connect', (request, socket) => {
      requests.push(request.url)
      socket.destroy()
    })
    const egressProxy = `http://127.0.0.1:${await listening(server)}`
    const result = await send(useSender({ egressProxy, allowCidrs: ['10.0.0.0/8'] }), url)
    expect(result).toMatchObject({ errorClass: 'blocked' })
    expect(requests).toEqual([])
  })
})

describe('a connection that fails', () => {
  it('says how it failed, and names neither its own nor the other address', async () => {
    const receiver = await useReceiver()
    await receiver.stop()
    const url = receiver.origin.replace('127.0.0.1', 'localhost')
    const result = await send(useSender({ allowCidrs: ['127.0.0.0/8', '::1/128'] }), url)
    expect(result).toMatchObject({ errorClass: 'connect', message: 'connect ECONNREFUSED' })
  })
})
