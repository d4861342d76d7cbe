/** Kept connections that the other side has closed when a call comes to use them. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { AttemptResult } from '../../src/core/model/model.ts'
import type { HttpSender } from '../../src/ports.ts'
import { requestTo, send, startCall, useSender } from '../support/http-calls.ts'
import { listening } from '../support/listening.ts'
import { useRawServer, whole, type RawRequest } from '../support/raw-server.ts'
import { useReceiver } from '../support/receiver.ts'
import { trustFixture } from '../support/tls-fixture.ts'

const delivered = { kind: 'response', status: 200, body: 'ok' }

const endings: readonly (readonly [string, (request: RawRequest) => void])[] = [
  ['ended', ({ socket }) => socket.end()],
  ['cut', ({ cut }) => cut()],
]

/** Answers the first request of a connection, and does to the others what it is told. */
function firstOnly(then: (request: RawRequest) => void): (request: RawRequest) => void {
  return (request) => {
    if (request.turn === 0) request.socket.write(whole)
    else then(request)
  }
}

/** Starts each call in the report of the one before, as lanes do. */
function sendInTurn(sender: HttpSender, url: string, count: number): Promise<AttemptResult[]> {
  const results: AttemptResult[] = []
  const { promise, resolve } = Promise.withResolvers<AttemptResult[]>()
  const next = (): void => {
    sender.send(requestTo(url), (result) => {
      results.push(result)
      if (results.length < count) next()
      else resolve(results)
    })
  }
  next()
  return promise
}

describe('a connection that the endpoint closes after each answer without saying so', () => {
  it('fails no call, one after the other or many at once', async () => {
    const { host } = await useRawServer({ answer: ({ socket }) => socket.end(whole) })
    const sender = useSender()
    const lanes = Array.from({ length: 8 }, () => sendInTurn(sender, `http://${host}/`, 50))
    const results = (await Promise.all(lanes)).flat()
    expect(results).toHaveLength(400)
    for (const result of results) expect(result).toMatchObject(delivered)
  })
})

const timedOut = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\ncontent-length: 0\r\n\r\n'

describe('a 408 that closes a kept connection', () => {
  const endings408 = [
    ['ended', ({ socket }: RawRequest) => socket.end(timedOut)],
    ['left open', ({ socket }: RawRequest) => socket.write(timedOut)],
    ['cut', ({ socket }: RawRequest) => socket.end(timedOut.replace('length: 0', 'length: 9'))],
  ] as const

  it.each(endings408)(
    'is no answer to the call, which is made again on a new connection: %s',
    async (_, then) => {
      const { host, requests } = await useRawServer({ answer: firstOnly(then) })
      let stale = 0
      const sender = useSender({ onStale: () => (stale += 1) })
      await send(sender, `http://${host}/`)
      const { result, results } = startCall(sender, requestTo(`http://${host}/`))
      expect(await result).toMatchObject({ ...delivered, retryAfterMs: undefined })
      expect(results).toHaveLength(1)
      expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
      expect(stale).toBe(1)
      expect(sender.socketCounts()).toEqual({ idle: 1, open: 1 })
    },
  )

  it('is the answer if the connection is new', async () => {
    const { host, requests } = await useRawServer({ answer: ({ socket }) => socket.end(timedOut) })
    const sender = useSender()
    for (let count = 0; count < 2; count += 1) {
      expect(await send(sender, `http://${host}/`)).toMatchObject({ status: 408 })
    }
    expect(requests).toHaveLength(2)
  })

  it('is the answer if the endpoint keeps the connection', async () => {
    const kept = timedOut.replace('close', 'keep-alive')
    const { host, requests } = await useRawServer({
      answer: firstOnly(({ socket }) => socket.write(kept)),
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    expect(await send(sender, `http://${host}/`)).toMatchObject({ status: 408 })
    expect(requests).toHaveLength(2)
  })
})

describe.each(endings)('a kept connection that is %s when a request is sent', (_, end) => {
  it('makes the call use a new connection, as the same attempt', async () => {
    const { host, requests } = await useRawServer({ answer: firstOnly(end) })
    let stale = 0
    const sender = useSender({ onStale: () => (stale += 1) })
    await send(sender, `http://${host}/`)
    expect(stale).toBe(0)
    const headers = { 'webhook-id': 'dlv_1', 'webhook-timestamp': '1', 'hooktide-attempt': '2' }
    const { result, results } = startCall(sender, requestTo(`http://${host}/`, { headers }))
    expect(await result).toMatchObject(delivered)
    expect(results).toHaveLength(1)
    expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
    expect(requests[2]?.text).toBe(requests[1]?.text)
    expect(stale).toBe(1)
    expect(sender.socketCounts()).toEqual({ idle: 1, open: 1 })
  })

  it('does not change that phases are measured from the start of the call', async () => {
    const { host } = await useRawServer({ answer: firstOnly(end) })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    const { connectMs, firstByteMs, totalMs } = (await send(sender, `http://${host}/`)).phases
    expect(connectMs).toBeGreaterThan(0)
    expect(firstByteMs).toBeGreaterThanOrEqual(connectMs ?? Infinity)
    expect(totalMs).toBeGreaterThanOrEqual(firstByteMs ?? Infinity)
  })

  it('makes the call use a new connection, and not another kept one', async () => {
    const { host, requests } = await useRawServer({ answer: firstOnly(end) })
    const sender = useSender()
    await Promise.all([send(sender, `http://${host}/`), send(sender, `http://${host}/`)])
    expect(sender.socketCounts().idle).toBe(2)
    expect(await send(sender, `http://${host}/`)).toMatchObject(delivered)
    expect(requests.at(-1)?.connection).toBe(2)
  })

  it('is replaced with TLS too', async () => {
    trustFixture()
    const { port, requests } = await useRawServer({ isTls: true, answer: firstOnly(end) })
    const sender = useSender()
    for (let count = 0; count < 3; count += 1) {
      expect(await send(sender, `https://localhost:${port}/`)).toMatchObject(delivered)
    }
    expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1, 1, 2])
  })

  it('is replaced for a plain call through the egress proxy', async () => {
    const { host, requests } = await useRawServer({ answer: firstOnly(end) })
    const sender = useSender({ egressProxy: `http://${host}` })
    await send(sender, 'http://receiver.example/hook')
    expect(await send(sender, 'http://receiver.example/hook')).toMatchObject(delivered)
    expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
    expect(requests[2]?.text).toMatch(/^POST http:\/\/receiver\.example\/hook /)
  })

  it('is replaced in a tunnel of the egress proxy', async () => {
    trustFixture()
    const { port, requests } = await useRawServer({ isTls: true, answer: firstOnly(end) })
    const sender = useSender({ egressProxy: await useTunnels(port) })
    await send(sender, 'https://localhost:1/hook')
    expect(await send(sender, 'https://localhost:1/hook')).toMatchObject(delivered)
    expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
  })

  it('counts as a failure if the new connection ends in the same way, after two requests', async () => {
    const { host, requests } = await useRawServer({
      answer: (request) => (requests.length === 1 ? request.socket.write(whole) : end(request)),
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    const { result, results } = startCall(sender, requestTo(`http://${host}/`))
    expect(await result).toMatchObject({ kind: 'error', errorClass: 'reset', status: undefined })
    await sender.stop()
    expect(results).toHaveLength(1)
    expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
  })

  it('counts as a failure if it is the first call of its connection', async () => {
    const { host, requests } = await useRawServer({ answer: end })
    let stale = 0
    const sender = useSender({ onStale: () => (stale += 1) })
    expect(await send(sender, `http://${host}/`)).toMatchObject({ errorClass: 'reset' })
    expect(requests).toHaveLength(1)
    expect(stale).toBe(0)
  })

  it.each([
    ['an informational response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['one byte', 'H'],
    ['an empty line', '\r\n'],
    ['some of a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['some of a body', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun'],
  ])('counts as a failure if %s came before', async (__, bytes) => {
    const { host, requests } = await useRawServer({
      answer: firstOnly((request) => request.socket.write(bytes)),
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    const { result } = startCall(sender, requestTo(`http://${host}/`))
    // The bytes are read before the end is written.
    const [reading] = await Promise.all([useRawServer({}), requested(requests, 2)])
    await send(sender, `http://${reading.host}/`, { poolKey: 'other' })
    const last = requests.at(-1)
    if (last !== undefined) end(last)
    expect(await result).toMatchObject({ kind: 'error', errorClass: 'reset' })
    expect(requests).toHaveLength(2)
  })

  it('does not move the deadline', async () => {
    const { host, requests } = await useRawServer({
      answer: (request) => {
        if (requests.length === 1) request.socket.write(whole)
        if (requests.length === 2) end(request)
      },
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    const result = await send(sender, `http://${host}/`, { timeoutMs: 250 })
    expect(result).toMatchObject({ errorClass: 'timeout', message: 'no response within 250 ms' })
    expect(requests).toHaveLength(3)
    expect(sender.socketCounts().idle).toBe(0)
  })

  it('does not prevent that the call is aborted', async () => {
    const again = Promise.withResolvers<void>()
    const { host, requests } = await useRawServer({
      answer: (request) => {
        if (requests.length === 1) request.socket.write(whole)
        if (requests.length === 2) end(request)
        if (requests.length === 3) again.resolve()
      },
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    const { call, results } = startCall(sender, requestTo(`http://${host}/`))
    await again.promise
    call.abort()
    await sender.stop()
    expect(results).toMatchObject([{ kind: 'aborted' }])
    expect(sender.socketCounts()).toEqual({ idle: 0, open: 0 })
  })
})

describe('an endpoint that closes connections instead of answering', () => {
  it.each([
    ['without a byte', { kind: 'reset' } as const, { kind: 'error', errorClass: 'reset' }],
    [
      'with 408',
      { kind: 'respond', status: 408, headers: { connection: 'close' } } as const,
      { kind: 'response', status: 408 },
    ],
  ])(
    '%s is called once by each call after the first, beside an endpoint of its origin that answers',
    async (_, answer, expected) => {
      let isBroken = true
      const receiver = await useReceiver({
        answer: ({ path }) => (path === '/broken' && isBroken ? answer : undefined),
      })
      const sender = useSender()
      const broken = `${receiver.origin}/broken`
      const calls = () => receiver.requests.filter(({ path }) => path === '/broken').length
      await send(sender, `${receiver.origin}/fine`)
      expect(await send(sender, broken)).toMatchObject(expected)
      expect(calls()).toBe(2)
      await send(sender, `${receiver.origin}/fine`)
      for (const count of [3, 4]) {
        expect(await send(sender, broken)).toMatchObject(expected)
        expect(calls()).toBe(count)
      }
      isBroken = false
      expect(await send(sender, broken)).toMatchObject({ status: 200 })
      // It has answered, so kept connections are good enough again.
      const before = receiver.connectionCount()
      expect(await send(sender, broken)).toMatchObject({ status: 200 })
      expect(receiver.connectionCount()).toBe(before)
    },
  )
})

describe('a request that was partly written', () => {
  it('to a kept connection is sent completely on a new one', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x')
    const arrived = Promise.withResolvers<number>()
    const { host } = await useRawServer({
      onConnection: (socket, connection) => {
        let bytes = 0
        socket.on('data', (chunk: Buffer) => {
          const isFirst = bytes === 0
          bytes += chunk.length
          if (connection === 0) {
            if (isFirst) socket.write(whole)
            else socket.resetAndDestroy()
          } else if (bytes > body.length) {
            arrived.resolve(connection)
            socket.write(whole)
          }
        })
      },
    })
    const sender = useSender()
    await send(sender, `http://${host}/`)
    expect(await send(sender, `http://${host}/`, { body })).toMatchObject(delivered)
    expect(await arrived.promise).toBe(1)
  })
})

/** Resolves once that many requests have arrived. */
async function requested(requests: readonly RawRequest[], count: number): Promise<void> {
  while (requests.length < count) await new Promise(setImmediate)
}

/** A proxy whose tunnels all lead to one port. */
async function useTunnels(port: number): Promise<string> {
  const server = createHttpServer()
  server.on('connect', (_, socket: Duplex) => {
    const target = connect(port, '127.0.0.1')
    socket.on('error', () => target.destroy())
    socket.on('close', () => target.destroy())
    target.on('error', () => socket.destroy())
    target.on('close', () => socket.destroy())
    void once(target, 'connect').then(() => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
  })
  return `http://127.0.0.1:${await listening(server)}`
}
