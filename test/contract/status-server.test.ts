import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  startStatusServer,
  type StatusPages,
  type StatusServer,
} from '../../src/edge/status-server.ts'

const pages: StatusPages = {
  unready: () => [],
  metrics: {
    render: () => Promise.resolve('hooktide_ready 1\n'),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  },
  onFailed: (error) => {
    throw error
  },
}

async function serve(overrides: Partial<StatusPages> = {}): Promise<StatusServer> {
  const where = { host: '127.0.0.1', port: 0, clientTimeoutMs: 200 }
  const server = await startStatusServer(where, { ...pages, ...overrides })
  onTestFinished(() => server.stop())
  return server
}

function ask({ port }: StatusServer, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, init)
}

/** What the server says on a connection until it ends it. */
async function talk({ port }: StatusServer, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(text)
  await new Promise((resolve) => socket.once('close', resolve))
  return said
}

describe('the status server', () => {
  it('serves metrics with their content type, whatever query follows', async () => {
    const server = await serve()
    const response = await ask(server, '/metrics?name=x')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('hooktide_ready 1\n')
  })

  it('answers HEAD without a body, and refuses what would change something', async () => {
    const server = await serve()
    const head = await ask(server, '/metrics', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('17')
    const posted = await ask(server, '/metrics', { method: 'POST', body: 'x'.repeat(100_000) })
    expect(posted.status).toBe(405)
    expect(posted.headers.get('allow')).toBe('GET, HEAD')
  })

  it.each(['/', '/metrics/', '/healthz/..', '//healthz', '/%6detrics'])(
    'has no page %s, and names those it has',
    async (path) => {
      const response = await ask(await serve(), path)
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('/metrics')
    },
  )

  it('answers 500 when a page fails, says so, and serves the next request', async () => {
    const failures: Error[] = []
    let isBroken = true
    const render = () =>
      isBroken ? Promise.reject(new Error('broken')) : Promise.resolve('hooktide_ready 1\n')
    const server = await serve({
      metrics: { ...pages.metrics, render },
      onFailed: (error) => failures.push(error),
    })
    const response = await ask(server, '/metrics')
    expect([response.status, await response.text()]).toEqual([500, 'failed\n'])
    expect(failures.map(({ message }) => message)).toEqual(['broken'])
    isBroken = false
    expect((await ask(server, '/metrics')).status).toBe(200)
  })

  it('refuses headers beyond 8 KiB', async () => {
    const request = `GET /healthz HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(9_000)}\r\n\r\n`
    expect(await talk(await serve(), request)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it.each([
    ['says nothing', ''],
    ['does not end its headers', 'GET /healthz HTTP/1.1\r\nhost: x\r\n'],
    [
      'announces a body and sends none',
      'GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n',
    ],
    ['asks for nothing more', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])('lets go of a client that %s', async (_, text) => {
    const server = await serve()
    await talk(server, text)
    expect((await ask(server, '/healthz')).status).toBe(200)
  })

  it('ends open connections when it is stopped', async () => {
    const server = await startStatusServer({ host: '127.0.0.1', port: 0 }, pages)
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    const closed = once(socket, 'close')
    await Promise.all([server.stop(), closed])
    expect(socket.destroyed).toBe(true)
  })

  it('takes no more than 64 connections', async () => {
    const server = await startStatusServer({ host: '127.0.0.1', port: 0 }, pages)
    onTestFinished(() => server.stop())
    const sockets = Array.from({ length: 64 }, () => connect(server.port, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => undefined)
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    expect(await talk(server, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('')
    sockets[0]?.destroy()
    await expect
      .poll(async () => (await ask(server, '/healthz').catch(() => undefined))?.status)
      .toBe(200)
  })

  it('names the setting when its port is taken', async () => {
    const { port } = await serve()
    await expect(startStatusServer({ host: '127.0.0.1', port }, pages)).rejects.toThrow(
      /Port \d+ is in use: set HOOKTIDE_HTTP_PORT/,
    )
  })
})
