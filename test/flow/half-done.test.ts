import { describe, expect, it } from 'vitest'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const url = (id: string) => `https://${id}.example/`

function callsTo(one: Instance, id: string): number {
  return one.http.calls.filter(({ request }) => request.url === url(id)).length
}

function splits(rig: Rig): number {
  return rig.broker
    .read(topics.requests)
    .filter(({ headers }) => [...headers].some(([name]) => name === 'hooktide-split')).length
}

function committed(rig: Rig): number | undefined {
  return rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset
}

/** One hook answers at once, and one makes one call at a time, which waits for the test. */
async function rigWithSlowSibling(overrides = {}) {
  const rig = createRig()
  rig.putHook({ id: 'quick' })
  rig.putHook({ id: 'slow', delivery: { concurrency: 1, timeoutMs: 60_000 } })
  const one = await rig.start(overrides)
  one.http.script(url('quick'), 200)
  return { rig, one }
}

describe('a half-done event', () => {
  it('has the deliveries split off that have not started after half a second, and its offset completes', async () => {
    const { rig, one } = await rigWithSlowSibling()
    for (let index = 0; index < 5; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(400)
    expect(splits(rig)).toBe(0)
    await rig.clock.advance(400)
    expect(splits(rig)).toBe(4)
    one.http.openCalls[0]?.answer(200)
    await rig.clock.advance(50)
    expect(committed(rig)).toBe(5)
    for (let round = 0; round < 4; round += 1) {
      one.http.openCalls[0]?.answer(200)
      await rig.clock.advance(50)
    }
    const slow = rig.results().filter(({ hookId }) => hookId === 'slow')
    expect(slow.map(({ outcome, final, trigger }) => [outcome, final, trigger])).toEqual(
      Array.from({ length: 5 }, () => ['delivered', true, 'event']),
    )
    // The runs are those that the events began.
    expect(new Set(slow.map(({ run }) => run)).size).toBe(5)
    expect(slow.every(({ run }) => run.startsWith('auth.events/0/'))).toBe(true)
  })

  it('is split at once when more than fifty deliveries have ended within such events', async () => {
    const { rig } = await rigWithSlowSibling()
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(50)
    expect(splits(rig)).toBeGreaterThanOrEqual(40)
    expect(splits(rig)).toBeLessThan(60)
  })

  it('is not split while calls are stopped, since nothing would be written', async () => {
    const { rig } = await rigWithSlowSibling()
    for (let index = 0; index < 5; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(50)
    rig.broker.outage(true)
    await rig.clock.advance(20 * second)
    expect(splits(rig)).toBe(0)
    rig.broker.outage(false)
    await rig.clock.advance(2 * second)
    expect(splits(rig)).toBe(4)
  })

  it('that is read again by its process repeats no delivery that has ended', async () => {
    const { rig, one } = await rigWithSlowSibling()
    rig.sendEvent()
    await rig.clock.advance(50)
    expect([callsTo(one, 'quick'), callsTo(one, 'slow')]).toEqual([1, 1])
    await one.live.freeze()
    const thawing = one.live.thaw()
    await rig.clock.advance(3 * second)
    await thawing
    expect([callsTo(one, 'quick'), callsTo(one, 'slow')]).toEqual([1, 2])
  })
})

describe('an orderly hand-over of half-done events', () => {
  it('to a member that joins repeats no call that ended', async () => {
    const { rig, one } = await rigWithSlowSibling()
    for (let index = 0; index < 60; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(100)
    const joining = rig.start({ instance: 'two' })
    await rig.clock.advance(200)
    one.http.openCalls[0]?.answer(200)
    await rig.clock.advance(5 * second)
    const two = await joining
    two.http.script(url('quick'), 200)
    for (const instance of [one, two]) instance.http.script(url('slow'), 200)
    for (const call of [...one.http.openCalls, ...two.http.openCalls]) call.answer(200)
    await rig.clock.advance(10 * second)
    expect(callsTo(one, 'quick') + callsTo(two, 'quick')).toBe(60)
    expect(callsTo(one, 'slow') + callsTo(two, 'slow')).toBe(60)
    const finals = rig.results().filter(({ final }) => final)
    expect(new Set(finals.map(({ deliveryId }) => deliveryId)).size).toBe(120)
  })

  it('at a stop repeats only the call that took longer than the stop could wait', async () => {
    const { rig, one } = await rigWithSlowSibling()
    for (let index = 0; index < 60; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(100)
    const stopping = one.processor.stop(second)
    await rig.clock.advance(20 * second)
    expect(await stopping).toBe(0)
    const two = await rig.start({ instance: 'two' })
    for (const id of ['quick', 'slow']) two.http.script(url(id), 200)
    for (const call of two.http.openCalls) call.answer(200)
    await rig.clock.advance(10 * second)
    expect(callsTo(two, 'quick')).toBe(0)
    expect(callsTo(two, 'slow')).toBe(60)
    const again = rig.results().filter(({ outcome }) => outcome === 'interrupted')
    expect(again.length).toBeLessThanOrEqual(1)
    expect(callsTo(one, 'slow')).toBe(1)
    const finals = rig.results().filter(({ final }) => final)
    expect(new Set(finals.map(({ deliveryId }) => deliveryId)).size).toBe(120)
  })
})
