/** Counts numbered events: how often each reached the receiver, and whether its run has ended. */
import { kafkajs } from '../../src/edge/kafka/kafkajs.ts'
import { decodeCompletedRuns } from '../../src/core/offsets/completed-runs.ts'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import type { BrokerRig } from './broker-rig.ts'
import { settingsOf, silentLog } from './kafka-tools.ts'

/** Its disposal ends it too, without waiting for records that are not written. */
export interface Load extends AsyncDisposable {
  /** The number of events so far. Resolves when they are acknowledged. */
  written(): Promise<number>
  /** Stops writing. Resolves with the number of events when all are acknowledged. */
  end(): Promise<number>
}

/**
 * Writes 200 events a second until it is ended, whatever happens to the broker.
 *
 * @param most the most events to write. Without it, a machine with a long outage would also have more work after it
 */
export function startLoad(rig: BrokerRig, most = Number.POSITIVE_INFINITY): Load {
  const brokers = rig.environment['KAFKA_BROKERS']?.split(',') ?? []
  const sink = createSink({ settings: settingsOf(brokers), log: silentLog })
  const writes: Promise<void>[] = []
  let count = 0
  const timer = setInterval(() => {
    if (count >= most) return
    writes.push(sink.write(numberedEvents(rig, count, count + 4)))
    count += 4
  }, 20)
  const written = async () => {
    const countNow = count
    await Promise.all(writes)
    return countNow
  }
  const stop = async () => {
    clearInterval(timer)
    await sink.stop()
  }
  return {
    written,
    async end() {
      clearInterval(timer)
      const total = await written()
      await stop()
      return total
    },
    [Symbol.asyncDispose]: stop,
  }
}

function numberedEvents(rig: BrokerRig, from: number, to: number): readonly OutboundRecord[] {
  return Array.from({ length: to - from }, (_, index) => ({
    topic: `${rig.prefix}.events`,
    key: `user-${from + index}`,
    value: Buffer.from(
      JSON.stringify({
        event: 'PostSignIn',
        createdAt: '2026-09-14T09:02:11.019Z',
        n: from + index,
      }),
    ),
    headers: [['event-id', Buffer.from(`e${from + index}`)]],
  }))
}

/** How often each delivery reached the receiver. */
export function callsByDelivery(rig: BrokerRig): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { headers } of rig.receiver.requests) {
    const id = headers['webhook-id'] ?? ''
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

/** Calls beyond the first of each delivery. */
export function repeatedCalls(rig: BrokerRig): number {
  return rig.receiver.requests.length - callsByDelivery(rig).size
}

/** Resolves when that many deliveries have a final result. */
export function waitForFinals(rig: BrokerRig, count: number): Promise<unknown> {
  const ended = new Set<string>()
  let seen = 0
  return rig.results.waitFor((all) => {
    for (; seen < all.length; seen += 1) {
      const result = all[seen]
      if (result?.final === true) ended.add(result.deliveryId)
    }
    return ended.size >= count
  })
}

/** Events covered by the group's commits: below the committed offset, or in its metadata. */
export async function committedCount(rig: BrokerRig): Promise<number> {
  const brokers = rig.environment['KAFKA_BROKERS']?.split(',') ?? []
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const groupId = rig.environment['HOOKTIDE_GROUP_ID'] ?? ''
  const [topic] = await admin.fetchOffsets({ groupId, topics: [`${rig.prefix}.events`] })
  await admin.disconnect()
  let count = 0
  for (const { partition, offset, metadata } of topic?.partitions ?? []) {
    const base = Math.max(0, Number(offset))
    count += base
    const place = { group: groupId, topic: `${rig.prefix}.events`, partition, offset: base }
    const runs = decodeCompletedRuns(place, metadata ?? '')
    if (runs.kind === 'foreign') throw new Error(`not of hooktide: ${metadata}`)
    for (const { from, to } of runs.ranges) count += to - from
  }
  return count
}
