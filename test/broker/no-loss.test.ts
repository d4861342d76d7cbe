import { describe, expect, it } from 'vitest'
import {
  callsByDelivery,
  committedCount,
  repeatedCalls,
  waitForFinals,
} from '../support/accounting.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

function sendNumbered(rig: BrokerRig, from: number, to: number): Promise<void> {
  const events = Array.from({ length: to - from }, (_, index) => ({
    fields: { n: from + index },
    headers: { 'event-id': `e${from + index}` },
    partition: (from + index) % 6,
  }))
  return rig.sendEvents(...events)
}

describe('two instances that share the group', () => {
  it('lose nothing and repeat nothing while one stops normally and another joins', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      partitions: 6,
      answer: () => ({
        kind: 'respond',
        status: 200,
        // Calls of 30 ms would be few more than 500 a second. Below that, deliveries are deferred, and have further results.
        after: new Promise((resolve) => setTimeout(resolve, 10)),
      }),
    })
    await rig.putHooks({ id: 'a' })
    const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await sendNumbered(rig, 0, 1_000)
    await rig.receiver.waitFor(100)
    await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    await sendNumbered(rig, 1_000, 2_000)
    await rig.receiver.waitFor(1_200)
    one.signal('SIGTERM')
    expect(await one.exited).toBe(0)
    await sendNumbered(rig, 2_000, 3_000)
    await rig.run({ HOOKTIDE_INSTANCE: 'three' })
    await sendNumbered(rig, 3_000, 4_000)
    await waitForFinals(rig, 4_000)
    expect(callsByDelivery(rig).size).toBe(4_000)
    expect(repeatedCalls(rig)).toBe(0)
    expect(rig.results.items).toHaveLength(4_000)
    const instances = new Set(rig.results.items.map(({ instance }) => instance))
    expect([...instances].toSorted()).toEqual(['one', 'three', 'two'])
  })
})

describe('kill -9 of a process with a backlog', () => {
  it('loses nothing, and repeats only calls that no acknowledged commit covers', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 6 })
    await rig.putHooks({ id: 'a', delivery: { concurrency: 32 } })
    const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await sendNumbered(rig, 0, 4_000)
    await rig.receiver.waitFor(1_000)
    one.signal('SIGKILL')
    await one.exited
    // Calls may still be on their way when the process has ended.
    await rig.receiver.waitForConnections(0)
    const atKill = rig.receiver.requests.length
    const committed = await committedCount(rig)
    await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    await waitForFinals(rig, 4_000)
    expect(callsByDelivery(rig).size).toBe(4_000)
    expect(repeatedCalls(rig)).toBeLessThanOrEqual(atKill - committed)
  })
})
