/** The endpoint for webhooks on real sockets: whatever clients do, others are answered, and nothing is held for long. */
import { once } from 'node:events'
import { Agent, IncomingMessage, request as httpRequest } from 'node:http'
import { type Socket } from 'node:net'
import { queryObjects } from 'node:v8'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Rig,
  serve,
  head,
  lengthOf,
  whole,
  open,
  closeOf,
  talk,
  heard,
  statusesIn,
  post,
  trickle,
  headers,
  body,
} from '../support/webhook-rig.ts'

describe('the endpoint for webhooks', () => {
  it.each([
    ['says nothing', '', undefined],
    ['does not end its headers', head().slice(0, -2), 'too-slow'],
    ['announces more than it sends', `${head(['content-length: 50000'])}${body}`, 'too-slow'],
    [
      'does not end its chunks',
      `${head(['transfer-encoding: chunked'])}5\r\nhello\r\n`,
      'too-slow',
    ],
    ['sends nothing of a body that is refused', head(['content-length: 50000'], {}), 'not-json'],
  ])('closes the connection of a client that %s', async (_, text, name) => {
    const rig = await serve()
    const said = await talk(rig, text)
    expect(rig.bodies).toEqual([])
    expect(statusesIn(said)).toEqual(
      name === undefined ? [] : [name === 'too-slow' ? '408' : '415'],
    )
    expect(rig.answered.map(({ answer }) => answer?.name)).toEqual(name === undefined ? [] : [name])
    expect((await post(rig)).status).toBe(200)
    expect(rig.connections()).toBeLessThanOrEqual(1)
  })

  it('closes an idle kept-alive connection', async () => {
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
    const closed = () => clients.filter(({ destroyed }) => destroyed).length
    await expect.poll(closed).toBeGreaterThanOrEqual(100)
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

  it('closes no connection whose event waits for Kafka, however many others arrive', async () => {
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

  it('gives up the bodies that began first when all bodies together are too large', async () => {
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

  it('answers Expect: 100-continue, except for a request that it refuses', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(head([lengthOf(body), 'expect: 100-continue']))
    await heard(said, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    socket.write(body)
    await heard(said, /200 OK/)
    const refused = await talk(rig, head(['content-length: 200000', 'expect: 100-continue']))
    expect(statusesIn(refused)).toEqual(['413'])
  })

  it('writes an event even if its client has gone, and reports that nobody got the answer', async () => {
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

  it('drops a body if its client goes before the end', async () => {
    const rig = await serve()
    const { socket } = open(rig)
    socket.write(`${head(['content-length: 50000'])}${body}`)
    await expect.poll(() => rig.connections()).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => rig.answered.length).toBe(1)
    expect(rig.bodies).toEqual([])
    expect((await post(rig)).status).toBe(200)
  })

  const part = `${head(['content-length: 50000'])}${body}`
  it.each<[string, string, (client: Socket) => void]>([
    ['end it', part, (client) => void client.end()],
    ['reset it', part, (client) => void client.resetAndDestroy()],
    ['do not go on', part, () => undefined],
    [
      'go on with what is no chunk',
      `${head(['transfer-encoding: chunked'])}5\r\nhello\r\n`,
      (client) => void client.write('no chunk'),
    ],
  ])('keeps nothing of connections within a body if their clients %s', async (_, text, go) => {
    const rig = await serve()
    const useOne = async () => {
      const { socket } = open(rig)
      const [closed, answered] = [closeOf(socket), rig.answered.length]
      socket.write(text)
      await expect.poll(() => rig.connections()).toBe(1)
      go(socket)
      await closed
      await expect.poll(() => rig.answered.length).toBe(answered + 1)
    }
    await useOne()
    const before = queryObjects(IncomingMessage, { format: 'count' })
    for (let count = 0; count < 4; count += 1) await useOne()
    expect(queryObjects(IncomingMessage, { format: 'count' })).toBeLessThanOrEqual(before)
  })

  it('closes the connection of a client that does not read answers', async () => {
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

  it('closes the connection of a client that sends many requests before it has their answers', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const { socket } = open(rig)
    const closed = closeOf(socket)
    socket.write(whole.repeat(20))
    await closed
    expect(rig.bodies.length).toBe(16)
    await expect.poll(() => rig.answered.length).toBe(16)
    const said = await talk(rig, head([], headers, 'GET /x HTTP/1.1').repeat(5_000))
    expect(statusesIn(said).length).toBeLessThanOrEqual(16)
    await expect.poll(() => rig.answered.length).toBe(32)
  })

  it('names the setting when its port is taken', async () => {
    const { port } = await serve()
    await expect(serve({ port })).rejects.toThrow(/Port \d+ is in use: set HOOKTIDE_INGEST_PORT/)
  })
})

describe('the endpoint for webhooks, when it is stopped', () => {
  it('answers the requests that have begun, then closes their connections, and accepts no new one', async () => {
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

  it('answers a request that was on its way on a kept connection, and closes that', async () => {
    const rig = await serve({ drainMs: 5_000, clientTimeoutMs: 60_000 })
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(whole)
    await heard(said, /200 OK[^]*\}/)
    void rig.stop(60_000)
    socket.write(whole)
    await closed
    expect(statusesIn(said())).toEqual(['200', '200'])
    expect(said()).toMatch(/connection: keep-alive[^]*connection: close/i)
  })

  it('gives up requests that are not answered at its deadline', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const { socket, said } = open(rig)
    socket.write(whole)
    await expect.poll(() => rig.bodies.length).toBe(1)
    await rig.stop(50)
    await expect.poll(() => rig.answered).toMatchObject([{ answer: undefined }])
    expect(said()).toBe('')
  })
})
