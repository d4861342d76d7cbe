/** How much waits, by topic, for the metrics. Computed on demand from the state of the stages. */
import type { EpochMs, InboundRecord } from '../core/model/model.ts'
import type { PartitionFlow } from './partition-flow.ts'
import type { Work } from './work.ts'

export type ByTopic = ReadonlyMap<string, number>

/** The sum over all owned partitions, by topic. */
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
 * How long the most overdue retry has waited beyond its due time, in milliseconds; 0 when none is overdue. It is a retry
 * that its tier should have released, or one that is queued in its lane. Calls in flight do not count.
 *
 * @param releaseOf when a record may leave its tier
 */
export function overdueMs(
  retries: { readonly flows: Iterable<PartitionFlow>; readonly queued: Iterable<Work> },
  releaseOf: (record: InboundRecord) => EpochMs,
  now: EpochMs,
): number {
  let earliest = now
  for (const { head } of retries.flows) {
    // Tiers are first-in-first-out, so no other record of the partition is more overdue.
    if (head !== undefined) earliest = Math.min(earliest, releaseOf(head))
  }
  for (const { run } of retries.queued) {
    if (run.hop > 0) earliest = Math.min(earliest, run.dueAt)
  }
  return now - earliest
}
