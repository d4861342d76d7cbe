/** TLS and the egress proxy. */
import { createServer as createHttpServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { send, useSender } from '../support/http-calls.ts'
import { listening } from '../support/listening.ts'
import { useReceiver } from '../support/receiver.ts'
import { certificate, privateKey, trustFixture } from '../support/tls-fixture.ts'

/** Answers 200 with the name asked for, the protocol, and whether the session was resumed. */
function useTlsServer(): Promise<number> {
  const server = createHttpsServer({ cert: certificate, key: privateKey }, (request, response) => {
    const socket = request.socket as TLSSocket
    response.setHeader('connection', request.url === '/close' ? 'close' : 'keep-alive')
    response.end(JSON.stringify([socket.servername, socket.alpnProtocol, socket.isSessionReused()]))
  })
  return listening(server)
}

describe('TLS', () => {
  it('verifies certificates: a self-signed one is an error of class tls', async () => {
    const port = await useTlsServer()
    const result = await send(useSender(), `https://localhost:${port}/`)
    expect(result).toMatchObject({
      kind: 'error',
      errorClass: 'tls',
      status: undefined,
      phases: { connectMs: null },
    })
  })

  it('verifies certificates even if the environment says not to', async () => {
    const port = await useTlsServer()
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    onTestFinished(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    })
    expect(await send(useSender(), `https://localhost:${port}/`)).toMatchObject({
      errorClass: 'tls',
    })
  })

  it('is of class tls when the other side speaks something else', async () => {
    const receiver = await useReceiver()
    const url = receiver.origin.replace('http:', 'https:')
    expect(await send(useSender(), url)).toMatchObject({ errorClass: 'tls' })
  })

  it('sends the name of the URL, offers HTTP/1.1, and resumes its session on later connections', async () => {
    trustFixture()
    const port = await useTlsServer()
    const sender = useSender()
    const bodies: string[] = []
    for (let count = 0; count < 3; count += 1) {
      const result = await send(sender, `https://localhost:${port}/close`)
      bodies.push(result.kind === 'response' ? result.body : result.kind)
    }
    expect(bodies[0]).toBe('["localhost","http/1.1",false]')
    expect(bodies[2]).toBe('["localhost","http/1.1",true]')
  })

  it('sends no name if the URL has an address, and verifies the address', async () => {
    trustFixture()
    const port = await useTlsServer()
    const result = await send(useSender(), `https://127.0.0.1:${port}/`)
    expect(result).toMatchObject({ kind: 'response', body: '[false,"http/1.1",false]' })
    expect(await send(useSender(), `https://127.0.0.2:${port}/`)).toMatchObject({
      errorClass: expect.stringMatching(/tls|connect/),
    })
  })
})

interface Proxy {
  readonly url: string
  readonly requests: readonly string[]
}

/** A proxy that notes `method target authorization`, makes tunnels, and answers everything else itself with 202. */
async function useProxy(scheme: 'http' | 'https' = 'http', tunnelStatus = 200): Promise<Proxy> {
  const requests: string[] = []
  const answer: RequestListener = (request, response) => {
    requests.push(
      `${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`,
    )
    response.statusCode = 202
    response.end(request.headers.host)
  }
  const tls = { cert: certificate, key: privateKey }
  const server = scheme === 'http' ? createHttpServer(answer) : createHttpsServer(tls, answer)
  server.on('connect', (request, socket: Duplex) => {
    requests.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    socket.on('error', () => {})
    if (tunnelStatus !== 200) {
      socket.end(`HTTP/1.1 ${tunnelStatus} No\r\n\r\n`)
      return
    }
    const port = Number(request.url?.split(':')[1])
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
  })
  const port = await listening(server)
  return { url: `${scheme}://user:p%40ss@localhost:${port}`, requests }
}

const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`

describe('the egress proxy', () => {
  const schemes = ['http', 'https'] as const

  it.each(schemes)(
    'by %s gives tunnels to HTTPS endpoints, whose certificates are verified through it',
    async (scheme) => {
      trustFixture()
      const port = await useTlsServer()
      const proxy = await useProxy(scheme)
      const sender = useSender({ egressProxy: proxy.url })
      const first = await send(sender, `https://localhost:${port}/`)
      expect(first).toMatchObject({
        kind: 'response',
        status: 200,
        body: '["localhost","http/1.1",false]',
      })
      await send(sender, `https://localhost:${port}/`)
      expect(proxy.requests).toEqual([`CONNECT localhost:${port} ${authorization}`])
    },
  )

  it('does not make an untrusted certificate acceptable', async () => {
    const port = await useTlsServer()
    const { url } = await useProxy()
    expect(await send(useSender({ egressProxy: url }), `https://localhost:${port}/`)).toMatchObject(
      { errorClass: 'tls' },
    )
  })

  it.each(schemes)('by %s gets plain HTTP requests with their whole URL', async (scheme) => {
    trustFixture()
    const proxy = await useProxy(scheme)
    const sender = useSender({ egressProxy: proxy.url })
    const result = await send(sender, 'http://example.com/path?q=1')
    expect(result).toMatchObject({ kind: 'response', status: 202, body: 'example.com' })
    expect(proxy.requests).toEqual([`POST http://example.com/path?q=1 ${authorization}`])
  })

  it('that refuses a tunnel causes an error of class connect', async () => {
    const { url } = await useProxy('http', 407)
    const result = await send(useSender({ egressProxy: url }), 'https://example.com/')
    expect(result).toMatchObject({ errorClass: 'connect', message: 'the proxy answered 407' })
  })

  it('that closes a tunnel during the TLS handshake causes an error of class tls', async () => {
    const server = createHttpServer()
    server.on('connect', (_, socket: Socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.once('data', () => socket.resetAndDestroy())
    })
    const sender = useSender({ egressProxy: `http://127.0.0.1:${await listening(server)}` })
    expect(await send(sender, 'https://example.com/')).toMatchObject({ errorClass: 'tls' })
  })

  it('that never answers is given up at the deadline', async () => {
    const ended = Promise.withResolvers<void>()
    const silent = createHttpServer()
    silent.on('connect', (_, socket: Duplex) => {
      socket.on('error', () => ended.resolve())
      socket.on('end', () => ended.resolve())
      socket.resume()
    })
    const port = await listening(silent)
    const sender = useSender({ egressProxy: `http://127.0.0.1:${port}` })
    const result = await send(sender, 'https://example.com/', { timeoutMs: 250 })
    expect(result).toMatchObject({ errorClass: 'timeout', phases: { connectMs: null } })
    await ended.promise
  })

  it.each(['https://127.0.0.1/', 'http://[::1]/', 'https://169.254.169.254/'])(
    'gets no call to an address that may not be called: %s',
    async (url) => {
      const proxy = await useProxy()
      const sender = useSender({ egressProxy: proxy.url, allowCidrs: [] })
      expect(await send(sender, url)).toMatchObject({ errorClass: 'blocked' })
      expect(proxy.requests).toEqual([])
    },
  )

  it('is never taken from the environment', async () => {
    const proxy = await useProxy()
    const receiver = await useReceiver()
    const names = [
      'HTTP_PROXY',
      'http_proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'ALL_PROXY',
      'NODE_USE_ENV_PROXY',
    ]
    const before = new Map(names.map((name) => [name, process.env[name]]))
    onTestFinished(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'response',
      status: 200,
    })
    expect(proxy.requests).toEqual([])
  })
})
