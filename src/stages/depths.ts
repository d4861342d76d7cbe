/** What waits, by topic, as metrics show it. Computed when it is asked for, from what the stages hold anyway. */
import type { EpochMs, InboundRecord } from '../core/model/model.ts'
import type { PartitionFlow } from './partition-flow.ts'
import type { Work } from './work.ts'

export type ByTopic = ReadonlyMap<string, number>

/** A sum over the partitions owned, by topic. */
export function sumByTopic(
  flows: Iterable<PartitionFlow>,
  of: (flow: PartitionFlow) => number,
): ByTopic {
  const sums = new Map<string, number>()
  for (const flow of flows) {
    const { topic } = flow
    sums.set(topic, (sums.get(topic) ?? 0) + of(flow))
  }
  return sums
}

/**
 * How long, in milliseconds, the most overdue retry has waited beyond its time: one that its tier should have released,
 * or one that queues in its lane. 0 when none is overdue. A call in flight waits for nothing of ours.
 *
 * @param releaseOf when a tier's record may leave it
 */
export function overdueMs(
  retries: { readonly flows: Iterable<PartitionFlow>; readonly queued: Iterable<Work> },
  releaseOf: (record: InboundRecord) => EpochMs,
  now: EpochMs,
): number {
  let earliest = now
  for (const { head } of retries.flows) {
    // Tiers are first-in-first-out: no other record of the partition is more overdue.
    if (head !== undefined) earliest = Math.min(earliest, releaseOf(head))
  }
  for (const { run } of retries.queued) {
    if (run.hop > 0) earliest = Math.min(earliest, run.dueAt)
  }
  return now - earliest
}
