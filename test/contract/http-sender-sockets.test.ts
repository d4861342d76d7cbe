/** Which connections are kept, shared and closed. */
import { describe, expect, it } from 'vitest'
import { requestTo, send, startCall, useSender } from '../support/http-calls.ts'
import { useReceiver } from '../support/receiver.ts'

describe('a connection', () => {
  it('is used for the calls of its hook one after the other', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    for (let count = 0; count < 5; count += 1) await send(sender, receiver.origin)
    expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 0, 0])
  })

  it('is used for the next call if that starts within the report of the one before', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    const second = Promise.withResolvers<void>()
    sender.send(requestTo(receiver.origin), () => {
      sender.send(requestTo(receiver.origin), () => second.resolve())
    })
    await second.promise
    expect(receiver.connectionCount()).toBe(1)
  })

  it('carries one call at a time', async () => {
    const release = Promise.withResolvers<void>()
    const receiver = await useReceiver({
      answer: () => ({ kind: 'respond', status: 200, after: release.promise }),
    })
    const sender = useSender()
    const calls = [1, 2, 3].map(() => startCall(sender, requestTo(receiver.origin)))
    await receiver.waitFor(3)
    release.resolve()
    await Promise.all(calls.map(({ result }) => result))
    expect(new Set(receiver.requests.map(({ connection }) => connection))).toEqual(
      new Set([0, 1, 2]),
    )
    expect(sender.socketCounts()).toEqual({ idle: 3, open: 3 })
  })

  it('is shared with no other pool, and with no other origin', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    await send(sender, receiver.origin, { poolKey: 'one' })
    await send(sender, receiver.origin, { poolKey: 'two' })
    await send(sender, receiver.origin.replace('127.0.0.1', 'localhost'), { poolKey: 'one' })
    expect(receiver.connectionCount()).toBe(3)
  })

  it('that the endpoint closes after its answer is replaced', async () => {
    const receiver = await useReceiver({
      answer: () => ({ kind: 'respond', status: 200, headers: { connection: 'close' } }),
    })
    const sender = useSender()
    for (let count = 0; count < 3; count += 1) {
      expect(await send(sender, receiver.origin)).toMatchObject({ kind: 'response', status: 200 })
    }
    expect(receiver.connectionCount()).toBe(3)
  })

  it.each([
    ['timed out', 'hang'],
    ['was cut', 'reset'],
  ] as const)('whose call %s is not used again', async (_, kind) => {
    let isBroken = true
    const receiver = await useReceiver({ answer: () => (isBroken ? { kind } : undefined) })
    const sender = useSender()
    expect(await send(sender, receiver.origin, { timeoutMs: 250 })).toMatchObject({ kind: 'error' })
    isBroken = false
    expect(await send(sender, receiver.origin)).toMatchObject({ kind: 'response', status: 200 })
    expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 1])
  })

  it('of an aborted call is closed', async () => {
    const receiver = await useReceiver({ answer: () => ({ kind: 'hang' }) })
    const sender = useSender()
    const { call, results } = startCall(sender, requestTo(receiver.origin))
    await receiver.waitFor(1)
    call.abort()
    await receiver.waitForConnections(0)
    expect(results).toMatchObject([{ kind: 'aborted' }])
  })

  it('whose call was aborted while connecting never sends that call', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    const aborted = startCall(sender, requestTo(`${receiver.origin}/aborted`))
    aborted.call.abort()
    await send(sender, `${receiver.origin}/sent`)
    await sender.stop()
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/sent'])
  })
})

describe('idle connections', () => {
  it('are bounded over all hooks, and the one that is idle for longest is closed first', async () => {
    const receiver = await useReceiver()
    const sender = useSender({ maxIdleSockets: 3 })
    const hooks = Array.from({ length: 40 }, (_, index) => `hook-${index}`)
    for (const poolKey of hooks) await send(sender, receiver.origin, { poolKey })
    expect(sender.socketCounts().idle).toBe(3)
    await receiver.waitForConnections(3)

    for (const poolKey of hooks.slice(-3)) await send(sender, receiver.origin, { poolKey })
    expect(receiver.connectionCount()).toBe(40)
    await send(sender, receiver.origin, { poolKey: hooks[0] ?? '' })
    expect(receiver.connectionCount()).toBe(41)
  })

  it('that the endpoint closes are forgotten, and their hooks with them', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    for (const poolKey of ['one', 'two', 'three']) await send(sender, receiver.origin, { poolKey })
    expect(sender.socketCounts()).toEqual({ idle: 3, open: 3 })
    await receiver.stop()
    // The ends have arrived before that of a connection made later.
    const other = await useReceiver()
    await send(sender, other.origin, { poolKey: 'other' })
    expect(sender.socketCounts()).toEqual({ idle: 1, open: 1 })
  })

  it('are closed by stop, as all others are', async () => {
    const receiver = await useReceiver({
      answer: ({ path }) => (path === '/hang' ? { kind: 'hang' } : undefined),
    })
    const sender = useSender()
    await send(sender, receiver.origin)
    startCall(sender, requestTo(`${receiver.origin}/hang`))
    startCall(sender, requestTo(`${receiver.origin}/hang`, { poolKey: 'other' }))
    await receiver.waitFor(3)
    await sender.stop()
    expect(sender.socketCounts()).toEqual({ idle: 0, open: 0 })
    await receiver.waitForConnections(0)
  })
})
