/** Finds the offsets that a replay reads: the requested ones that the topics still hold. */
import { UserError } from '../../core/model/errors.ts'
import type { Reach } from './progress.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import type { RequestedRange } from './options.ts'

export interface FoundRange {
  readonly reaches: readonly Reach[]
  /** Requested offsets that retention has removed. */
  readonly removedCount: number
}

/**
 * @param topics topics that this replay may read; they exist
 * @throws UserError when offsets of another topic are requested
 */
export async function findRange(
  admin: KafkaAdmin,
  topics: readonly string[],
  wanted: RequestedRange,
): Promise<FoundRange> {
  if (wanted.kind === 'times') {
    const reaches = await Promise.all(topics.map((topic) => byTime(admin, topic, wanted)))
    return { reaches: reaches.flat(), removedCount: 0 }
  }
  const reaches = wanted.ranges.map(({ topic, partition, first, last }) => ({
    topic,
    partition,
    next: first,
    end: last === undefined ? Number.MAX_SAFE_INTEGER : last + 1,
  }))
  refuseOverlap(reaches)
  return clipAll(reaches, await heldBy(admin, topics), topics)
}

/**
 * The rest of the range of a replay that is resumed.
 *
 * @throws UserError when a topic ends before an offset that was read already: then it was recreated
 */
export async function remainingRange(
  admin: KafkaAdmin,
  topics: readonly string[],
  reaches: readonly Reach[],
): Promise<FoundRange> {
  const held = await heldBy(admin, topics)
  for (const reach of reaches) {
    const { topic, partition, next } = reach
    if (next <= (rangeOf(reach, held)?.end ?? -1)) continue
    throw new UserError(
      `Topic ${topic} ends before offset ${next} of partition ${partition}, up to which it was read: it was recreated, or has lost records. Start again from the beginning.`,
    )
  }
  return clipAll(reaches, held, topics)
}

async function heldBy(
  admin: KafkaAdmin,
  topics: readonly string[],
): Promise<readonly PartitionRange[]> {
  return (await Promise.all(topics.map((topic) => admin.offsets(topic)))).flat()
}

/** @throws UserError when a partition does not belong to these topics */
function clipAll(
  reaches: readonly Reach[],
  held: readonly PartitionRange[],
  topics: readonly string[],
): FoundRange {
  const clipped = reaches.map((reach) => clip(reach, heldRange(reach, held, topics)))
  return {
    reaches: clipped.map(({ reach }) => reach),
    removedCount: clipped.reduce((sum, { removed }) => sum + removed, 0),
  }
}

async function byTime(
  admin: KafkaAdmin,
  topic: string,
  { from, to }: Extract<RequestedRange, { readonly kind: 'times' }>,
): Promise<readonly Reach[]> {
  const held = await admin.offsets(topic)
  const starts = from === 'earliest' ? undefined : await offsetsAt(admin, topic, from)
  const ends = to === undefined ? undefined : await offsetsAt(admin, topic, to)
  return held.map(({ partition, low, end }) => ({
    topic,
    partition,
    next: starts?.get(partition) ?? low,
    end: ends?.get(partition) ?? end,
  }))
}

async function offsetsAt(
  admin: KafkaAdmin,
  topic: string,
  time: number,
): Promise<ReadonlyMap<number, number>> {
  const found = await admin.offsetsAt(topic, time)
  return new Map(found.map(({ partition, offset }) => [partition, offset]))
}

function rangeOf(
  { topic, partition }: Reach,
  held: readonly PartitionRange[],
): PartitionRange | undefined {
  return held.find((one) => one.topic === topic && one.partition === partition)
}

function heldRange(
  reach: Reach,
  held: readonly PartitionRange[],
  topics: readonly string[],
): PartitionRange {
  const found = rangeOf(reach, held)
  if (found !== undefined) return found
  const { topic, partition } = reach
  const fault = topics.includes(topic)
    ? `topic ${topic} has no partition ${partition}`
    : `this replay reads ${topics.join(', ')} and not ${topic}`
  throw new UserError(`--offsets: ${fault}.`, 2)
}

function clip(reach: Reach, { low, end }: PartitionRange) {
  const next = Math.min(Math.max(reach.next, low), end)
  const removed = Math.max(0, Math.min(low, reach.end) - reach.next)
  return { reach: { ...reach, next, end: Math.max(next, Math.min(reach.end, end)) }, removed }
}

/** The progress of a replay is a committed offset, and a group has one per partition. So a partition has one range. */
function refuseOverlap(reaches: readonly Reach[]): void {
  const names = reaches.map(({ topic, partition }) => `${topic}/${partition}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new UserError(`--offsets names ${twice} twice: replay one range after the other.`, 2)
}
