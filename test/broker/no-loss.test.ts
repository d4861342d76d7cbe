import { describe, expect, it } from 'vitest'
import { startEmbeddedKafka } from '../../src/sandbox/kafka.ts'
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

/** How often each event reached the receiver. */
function calls(rig: BrokerRig): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { headers } of rig.receiver.requests) {
    const id = headers['webhook-id'] ?? ''
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

function repeats(rig: BrokerRig): number {
  return rig.receiver.requests.length - calls(rig).size
}

function waitForFinals(rig: BrokerRig, count: number): Promise<unknown> {
  return rig.results.waitFor(
    (all) =>
      new Set(all.filter(({ final }) => final).map(({ deliveryId }) => deliveryId)).size >= count,
  )
}

describe('two instances that share the group', () => {
  it('lose nothing and repeat nothing while one leaves in an orderly way and another joins', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      partitions: 6,
      answer: () => ({
        kind: 'respond',
        status: 200,
        after: new Promise((resolve) => setTimeout(resolve, 30)),
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
    expect(calls(rig).size).toBe(4_000)
    expect(repeats(rig)).toBe(0)
    expect(rig.results.items).toHaveLength(4_000)
    const instances = new Set(rig.results.items.map(({ instance }) => instance))
    expect([...instances].toSorted()).toEqual(['one', 'three', 'two'])
  })
})

describe('kill -9 of the process in mid-drain', () => {
  it('loses nothing and repeats no more than the calls not yet covered by an acknowledged commit', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 6 })
    await rig.putHooks({ id: 'a', delivery: { concurrency: 32 } })
    const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await sendNumbered(rig, 0, 4_000)
    await rig.receiver.waitFor(1_000)
    one.signal('SIGKILL')
    await one.exited
    const atKill = rig.receiver.requests.length
    const committed = await committedCount(rig)
    await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    await waitForFinals(rig, 4_000)
    expect(calls(rig).size).toBe(4_000)
    expect(repeats(rig)).toBeLessThanOrEqual(atKill - committed)
  })
})

describe('a broker that is killed and restarted', () => {
  it('costs no event and no restart of the processor', async () => {
    const kafka = await startEmbeddedKafka()
    try {
      await using rig = await createBrokerRig({ brokers: kafka.brokers, partitions: 6 })
      await rig.putHooks({ id: 'a' })
      const one = await rig.run()
      await sendNumbered(rig, 0, 1_000)
      await rig.receiver.waitFor(300)
      await kafka.kill()
      await kafka.restart()
      await sendNumbered(rig, 1_000, 2_000)
      await waitForFinals(rig, 2_000)
      expect(calls(rig).size).toBe(2_000)
      one.signal('SIGTERM')
      expect(await one.exited).toBe(0)
    } finally {
      await kafka.stop()
    }
  })
})

/** Events covered by the group's commits: below the committed offset, or in its metadata. */
async function committedCount(rig: BrokerRig): Promise<number> {
  const { Kafka, logLevel } = await import('kafkajs')
  const { decodeCompletedRuns } = await import('../../src/core/completed-runs.ts')
  const brokers = rig.environment['KAFKA_BROKERS']?.split(',') ?? []
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const groupId = rig.environment['HOOKTIDE_GROUP_ID'] ?? ''
  const [topic] = await admin.fetchOffsets({ groupId, topics: [`${rig.prefix}.events`] })
  await admin.disconnect()
  let count = 0
  for (const { offset, metadata } of topic?.partitions ?? []) {
    const base = Math.max(0, Number(offset))
    count += base
    for (const { from, to } of decodeCompletedRuns(base, metadata ?? '')) count += to - from
  }
  return count
}
