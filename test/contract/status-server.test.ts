import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { boundConnections, type ConnectionBounds } from '../../src/edge/status-connections.ts'
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

function say(socket: Socket, text: string): Socket {
  socket.on('error', () => undefined)
  socket.write(text)
  return socket
}

/** Sends the text a few bytes at a time, without an end. */
function trickle(socket: Socket, text: string): Socket {
  say(socket, text.slice(0, 5))
  let at = 5
  const timer = setInterval(() => {
    socket.write(text.slice(at, at + 10))
    at += 10
  }, 20)
  socket.once('close', () => clearInterval(timer))
  return socket
}

/** Trickles, and connects anew as often as it is closed, until the test is over. */
function comeBack(port: number, text: string): Socket {
  let isOver = false
  let current: Socket
  const begin = () => {
    current = trickle(connect(port, '127.0.0.1'), text)
    current.once('close', () => {
      if (!isOver) begin()
    })
    return current
  }
  onTestFinished(() => {
    isOver = true
    current.destroy()
  })
  return begin()
}

/** A supervisor's probe, on a connection of its own; `undefined` when it is not answered. */
async function probeOf({ port }: StatusServer): Promise<number | undefined> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/healthz', agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    }).once('error', () => resolve(undefined))
  })
}

describe('the status server', () => {
  it('serves metrics with their content type, whatever query follows', async () => {
    const server = await serve()
    const response = await ask(server, '/metrics?name=x')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('hooktide_ready 1\n')
  })

  it('answers HEAD without a body, and refuses methods that would change something', async () => {
    const server = await serve()
    const head = await ask(server, '/metrics', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('17')
    const posted = await ask(server, '/metrics', { method: 'POST', body: 'x'.repeat(100_000) })
    expect(posted.status).toBe(405)
    expect(posted.headers.get('allow')).toBe('GET, HEAD')
  })

  it.each(['/', '/metrics/', '/healthz/..', '//healthz', '/%6detrics'])(
    'has no page %s, and names the pages that it has',
    async (path) => {
      const response = await ask(await serve(), path)
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('/metrics')
    },
  )

  it('answers 500 and logs it when a page fails, and serves the next request', async () => {
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

  it('closes the connection of a client that sends many requests before it has their answers', async () => {
    let rendered = 0
    const render = () => Promise.resolve(`hooktide_ready ${(rendered += 1)}\n`)
    const server = await serve({ metrics: { ...pages.metrics, render } })
    await talk(server, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000))
    expect(rendered).toBeLessThanOrEqual(16)
    expect(await probeOf(server)).toBe(200)
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
  ])('closes the connection of a client that %s', async (_, text) => {
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

  const request = 'GET /healthz HTTP/1.1\r\nhost: x\r\n'

  it.each<[string, (port: number) => Socket]>([
    ['send nothing', (port) => connect(port, '127.0.0.1')],
    ['trickle a request', (port) => trickle(connect(port, '127.0.0.1'), request)],
    [
      'trickle headers of 8 KiB',
      (port) => trickle(connect(port, '127.0.0.1'), `${request}long: ${'x'.repeat(8_000)}`),
    ],
    ['keep their connection', (port) => say(connect(port, '127.0.0.1'), `${request}\r\n`)],
    ['trickle and come back as soon as they are closed', (port) => comeBack(port, request)],
  ])('answers 30 of 30 probes beside 200 clients that %s', async (_, open) => {
    const server = await startStatusServer({ host: '127.0.0.1', port: 0 }, pages)
    onTestFinished(() => server.stop())
    const clients = Array.from({ length: 200 }, () => open(server.port))
    onTestFinished(() => clients.forEach((client) => client.destroy()))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    const statuses: (number | undefined)[] = []
    for (let probe = 0; probe < 30; probe += 1) statuses.push(await probeOf(server))
    expect(statuses).toEqual(Array.from({ length: 30 }, () => 200))
  })

  it('names the setting when its port is taken', async () => {
    const { port } = await serve()
    await expect(startStatusServer({ host: '127.0.0.1', port }, pages)).rejects.toThrow(
      /Port \d+ is in use: set HOOKTIDE_HTTP_PORT/,
    )
  })
})

describe('the connections of the status pages', () => {
  async function served(bounds: Partial<ConnectionBounds>, page: string | Buffer = 'ok') {
    const server = createServer((_, response) => void response.end(page))
    boundConnections(server, { usual: 2, most: 100, graceMs: 0, readTimeoutMs: 60_000, ...bounds })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const accepted: Socket[] = []
    server.on('connection', (socket) => accepted.push(socket))
    /** Connects one after the other; what each is named by is added to `closed` when the server closes it. */
    const closed: string[] = []
    const open = async (name: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await Promise.all([once(server, 'connection'), once(socket, 'connect')])
      socket.once('close', () => closed.push(name))
      onTestFinished(() => void socket.destroy())
      return socket
    }
    return { open, closed, server, accepted }
  }

  it('are closed, the oldest first, when there are more than usual', async () => {
    const { open, closed } = await served({})
    const first = await open('a')
    await open('b')
    first.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(first, 'data')
    await open('c')
    await expect.poll(() => closed).toEqual(['b'])
    await open('d')
    await expect.poll(() => closed).toEqual(['b', 'a'])
  })

  const large = Buffer.alloc(32 * 1024 * 1024)

  it.each<[string, Partial<ConnectionBounds>, readonly string[]]>([
    ['for others', {}, ['a', 'b', 'c']],
    ['after a while', { usual: 100, readTimeoutMs: 1 }, ['a']],
  ])('are closed %s while their answer is not read', async (_, bounds, names) => {
    const { open, server, accepted } = await served(bounds, large)
    for (const name of names) {
      const socket = await open(name)
      const asked = once(server, 'request')
      socket.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await asked
    }
    await expect.poll(() => accepted[0]?.destroyed).toBe(true)
  })

  it('get time for their request, unless the maximum is exceeded', async () => {
    const { open, closed } = await served({ usual: 1, most: 3, graceMs: 3_600_000 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) await open(name)
    await expect.poll(() => closed).toEqual(['a', 'b'])
  })
})
