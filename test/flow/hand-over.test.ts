import { describe, expect, it } from 'vitest'
import { urlOf } from '../support/addressed.ts'
import { createRig, type Instance, type Rig } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'

const second = 1_000
const events = 60

/** How many calls for the hook's deliveries came after another one, over all instances. */
function repeats(instances: readonly Instance[], id: string): number {
  const calls = instances
    .flatMap(({ http }) => http.calls)
    .filter(({ request }) => request.url === urlOf(id))
  return calls.length - new Set(calls.map(({ request }) => request.headers['webhook-id'])).size
}

/** Sixty events for a hook that answers at once and one that takes 200 ms a call, one at a time. */
async function rigWithTwo(partitions: number): Promise<{ rig: Rig; one: Instance }> {
  const rig = createRig({ partitions })
  rig.putHook({ id: 'fast' })
  rig.putHook({ id: 'slow', delivery: { concurrency: 1 } })
  rig.script(urlOf('fast'), 200)
  rig.script(urlOf('slow'), { status: 200, afterMs: 200 })
  const one = await rig.start()
  for (let index = 0; index < events; index += 1) rig.sendEvent({ index })
  await rig.clock.advance(100)
  expect(one.http.calls.filter(({ request }) => request.url === urlOf('fast'))).toHaveLength(events)
  return { rig, one }
}

function expectAllDelivered(rig: Rig): void {
  const delivered = rig.results().filter(({ outcome }) => outcome === 'delivered')
  expect(new Set(delivered.map(({ deliveryId }) => deliveryId)).size).toBe(2 * events)
}

describe('an orderly join', () => {
  it.each([1, 6])('repeats no call of either hook, on %i partitions', async (partitions) => {
    const { rig, one } = await rigWithTwo(partitions)
    const starting = rig.start({ instance: 'two' })
    await rig.clock.advance(5 * second)
    const two = await starting
    await rig.clock.advance(30 * second)
    expectAllDelivered(rig)
    expect(repeats([one, two], 'fast')).toBe(0)
    expect(repeats([one, two], 'slow')).toBe(0)
  })

  it.each([1, 6])(
    'repeats no call of either hook where acknowledgements are slow, on %i partitions',
    async (partitions) => {
      const { rig, one } = await rigWithTwo(partitions)
      rig.broker.setAckDelay(300)
      const starting = rig.start({ instance: 'two' })
      await rig.clock.advance(8 * second)
      const two = await starting
      await rig.clock.advance(60 * second)
      expectAllDelivered(rig)
      expect(repeats([one, two], 'fast')).toBe(0)
      expect(repeats([one, two], 'slow')).toBe(0)
    },
  )

  it.each([
    [0, 0],
    [0, 300],
    [1, 0],
    [1, 300],
  ])(
    'of partition %i repeats no call that ended during the drain, acknowledged after %i ms',
    async (partition, ackMs) => {
      const rig = createRig({ partitions: 2 })
      rig.putHook({ id: 'fast' })
      rig.putHook({ id: 'slow', delivery: { concurrency: 1 } })
      rig.script(urlOf('slow'), { status: 200, afterMs: 200 })
      const one = await rig.start()
      rig.broker.setAckDelay(ackMs)
      const value = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
      for (let index = 0; index < 2; index += 1) {
        rig.broker.produce('auth.events', { partition, value })
      }
      await rig.clock.advance(10)
      rig.script(urlOf('fast'), 200)
      const starting = rig.start({ instance: 'two' })
      await rig.clock.advance(100)
      const open = one.http.openCalls.filter(({ request }) => request.url === urlOf('fast'))
      expect(open).toHaveLength(2)
      for (const call of open) call.answer(200)
      await rig.clock.advance(8 * second)
      const two = await starting
      await rig.clock.advance(30 * second)
      expect(new Set(rig.results().map(({ deliveryId }) => deliveryId)).size).toBe(4)
      expect(repeats([one, two], 'fast')).toBe(0)
      expect(repeats([one, two], 'slow')).toBe(0)
    },
  )

  it('repeats only what took longer than two seconds, and none of its siblings', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'fast' })
    rig.putHook({ id: 'hangs', delivery: { timeoutMs: 60 * second } })
    rig.script(urlOf('fast'), 200)
    const one = await rig.start()
    for (let index = 0; index < 10; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(10)
    const out = one.http.openCalls.length
    expect(out).toBe(2)
    rig.script(urlOf('hangs'), 200)
    one.http.script(urlOf('hangs'), 200)
    const starting = rig.start({ instance: 'two' })
    await rig.clock.advance(5 * second)
    const two = await starting
    await rig.clock.advance(10 * second)
    expect(repeats([one, two], 'fast')).toBe(0)
    expect(repeats([one, two], 'hangs')).toBe(out)
    const delivered = rig.results().filter(({ outcome }) => outcome === 'delivered')
    expect(new Set(delivered.map(({ deliveryId }) => deliveryId)).size).toBe(20)
  })
})

describe('an orderly stop', () => {
  it.each([
    ['that has time for all calls repeats none', 20 * second, 0],
    ['that has a second repeats no call', second, 0],
    ['that has no time repeats the call in flight, and none of its siblings', 0, 1],
  ])('%s', async (_, deadlineMs, out) => {
    const { rig, one } = await rigWithTwo(1)
    const stopping = one.processor.stop(deadlineMs)
    await rig.clock.advance(30 * second)
    await stopping
    const two = await rig.start({ instance: 'two' })
    await rig.clock.advance(30 * second)
    expectAllDelivered(rig)
    expect(repeats([one, two], 'fast')).toBe(0)
    expect(repeats([one, two], 'slow')).toBe(out)
  })

  it('while another process joins repeats no call either', async () => {
    const { rig, one } = await rigWithTwo(6)
    const starting = rig.start({ instance: 'two' })
    await settled()
    const stopping = one.processor.stop(20 * second)
    await rig.clock.advance(40 * second)
    await stopping
    const two = await starting
    await rig.clock.advance(30 * second)
    expectAllDelivered(rig)
    expect(repeats([one, two], 'fast')).toBe(0)
    expect(repeats([one, two], 'slow')).toBe(0)
  })
})
