/** What names cost that do not resolve, by calls over real sockets and questions to a real name server. */
import { describe, expect, it } from 'vitest'
import { createNames } from '../../src/edge/names/names.ts'
import type { PooledHttpSender } from '../../src/edge/http/sender.ts'
import { createHandClock, type HandClock } from '../support/hand-clock.ts'
import { requestTo, send, startCall, useSender, type StartedCall } from '../support/http-calls.ts'
import { useNameServer, type NameReply, type NameServer } from '../support/name-server.ts'
import { useReceiver } from '../support/receiver.ts'

const here: NameReply = { kind: 'addresses', addresses: ['127.0.0.1'] }

interface Setup {
  readonly sender: PooledHttpSender
  readonly server: NameServer
  /** Of the names; calls have the real one. */
  readonly clock: HandClock
}

/** A name server that answers nothing for names that begin with `dead`, and this machine for all others. */
async function setUp(answer?: NameServer['answer']): Promise<Setup> {
  const server = await useNameServer(
    answer ?? (({ name }) => (name.startsWith('dead') ? { kind: 'hang' } : here)),
  )
  const clock = createHandClock()
  const paths = { hosts: '/nowhere/hosts', resolvConf: '/nowhere/resolv.conf' }
  const names = createNames({ clock, emit: () => {}, servers: [server.address], paths })
  return { sender: useSender({ names }), server, clock }
}

/** Calls that wait for the addresses of names that nobody tells. */
async function callDeadNames({ sender, server }: Setup, count: number): Promise<StartedCall[]> {
  const calls: StartedCall[] = []
  for (let index = 0; index < count; index += 1) {
    const poolKey = `dead-${index}`
    const url = `http://dead-${index}.example/`
    calls.push(startCall(sender, requestTo(url, { poolKey, timeoutMs: 600_000 })))
    // A socket holds a bounded number of datagrams that its program has not read.
    if (index % 50 === 49) await server.waitFor((index + 1) * 2)
  }
  return calls
}

function named(origin: string, name: string): string {
  return origin.replace('127.0.0.1', name)
}

describe('three hundred names for which no name server answers', () => {
  it('delay no call to a name that has an address, old or new', async () => {
    const receiver = await useReceiver()
    const setup = await setUp()
    const dead = await callDeadNames(setup, 300)
    const calls = Array.from({ length: 100 }, (_, index) =>
      send(setup.sender, named(receiver.origin, `fine-${index % 10}.example`), {
        poolKey: `fine-${index}`,
      }),
    )
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({ kind: 'response', status: 200 })
    }
    expect(dead.flatMap(({ results }) => results)).toEqual([])
  })

  it('cost no call to an endpoint that closes each connection, and one lookup', async () => {
    const receiver = await useReceiver({
      answer: () => ({ kind: 'respond', status: 200, headers: { connection: 'close' } }),
    })
    const setup = await setUp()
    const dead = await callDeadNames(setup, 300)
    const url = named(receiver.origin, 'closes.example')
    for (let wave = 0; wave < 31; wave += 1) {
      const results = await Promise.all(Array.from({ length: 8 }, () => send(setup.sender, url)))
      for (const result of results) expect(result).toMatchObject({ status: 200 })
    }
    expect(receiver.connectionCount()).toBe(248)
    expect(setup.server.questionsOf('closes.example')).toHaveLength(2)
    expect(dead.flatMap(({ results }) => results)).toEqual([])
  })

  it('are no longer looked up after their calls have ended', async () => {
    const setup = await setUp()
    for (const { call } of await callDeadNames(setup, 300)) call.abort()
    await setup.clock.advance(1_000)
    const { length } = setup.server.questions
    expect(length).toBe(600)
    // What one more name is asked for and told comes after all that was under way.
    const receiver = await useReceiver()
    await send(setup.sender, named(receiver.origin, 'fine.example'))
    expect(setup.server.questions).toHaveLength(length + 2)
  })

  it('fail their calls with class dns, and at once from the second call on', async () => {
    const setup = await setUp()
    const dead = await callDeadNames(setup, 300)
    await setup.clock.advance(8_000)
    for (const [index, { result }] of dead.entries()) {
      expect(await result).toMatchObject({
        kind: 'error',
        errorClass: 'dns',
        message: `dead-${index}.example could not be looked up: the name servers did not answer in time`,
      })
    }
    const { length } = setup.server.questions
    expect(await send(setup.sender, 'http://dead-7.example/')).toMatchObject({ errorClass: 'dns' })
    expect(setup.server.questions).toHaveLength(length)
  })
})

describe('a name server that stops answering', () => {
  it('has endpoints called at their last address, and at the newest one when it answers again', async () => {
    const first = await useReceiver()
    const { sender, server, clock } = await setUp()
    const url = named(first.origin, 'fine.example')
    // Each from a pool of its own, and so by a connection of its own.
    const fresh = (poolKey: string) => send(sender, url, { poolKey })
    let polls = 0
    expect(await fresh('before')).toMatchObject({ status: 200 })
    server.answer = () => ({ kind: 'refused' })
    await clock.advance(30 * 60_000)
    expect(await fresh('while it cannot say')).toMatchObject({ status: 200 })
    server.answer = () => ({ kind: 'hang' })
    for (const poolKey of ['one', 'two', 'three']) {
      await clock.advance(60_000)
      expect(await fresh(poolKey)).toMatchObject({ status: 200 })
    }
    server.answer = () => ({ kind: 'nxdomain' })
    await clock.advance(60_000)
    await expect
      .poll(() => fresh(`poll ${(polls += 1)}`))
      .toMatchObject({
        errorClass: 'dns',
        message: 'fine.example does not exist, or has no address',
      })
    server.answer = () => here
    await clock.advance(5_000)
    expect(await fresh('after')).toMatchObject({ status: 200 })
  })
})

describe('an address', () => {
  it('is checked at each connection, whatever the name server answered before', async () => {
    const receiver = await useReceiver()
    const { sender, server, clock } = await setUp(() => ({ ...here, ttl: 0 }))
    const url = named(receiver.origin, 'rebinds.example')
    expect(await send(sender, url, { poolKey: 'one' })).toMatchObject({ status: 200 })
    server.answer = () => ({ kind: 'addresses', addresses: ['169.254.169.254', '10.0.0.1'] })
    await clock.advance(1_000)
    expect(await send(sender, url, { poolKey: 'two' })).toMatchObject({
      errorClass: 'blocked',
      message: 'the address of the host may not be called',
    })
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('the name of the egress proxy', () => {
  it('is looked up by the same rules, and its address is not checked', async () => {
    const proxy = await useReceiver({ answer: () => ({ kind: 'respond', status: 202 }) })
    const { server } = await setUp()
    const names = createNames({
      clock: createHandClock(),
      emit: () => {},
      servers: [server.address],
      paths: { hosts: '/nowhere/hosts', resolvConf: '/nowhere/resolv.conf' },
    })
    const egressProxy = named(proxy.origin, 'proxy.example')
    const sender = useSender({ names, egressProxy, allowCidrs: [] })
    expect(await send(sender, 'http://endpoint.example/')).toMatchObject({ status: 202 })
    expect(server.questionsOf('proxy.example')).toHaveLength(2)
    expect(server.questionsOf('endpoint.example')).toEqual([])
  })
})
