/** The endpoint for webhooks on real sockets: whatever clients do, others are answered, and nothing is held for long. */
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { accepted, unauthorized } from '../../src/core/ingest/answer.ts'
import { judgeHead } from '../../src/core/ingest/request-head.ts'
import {
  startWebhookServer,
  type Answered,
  type WebhookServerOptions,
} from '../../src/edge/http/webhook-server.ts'
import { logtoHeaders, logtoWebhook } from '../support/logto-webhooks.ts'

const maxBodyBytes = 100_000

interface Rig {
  readonly port: number
  /** Bodies that came whole, in order. */
  readonly bodies: readonly string[]
  readonly answered: readonly Answered<string>[]
  /** Answers webhooks that are held; those that come later are held again. */
  release(): void
  stop(deadlineMs: number): Promise<void>
  connections(): number
}

/** @param isHeld webhooks are answered when they are released. Those of which the body is `wrong` at once, with 401 */
async function serve(options: Partial<WebhookServerOptions> = {}, isHeld = false): Promise<Rig> {
  const sources = new Map([['/logto', 'source']])
  const bodies: string[] = []
  const answered: Answered<string>[] = []
  let held = Promise.withResolvers<void>()
  const limits = { host: '127.0.0.1', port: 0, maxBodyBytes, clientTimeoutMs: 400, ...options }
  const server = await startWebhookServer<string>(limits, {
    judge: (head) => judgeHead(head, sources, limits.maxBodyBytes),
    async handle({ body }, onWriting) {
      const text = body.toString()
      bodies.push(text)
      if (text === 'wrong') return { answer: unauthorized('It is wrong.'), event: undefined }
      onWriting()
      if (isHeld) await held.promise
      return { answer: accepted(`id of ${text.length} bytes`, false), event: 'PostSignIn' }
    },
    onAnswered: (one) => answered.push(one),
  })
  let isStopped = false
  const stop = async (deadlineMs: number) => {
    isStopped = true
    await server.stop(deadlineMs)
  }
  onTestFinished(async () => {
    held.resolve()
    if (!isStopped) await server.stop(0)
  })
  return {
    ...{ port: server.port, bodies, answered, stop },
    connections: () => server.connections(),
    release() {
      held.resolve()
      held = Promise.withResolvers()
    },
  }
}

const { body, headers } = logtoWebhook()

/** Head of a request with Logto's headers, and those given. */
function head(more: readonly string[] = [], from = headers, line = 'POST /logto HTTP/1.1'): string {
  const lines = Object.entries(from).map(([name, value]) => `${name}: ${value}`)
  return [line, 'host: x', ...lines, ...more, '', ''].join('\r\n')
}

const lengthOf = (text: string) => `content-length: ${Buffer.byteLength(text)}`
const whole = `${head([lengthOf(body)])}${body}`

function open({ port }: Rig): { readonly socket: Socket; readonly said: () => string } {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', (piece: Buffer) => (said += piece.toString()))
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return { socket, said: () => said }
}

/** However it is closed: what is on the way to a connection that is ended resets it. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** What the server says on a connection until it ends it. */
async function talk(rig: Rig, ...texts: readonly string[]): Promise<string> {
  const { socket, said } = open(rig)
  const closed = closeOf(socket)
  for (const text of texts) socket.write(text)
  await closed
  return said()
}

/** Until the server has said this much. */
async function heard(said: () => string, form: RegExp): Promise<string> {
  await expect.poll(said, { interval: 5, timeout: 5_000 }).toMatch(form)
  return said()
}

const statusesIn = (text: string) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status)

function post(rig: Rig, sent: string | Buffer = body, more: Readonly<Record<string, string>> = {}) {
  return fetch(`http://127.0.0.1:${rig.port}/logto`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(sent)),
    headers: { ...logtoHeaders(sent), ...more },
  })
}

/** Sends the text a few bytes at a time, without an end. */
function trickle(rig: Rig, text: string): Socket {
  const { socket } = open(rig)
  let at = 0
  const timer = setInterval(() => {
    socket.write(text.slice(at, at + 10))
    at += 10
  }, 20)
  socket.once('close', () => clearInterval(timer))
  return socket
}

describe('the endpoint for webhooks', () => {
  it('gives the body as it came, and answers with JSON', async () => {
    const rig = await serve()
    const response = await post(rig)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ eventId: `id of ${body.length} bytes` })
    expect(rig.bodies).toEqual([body])
    expect(rig.answered).toMatchObject([
      { source: 'source', event: 'PostSignIn', from: '127.0.0.1' },
    ])
  })

  it('refuses at once what its head shows to be none, and reads nothing of it', async () => {
    const rig = await serve()
    const statuses = [
      await talk(
        rig,
        head(['content-length: 50000', 'connection: close'], headers, 'POST /x HTTP/1.1'),
      ),
      await talk(rig, head(['connection: close'], headers, 'GET /logto HTTP/1.1')),
      await talk(rig, head(['connection: close'], { 'content-type': 'text/plain' })),
      await talk(rig, head(['connection: close'], { 'content-type': 'application/json' })),
      await talk(rig, head(['content-length: 100001', 'connection: close'])),
    ]
    expect(statuses.map((text) => statusesIn(text)[0])).toEqual(['404', '405', '415', '401', '413'])
    expect(rig.bodies).toEqual([])
  })

  it('refuses a signature that is there twice', async () => {
    const twice = head([
      lengthOf(body),
      'connection: close',
      `logto-signature-sha-256: ${headers['logto-signature-sha-256']}`,
    ])
    expect(await talk(await serve(), `${twice}${body}`)).toMatch(
      /^HTTP\/1\.1 401 [^]*is there twice/,
    )
  })

  it('goes on with the connection after each answer that leaves it whole', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    const wrong = `${head([lengthOf('wrong')])}wrong`
    for (const [at, text] of [
      whole,
      wrong,
      head([], headers, 'GET /x HTTP/1.1'),
      whole,
    ].entries()) {
      socket.write(text)
      await heard(said, new RegExp(`(?:HTTP/1.1 [^]*){${at + 1}}`))
    }
    expect(statusesIn(said())).toEqual(['200', '401', '404', '200'])
  })

  it('answers requests that come all at once in their order', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(`${whole}${head([lengthOf('wrong')])}wrong${whole}`)
    await heard(said, /(?:HTTP\/1.1 [^]*){3}/)
    expect(statusesIn(said())).toEqual(['200', '401', '200'])
    expect(rig.bodies).toEqual([body, 'wrong', body])
  })

  it('speaks HTTP/1.0', async () => {
    const rig = await serve()
    const request = head([lengthOf(body)], headers, 'POST /logto HTTP/1.0').replace(
      'host: x\r\n',
      '',
    )
    expect(await talk(rig, request + body)).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(rig.bodies).toEqual([body])
  })

  it('puts a body together from pieces of any size', async () => {
    const rig = await serve()
    const text = `${body}${'é'.repeat(3_000)}`
    const pieces = [...Buffer.from(text)].map((byte) =>
      Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]),
    )
    const { socket, said } = open(rig)
    socket.write(head(['transfer-encoding: chunked']))
    socket.write(Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]))
    await heard(said, /200 OK/)
    expect(rig.bodies).toEqual([text])
  })

  it('takes a body of as many bytes as it may have, and none of one more', async () => {
    const rig = await serve()
    expect((await post(rig, 'x'.repeat(maxBodyBytes))).status).toBe(200)
    expect((await post(rig, 'x'.repeat(maxBodyBytes + 1))).status).toBe(413)
    expect(rig.bodies).toHaveLength(1)
  })

  it('refuses a body without a length once it is too large', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(head(['transfer-encoding: chunked']))
    const piece = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`
    socket.write(piece.repeat(11))
    expect(await heard(said, /\r\n\r\n\{/)).toMatch(/^HTTP\/1\.1 413 /)
    expect(rig.bodies).toEqual([])
  })

  it('lets who sends far too much read the answer, and ends the connection soon', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(head(['content-length: 100000000']))
    await heard(said, /^HTTP\/1\.1 413 /)
    const timer = setInterval(() => socket.write('x'.repeat(50_000)), 1)
    socket.once('close', () => clearInterval(timer))
    await closed
    expect(socket.bytesWritten).toBeLessThan(20_000_000)
  })

  it.each([
    ['two lengths', ['content-length: 5', 'content-length: 6']],
    ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked']],
    ['a length that is none', ['content-length: -5']],
    ['chunks that are not the last coding', ['transfer-encoding: chunked, gzip']],
    ['a header without its end', ['x\0y: 1']],
  ])('refuses a request with %s, and ends its connection', async (_, lines) => {
    const rig = await serve()
    expect(await talk(rig, `${head(lines)}5\r\nhello\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(rig.bodies).toEqual([])
  })

  it('takes what is beyond the length for the next request, which is none', async () => {
    const rig = await serve()
    const said = await talk(rig, `${head([lengthOf(body)])}${body}${'and more '.repeat(5)}\r\n\r\n`)
    expect(rig.bodies).toEqual([body])
    expect(said).not.toMatch(/200[^]*200/)
  })

  it('refuses headers beyond 16 KiB', async () => {
    expect(await talk(await serve(), head([`long: ${'x'.repeat(17_000)}`]))).toMatch(
      /^HTTP\/1\.1 431 /,
    )
  })

  it.each([
    ['says nothing', ''],
    ['does not end its headers', head().slice(0, -2)],
    ['announces more than it sends', `${head(['content-length: 50000'])}${body}`],
    ['does not end its chunks', `${head(['transfer-encoding: chunked'])}5\r\nhello\r\n`],
    ['sends nothing of a body that is refused', head(['content-length: 50000'], {})],
  ])('lets go of a client that %s', async (_, text) => {
    const rig = await serve()
    await talk(rig, text)
    expect(rig.bodies).toEqual([])
    expect((await post(rig)).status).toBe(200)
    expect(rig.connections()).toBeLessThanOrEqual(1)
  })

  it('closes a kept connection on which nothing comes', async () => {
    const rig = await serve({ keepAliveMs: 100 })
    expect(await talk(rig, whole)).toMatch(/keep-alive: timeout=/i)
  })

  it.each<[string, (rig: Rig) => Socket]>([
    ['send nothing', (rig) => open(rig).socket],
    ['trickle their headers', (rig) => trickle(rig, head().repeat(2))],
    ['trickle their body', (rig) => trickle(rig, `${head(['content-length: 50000'])}${body}`)],
  ])('answers 30 of 30 webhooks beside 200 clients that %s', async (_, begin) => {
    const rig = await serve({ maxConnections: 100, clientTimeoutMs: 5_000 })
    const clients = Array.from({ length: 200 }, () => begin(rig))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    const statuses: number[] = []
    for (let at = 0; at < 30; at += 1) statuses.push((await post(rig)).status)
    expect(statuses).toEqual(Array.from({ length: 30 }, () => 200))
    await expect.poll(() => rig.connections()).toBeLessThanOrEqual(101)
  })

  it('answers 2,000 clients at once, each on a connection of its own', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const agent = new Agent({ maxSockets: 2_000, keepAlive: true })
    onTestFinished(() => agent.destroy())
    const statuses = Array.from(
      { length: 2_000 },
      () =>
        new Promise<number | undefined>((resolve) => {
          const options = {
            host: '127.0.0.1',
            port: rig.port,
            path: '/logto',
            method: 'POST',
            agent,
          }
          httpRequest(
            { ...options, headers: { ...headers, 'content-length': body.length } },
            (response) => {
              response.resume().once('end', () => resolve(response.statusCode))
            },
          )
            .once('error', () => resolve(undefined))
            .end(body)
        }),
    )
    await expect.poll(() => rig.bodies.length, { timeout: 20_000 }).toBe(2_000)
    expect(rig.connections()).toBe(2_000)
    rig.release()
    expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]))
  })

  it('closes no connection whose event is on its way, however many others come', async () => {
    const rig = await serve({ maxConnections: 5, clientTimeoutMs: 60_000 }, true)
    const { socket, said } = open(rig)
    socket.write(whole)
    await expect.poll(() => rig.bodies.length).toBe(1)
    const others = Array.from({ length: 20 }, () => open(rig).socket)
    await Promise.all(others.map((other) => once(other, 'connect')))
    await expect.poll(() => rig.connections()).toBe(6)
    rig.release()
    expect(await heard(said, /\}/)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('gives up the bodies that have come for longest when all together are too many bytes', async () => {
    const rig = await serve({ maxIncomingBytes: 100_000, clientTimeoutMs: 60_000 })
    const slow = ['a', 'b', 'c'].map(() => open(rig))
    const part = `${head(['content-length: 50000'])}${'x'.repeat(40_000)}`
    for (const { socket } of slow) {
      const begun = once(socket, 'connect')
      socket.write(part)
      await begun
    }
    await heard(() => slow.map(({ said }) => said()).join(''), /HTTP/)
    expect(slow.map(({ said }) => statusesIn(said()))).toEqual([['503'], [], []])
    expect((await post(rig)).status).toBe(200)
    slow[2]?.socket.write('x'.repeat(10_000))
    await heard(() => slow[2]?.said() ?? '', /200 OK/)
  })

  it('asks for a body that is expected to be asked for, and not for one that it refuses', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(head([lengthOf(body), 'expect: 100-continue']))
    await heard(said, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    socket.write(body)
    await heard(said, /200 OK/)
    const refused = await talk(rig, head(['content-length: 200000', 'expect: 100-continue']))
    expect(statusesIn(refused)).toEqual(['413'])
    expect(await talk(rig, head(['expect: the unexpected', 'connection: close']))).toMatch(
      /^HTTP\/1\.1 417 /,
    )
  })

  it('goes on with an event whose client went away, and says that nobody got its answer', async () => {
    const rig = await serve({}, true)
    const { socket } = open(rig)
    socket.write(whole)
    await expect.poll(() => rig.bodies.length).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => rig.answered.length).toBe(1)
    expect(rig.answered[0]?.answer).toBe(undefined)
    rig.release()
    await expect.poll(() => rig.connections()).toBe(0)
    expect(rig.answered).toHaveLength(1)
  })

  it('drops a body whose client went away before its end', async () => {
    const rig = await serve()
    const { socket } = open(rig)
    socket.write(`${head(['content-length: 50000'])}${body}`)
    await expect.poll(() => rig.connections()).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => rig.answered.length).toBe(1)
    expect(rig.bodies).toEqual([])
    expect((await post(rig)).status).toBe(200)
  })

  it('ends the connection of who does not read answers', async () => {
    const rig = await serve({ clientTimeoutMs: 300 })
    const { socket } = open(rig)
    const closed = closeOf(socket)
    socket.pause()
    const many = whole.repeat(2_000)
    const timer = setInterval(() => socket.write(many), 1)
    socket.once('close', () => clearInterval(timer))
    await closed
    expect((await post(rig)).status).toBe(200)
  })

  it('names the setting when its port is taken', async () => {
    const { port } = await serve()
    await expect(serve({ port })).rejects.toThrow(/Port \d+ is in use: set HOOKTIDE_INGEST_PORT/)
  })
})

describe('the endpoint for webhooks, when it is stopped', () => {
  it('answers what has begun, on connections that end then, and takes no new one', async () => {
    const rig = await serve({ clientTimeoutMs: 5_000 }, true)
    const waiting = open(rig)
    const incoming = open(rig)
    waiting.socket.write(whole)
    incoming.socket.write(`${head([lengthOf(body)])}${body.slice(0, 10)}`)
    await expect.poll(() => rig.bodies.length).toBe(1)
    const silent = open(rig)
    await once(silent.socket, 'connect')
    await expect.poll(() => rig.connections()).toBe(3)
    const closed = [waiting, incoming, silent].map(({ socket }) => closeOf(socket))

    const stopped = rig.stop(60_000)
    await closed[2]
    await expect(post(rig)).rejects.toThrow()
    incoming.socket.write(body.slice(10))
    await expect.poll(() => rig.bodies.length).toBe(2)
    rig.release()
    await Promise.all([stopped, ...closed])
    for (const { said } of [waiting, incoming]) {
      expect(said()).toMatch(/^HTTP\/1\.1 200 OK[^]*connection: close/i)
    }
  })

  it('gives up what is not answered by its deadline', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const { socket, said } = open(rig)
    socket.write(whole)
    await expect.poll(() => rig.bodies.length).toBe(1)
    await rig.stop(50)
    await expect.poll(() => rig.answered).toMatchObject([{ answer: undefined }])
    expect(said()).toBe('')
  })
})
