/** How calls over real sockets end: the class of each failure, and what of a response is read. */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { requestTo, send, startCall, useSender } from '../support/http-calls.ts'
import { listening } from '../support/listening.ts'
import { useReceiver } from '../support/receiver.ts'

/** Long enough for the loopback address, short enough to be waited for. */
const shortMs = 250

/** A server that does with each connection as it is told. */
async function useTcpServer(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  return `127.0.0.1:${await listening(server)}`
}

describe('a request', () => {
  it('is sent as it was given: method, path, query, headers, body', async () => {
    const receiver = await useReceiver()
    const body = Buffer.from('{"name":"Zoë"}')
    await send(useSender(), `${receiver.origin}/a%20b/?q=1&q=%C3%A4#part`, {
      headers: { 'content-type': 'application/json', 'x-own': 'yes' },
      body,
    })
    const [request] = receiver.requests
    expect(request).toMatchObject({ method: 'POST', path: '/a%20b/?q=1&q=%C3%A4' })
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'x-own': 'yes' })
    expect(request?.headers['host']).toBe(new URL(receiver.origin).host)
    expect(request?.headers).not.toHaveProperty('accept-encoding')
    expect(request?.body.equals(body)).toBe(true)
  })

  it.each([{ 'x-bad': 'line\nbreak' }, { 'bad name': 'x' }, { expect: '100-continue' }])(
    'that cannot be sent is not sent, and its owner is to blame: %j',
    async (headers: Readonly<Record<string, string>>) => {
      const receiver = await useReceiver()
      const { result, results } = startCall(useSender(), requestTo(receiver.origin, { headers }))
      expect(results).toEqual([])
      expect(await result).toMatchObject({ kind: 'error', errorClass: 'blocked' })
      expect(receiver.requests).toHaveLength(0)
    },
  )
})

describe('a response', () => {
  it('that redirects is not followed', async () => {
    const receiver = await useReceiver({
      answer: () => ({ kind: 'respond', status: 307, headers: { location: '/elsewhere' } }),
    })
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'response',
      status: 307,
    })
    expect(receiver.requests).toHaveLength(1)
  })

  it('may be preceded by informational ones', async () => {
    const receiver = await useReceiver({
      answer: () => ({
        kind: 'raw',
        bytes:
          'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n',
      }),
    })
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'response',
      status: 202,
    })
  })

  it('has its phases measured in order, to tenths of milliseconds', async () => {
    const receiver = await useReceiver()
    const { phases } = await send(useSender(), receiver.origin)
    expect(phases.connectMs).toBeGreaterThan(0)
    expect(phases.firstByteMs).toBeGreaterThanOrEqual(phases.connectMs ?? Infinity)
    expect(phases.totalMs).toBeGreaterThanOrEqual(phases.firstByteMs ?? Infinity)
    for (const phase of Object.values(phases)) expect(String(phase)).toMatch(/^\d+(\.\d)?$/)
  })

  it('keeps the first 4 KiB of its body, decoded with replacement characters', async () => {
    const body = Buffer.concat([Buffer.from([0xff]), Buffer.from('é'.repeat(10_000))])
    const receiver = await useReceiver({ answer: () => ({ kind: 'respond', status: 200, body }) })
    const result = await send(useSender(), receiver.origin)
    expect(result).toMatchObject({ body: body.subarray(0, 4096).toString() })
  })

  it('counts although its body is too long to be read, and the connection is closed', async () => {
    const closed = Promise.withResolvers<void>()
    const host = await useTcpServer((socket) => {
      socket.on('close', () => closed.resolve())
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const chunk = Buffer.alloc(16 * 1024, 'x')
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', more)
      socket.once('data', more)
    })
    const result = await send(useSender(), `http://${host}/`)
    expect(result).toMatchObject({ kind: 'response', status: 200, body: 'x'.repeat(4096) })
    await closed.promise
  })

  it('is read completely up to 64 KiB, and its connection is kept', async () => {
    const body = Buffer.alloc(64 * 1024, 'x')
    const receiver = await useReceiver({ answer: () => ({ kind: 'respond', status: 200, body }) })
    const sender = useSender()
    await send(sender, receiver.origin)
    await send(sender, receiver.origin)
    expect(receiver.connectionCount()).toBe(1)
  })
})

describe('a deadline', () => {
  it('covers connecting, and ends the attempt', async () => {
    const closed = Promise.withResolvers<void>()
    // Accepts the connection and never shakes hands.
    const host = await useTcpServer((socket) => {
      socket.resume()
      socket.on('close', () => closed.resolve())
    })
    const result = await send(useSender(), `https://${host}/`, { timeoutMs: shortMs })
    expect(result).toMatchObject({ kind: 'error', errorClass: 'timeout', status: undefined })
    expect(result.phases).toMatchObject({ connectMs: null, firstByteMs: null })
    await closed.promise
  })

  it('covers the wait for headers', async () => {
    const receiver = await useReceiver({ answer: () => ({ kind: 'hang' }) })
    const result = await send(useSender(), receiver.origin, { timeoutMs: shortMs })
    expect(result).toMatchObject({ kind: 'error', errorClass: 'timeout', status: undefined })
    expect(result.phases.connectMs).not.toBeNull()
  })

  it('covers the body: the error has the status', async () => {
    const receiver = await useReceiver({ answer: () => ({ kind: 'hang-in-body', status: 200 }) })
    const result = await send(useSender(), receiver.origin, { timeoutMs: shortMs })
    expect(result).toMatchObject({ kind: 'error', errorClass: 'timeout', status: 200 })
  })

  it('covers informational responses that arrive one after another', async () => {
    const host = await useTcpServer((socket) => {
      const every = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 20)
      socket.on('close', () => clearInterval(every))
      socket.resume()
    })
    expect(await send(useSender(), `http://${host}/`, { timeoutMs: shortMs })).toMatchObject({
      errorClass: 'timeout',
    })
  })

  it('is final: a later answer of the endpoint is not reported', async () => {
    const release = Promise.withResolvers<void>()
    const receiver = await useReceiver({
      answer: () => ({ kind: 'respond', status: 200, after: release.promise }),
    })
    const sender = useSender()
    const { result, results } = startCall(
      sender,
      requestTo(receiver.origin, { timeoutMs: shortMs }),
    )
    await result
    release.resolve()
    await sender.stop()
    expect(results).toMatchObject([{ kind: 'error', errorClass: 'timeout' }])
  })

  it('does not count against an answer that arrived before it and is read after it', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    await send(sender, receiver.origin)
    // The deadline passes while the process is busy from the moment the request was received to long after.
    const { result } = startCall(sender, requestTo(receiver.origin, { timeoutMs: 250 }))
    await receiver.waitFor(2)
    const until = performance.now() + 400
    while (performance.now() < until);
    expect(await result).toMatchObject({ kind: 'response', status: 200 })
  })
})

describe('an error', () => {
  it.each([
    ['a connection cut before the answer', { kind: 'reset' }, undefined],
    ['a connection ended before the answer', { kind: 'raw', bytes: '' }, undefined],
    ['a connection cut within the body', { kind: 'reset-in-body', status: 200 }, 200],
    [
      'a body shorter than announced',
      { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nx' },
      200,
    ],
    [
      'chunks without an end',
      {
        kind: 'raw',
        bytes:
          'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\nx\r\n',
      },
      200,
    ],
  ] as const)('of class reset: %s', async (_, answer, status) => {
    const receiver = await useReceiver({ answer: () => answer })
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'error',
      errorClass: 'reset',
      status,
    })
  })

  it.each([
    ['no HTTP at all', 'SSH-2.0-server\r\n'],
    ['an impossible length', 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n'],
    ['headers beyond 16 KiB', `HTTP/1.1 200 OK\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: own\r\n\r\n',
    ],
  ])('of class protocol: %s', async (_, bytes) => {
    const receiver = await useReceiver({ answer: () => ({ kind: 'raw', bytes }) })
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'error',
      errorClass: 'protocol',
    })
  })

  it('of class dns: a name that does not resolve', async () => {
    const result = await send(useSender(), 'https://user.nonexistent.invalid/?secret')
    expect(result).toMatchObject({ kind: 'error', errorClass: 'dns' })
    expect(JSON.stringify(result)).not.toContain('secret')
  })

  it('of class connect: a port on which nothing listens', async () => {
    const receiver = await useReceiver()
    await receiver.stop()
    expect(await send(useSender(), receiver.origin)).toMatchObject({
      kind: 'error',
      errorClass: 'connect',
    })
  })

  it('has a short message of one line', async () => {
    const name = `${'a'.repeat(60)}.`.repeat(4)
    const result = await send(useSender(), `https://${name}invalid/`)
    expect(result).toMatchObject({
      errorClass: 'dns',
      message: expect.stringMatching(/^[^\n]{1,200}$/),
    })
  })
})

describe('a destination that may not be called', () => {
  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '127.1'])(
    'is blocked and never connected to: %s',
    async (host) => {
      const receiver = await useReceiver()
      const { port } = new URL(receiver.origin)
      const result = await send(useSender({ allowCidrs: [] }), `http://${host}:${port}/`)
      expect(result).toMatchObject({ kind: 'error', errorClass: 'blocked' })
      expect(JSON.stringify(result)).not.toContain('127.')
      expect(receiver.connectionCount()).toBe(0)
    },
  )

  it.each(['169.254.169.254', '0.0.0.0', '[fe80::1]', '224.0.0.1'])(
    'stays blocked whatever is allowed: %s',
    async (host) => {
      const sender = useSender({ allowCidrs: ['0.0.0.0/0', '::/0'] })
      expect(await send(sender, `http://${host}/`)).toMatchObject({ errorClass: 'blocked' })
    },
  )

  it('is any that is called by plain HTTP, unless that is allowed', async () => {
    const receiver = await useReceiver()
    expect(await send(useSender({ allowHttp: false }), receiver.origin)).toMatchObject({
      errorClass: 'blocked',
    })
    expect(receiver.connectionCount()).toBe(0)
  })

  it('may share its name with an address that may be called, which is used', async () => {
    // The name resolves to both loopback addresses or to the first only; just IPv4's is allowed.
    const receiver = await useReceiver()
    const { port } = new URL(receiver.origin)
    expect(await send(useSender(), `http://localhost:${port}/`)).toMatchObject({
      kind: 'response',
      status: 200,
    })
  })
})

describe('a setting', () => {
  it.each([
    { allowCidrs: ['10.0.0.1/8'] },
    { allowCidrs: ['169.254.0.0/16'] },
    { egressProxy: 'socks5://proxy' },
    { egressProxy: 'http://user:%@proxy' },
  ])('that is not valid is refused at once: %j', (options) => {
    expect(() => useSender(options)).toThrow()
  })
})
