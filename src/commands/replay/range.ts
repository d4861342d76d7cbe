/** Which offsets a replay reads: those that were asked for and are still there. */
import { UserError } from '../../core/model/errors.ts'
import type { Reach } from './progress.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import type { WantedRange } from './options.ts'

export interface FoundRange {
  readonly reaches: readonly Reach[]
  /** Offsets that were asked for and are gone by retention. */
  readonly goneCount: number
}

/**
 * @param topics those that may be read
 * @throws UserError when one of them does not exist, or when offsets were asked for of others
 */
export async function findRange(
  admin: KafkaAdmin,
  topics: readonly string[],
  wanted: WantedRange,
): Promise<FoundRange> {
  await refuseAbsent(admin, topics)
  if (wanted.kind === 'times') {
    const reaches = await Promise.all(topics.map((topic) => byTime(admin, topic, wanted)))
    return { reaches: reaches.flat(), goneCount: 0 }
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
 * What is left of a replay that goes on.
 *
 * @throws UserError when a topic ends before the offsets that were read already: then it is another one
 */
export async function whatIsLeft(
  admin: KafkaAdmin,
  topics: readonly string[],
  reaches: readonly Reach[],
): Promise<FoundRange> {
  const held = await heldBy(admin, topics)
  for (const reach of reaches) {
    const { topic, partition, next } = reach
    if (next <= (rangeOf(reach, held)?.end ?? -1)) continue
    throw new UserError(
      `Topic ${topic} ends before offset ${next} of partition ${partition}, up to which it was read: it was created anew, or has lost records. Begin again.`,
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

/** @throws UserError when a partition is none of these topics */
function clipAll(
  reaches: readonly Reach[],
  held: readonly PartitionRange[],
  topics: readonly string[],
): FoundRange {
  const clipped = reaches.map((reach) => clip(reach, heldOf(reach, held, topics)))
  return {
    reaches: clipped.map(({ reach }) => reach),
    goneCount: clipped.reduce((sum, { gone }) => sum + gone, 0),
  }
}

async function refuseAbsent(admin: KafkaAdmin, topics: readonly string[]): Promise<void> {
  const existing = new Set(await admin.listTopics())
  const absent = topics.find((topic) => !existing.has(topic))
  if (absent === undefined) return
  throw new UserError(`Topic ${absent} does not exist: run "hooktide init".`)
}

async function byTime(
  admin: KafkaAdmin,
  topic: string,
  { from, to }: Extract<WantedRange, { readonly kind: 'times' }>,
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

function heldOf(
  reach: Reach,
  held: readonly PartitionRange[],
  topics: readonly string[],
): PartitionRange {
  const found = rangeOf(reach, held)
  if (found !== undefined) return found
  const { topic, partition } = reach
  const fault = topics.includes(topic)
    ? `topic ${topic} has no partition ${partition}`
    : `${topic} is not read by this replay, but ${topics.join(', ')}`
  throw new UserError(`--offsets: ${fault}.`, 2)
}

function clip(reach: Reach, { low, end }: PartitionRange) {
  const next = Math.min(Math.max(reach.next, low), end)
  const gone = Math.max(0, Math.min(low, reach.end) - reach.next)
  return { reach: { ...reach, next, end: Math.max(next, Math.min(reach.end, end)) }, gone }
}

/** Two ranges of one partition would be two positions of it, and a group keeps one. */
function refuseOverlap(reaches: readonly Reach[]): void {
  const names = reaches.map(({ topic, partition }) => `${topic}/${partition}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new UserError(`--offsets names ${twice} twice: replay one range after the other.`, 2)
}
