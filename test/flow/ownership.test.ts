import { describe, expect, it } from 'vitest'
import { createRig, topics, type Instance } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'

const url = 'https://a.example/'
const events = { topic: 'auth.events', partition: 0 }

function names(instance: Instance): readonly string[] {
  return instance.http.calls.map(({ request }) => JSON.parse(request.body.toString()).name)
}

describe('a rebalance', () => {
  it('waits for calls in flight, so that a partition that moves repeats none', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    for (const partition of [0, 1]) {
      const value = `{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","name":"p${partition}"}`
      rig.broker.produce('auth.events', { value, partition })
    }
    await rig.clock.advance(10)
    expect(one.http.calls).toHaveLength(2)
    const starting = rig.start({ instance: 'two' })
    await settled()
    for (const call of one.http.calls) call.answer(200)
    await rig.clock.advance(3_000)
    const two = await starting
    await rig.clock.advance(3_000)
    expect(two.http.calls).toEqual([])
    expect(rig.story()).toEqual(['a delivered 1', 'a delivered 1'])
  })

  it('aborts and repeats only calls of lost partitions that outlast the budget', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    for (const partition of [0, 1]) {
      const value = `{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","name":"p${partition}"}`
      rig.broker.produce('auth.events', { value, partition })
    }
    await rig.clock.advance(10)
    const starting = rig.start({ instance: 'two' })
    await rig.clock.advance(5_000)
    const two = await starting
    await rig.clock.advance(100)
    const aborted = one.http.calls.filter(({ isAborted }) => isAborted)
    expect(aborted).toHaveLength(1)
    expect(two.http.calls).toHaveLength(1)
    expect(names(two)).toEqual(
      aborted.map(({ request }) => JSON.parse(request.body.toString()).name),
    )
    expect(rig.story()).toEqual(['a interrupted 1'])
    for (const call of [...one.http.calls, ...two.http.calls]) call.answer(200)
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a interrupted 1', 'a delivered 1', 'a delivered 1'])
  })

  it('of the group of retries delays no first attempt, though a retry is in flight until the end of its budget', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { timeoutMs: 60_000 } })
    rig.putHook({ id: 'b', events: ['PostRegister'] })
    const one = await rig.start()
    rig.sendEvent({ name: 'x' })
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(7_000)
    expect(one.http.openCalls).toHaveLength(1)
    const rebalancing = rig.broker.rebalance('hooktide.retry')
    await rig.clock.advance(100)
    rig.sendEvent({ event: 'PostRegister', name: 'y' })
    await rig.clock.advance(100)
    expect(names(one)).toEqual(['x', 'x', 'y'])
    await rig.clock.advance(3_000)
    await rebalancing
  })

  it('does not handle a kept partition twice, though it is read again', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    rig.sendEvent({ name: 'x' })
    await rig.clock.advance(10)
    const rebalancing = rig.broker.rebalance('hooktide')
    await rig.clock.advance(3_000)
    await rebalancing
    expect(one.http.calls).toHaveLength(1)
    one.http.calls[0]?.answer(200)
    rig.sendEvent({ name: 'y' })
    await rig.clock.advance(100)
    expect(names(one)).toEqual(['x', 'y'])
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(100)
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(2)
  })
})

describe('the next owner', () => {
  it('skips what was complete above the committed offset', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    for (const name of ['x', 'y']) rig.sendEvent({ name })
    await rig.clock.advance(10)
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(100)
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(0)
    await one.live.freeze()
    const two = await rig.start({ instance: 'two' })
    await rig.clock.advance(100)
    expect(names(two)).toEqual(['x'])
  })
})

describe('a process that wakes from a long stop', () => {
  it('makes no call before it has rejoined', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    await one.live.freeze()
    rig.sendEvent({ name: 'x' })
    await rig.clock.advance(11_000)
    expect(one.processor.status().isProven).toBe(false)
    expect(one.http.calls).toEqual([])
  })
})

describe('an epoch that has ended', () => {
  it('writes results, and neither tier nor dead-letter records', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    await one.live.freeze()
    const two = await rig.start({ instance: 'two' })
    await rig.clock.advance(10)
    const thawing = one.live.thaw()
    await rig.clock.advance(3_000)
    await thawing
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(100)
    expect(rig.broker.read(`${topics.retryPrefix}5s`)).toEqual([])
    expect(rig.results().filter(({ instance }) => instance === 'one')).toMatchObject([
      { outcome: 'interrupted', final: false },
    ])
    for (const call of two.http.calls) call.answer(200)
    await rig.clock.advance(3_000)
  })
})

describe('a call whose end finds membership unproven', () => {
  it('is recorded only when it is known whether its epoch continues: here it has ended', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { timeoutMs: 60_000 } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    await one.live.freeze()
    const two = await rig.start({ instance: 'two' })
    await rig.clock.advance(20_000)
    two.http.calls[0]?.answer(200)
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(100)
    expect(rig.broker.read(`${topics.retryPrefix}5s`)).toEqual([])
    const thawing = one.live.thaw()
    await rig.clock.advance(3_000)
    await thawing
    await rig.clock.advance(60_000)
    expect(two.http.calls.length + one.http.calls.length).toBe(2)
    expect(rig.story()).toEqual(['a delivered 1', 'a interrupted 1'])
  })

  it('is recorded only when it is known whether its epoch continues: here it does', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { timeoutMs: 60_000 } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    rig.broker.outage(true)
    await rig.clock.advance(20_000)
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(100)
    rig.broker.outage(false)
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a retrying 1'])
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(1)
  })

  it('is recorded as it is when the process ends before that is known', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { timeoutMs: 60_000 } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    await one.live.freeze()
    await rig.clock.advance(20_000)
    one.http.calls[0]?.answer(500)
    const stopping = one.processor.stop(1_000)
    await rig.clock.advance(30_000)
    await stopping
    expect(rig.story()).toEqual(['a interrupted 1'])
  })
})

describe('a stop', () => {
  it('does not wait for its deadline when the last queued work ends without a call', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { concurrency: 1 } })
    const one = await rig.start()
    for (const name of ['x', 'y']) rig.sendEvent({ name })
    await rig.clock.advance(10)
    const startedAt = rig.clock.now()
    let stoppedAt: number | undefined
    void one.processor.stop(20_000).then(() => {
      stoppedAt = rig.clock.now()
    })
    rig.deleteHook('a')
    await settled()
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(30_000)
    expect(rig.story()).toEqual(['a delivered 1', 'a discarded null'])
    expect((stoppedAt ?? Infinity) - startedAt).toBeLessThan(1_000)
  })

  it('lets calls finish until the deadline, records the others as interrupted, and loses nothing', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    for (const name of ['x', 'y']) rig.sendEvent({ name })
    await rig.clock.advance(10)
    const stopping = one.processor.stop(1_000)
    await settled()
    rig.sendEvent({ name: 'z' })
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(2_000)
    await stopping
    expect(rig.story()).toEqual(['a delivered 1', 'a interrupted 1'])
    const two = await rig.start({ instance: 'two' })
    two.http.script(url, 200)
    await rig.clock.advance(100)
    for (const call of two.http.calls) call.answer(200)
    await rig.clock.advance(100)
    expect(names(two)).toEqual(['y', 'z'])
  })
})
