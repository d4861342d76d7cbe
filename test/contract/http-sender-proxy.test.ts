/** What an egress proxy that fails is to calls, and what of it they let be seen. */
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import {
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
} from 'node:tls'
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

describe('an egress proxy', () => {
  it.each(targets)(
    'that is away is the fault of no endpoint, and is not named: %s',
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

  it('that wants another login serves nobody, unlike one that refuses an endpoint', async () => {
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

  it('that ends the connection without an answer has not reached the endpoint', async () => {
    const server = createHttpServer()
    server.on('connect', (_, socket) => socket.destroy())
    const sender = useSender({ egressProxy: `http://127.0.0.1:${await listening(server)}` })
    expect(await send(sender, 'https://example.com/')).toMatchObject({
      errorClass: 'connect',
      message: 'the proxy ended the connection',
    })
  })

  it('that is away is told to the operator alone, with its address', async () => {
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

  it.each(['http', 'https'] as const)('by %s is asked whether it is there', async (scheme) => {
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
  ])('is not asked for what means this machine: %s', async (url) => {
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
  it('says how, and neither from where nor to which address', async () => {
    const receiver = await useReceiver()
    await receiver.stop()
    const url = receiver.origin.replace('127.0.0.1', 'localhost')
    const result = await send(useSender({ allowCidrs: ['127.0.0.0/8', '::1/128'] }), url)
    expect(result).toMatchObject({ errorClass: 'connect', message: 'connect ECONNREFUSED' })
  })
})
