/** Which offsets a replay reads: those that were asked for and are still there. */
import { UserError } from '../core/errors.ts'
import type { Reach } from '../core/replay-progress.ts'
import type { KafkaAdmin, PartitionRange } from '../edge/kafka/admin.ts'
import type { OffsetRange, WantedRange } from './replay-options.ts'

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
  await refuseMissing(admin, topics)
  if (wanted.kind === 'times') {
    const reaches = await Promise.all(topics.map((topic) => byTime(admin, topic, wanted)))
    return { reaches: reaches.flat(), goneCount: 0 }
  }
  const held = (await Promise.all(topics.map((topic) => admin.offsets(topic)))).flat()
  const clipped = wanted.ranges.map((range) => clip(range, held, topics))
  refuseOverlap(clipped.map(({ reach }) => reach))
  return {
    reaches: clipped.map(({ reach }) => reach),
    goneCount: clipped.reduce((sum, { gone }) => sum + gone, 0),
  }
}

async function refuseMissing(admin: KafkaAdmin, topics: readonly string[]): Promise<void> {
  const existing = new Set(await admin.listTopics())
  const missing = topics.find((topic) => !existing.has(topic))
  if (missing === undefined) return
  throw new UserError(`Topic ${missing} does not exist: run "hooktide init".`)
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

function clip(
  { topic, partition, first, last }: OffsetRange,
  held: readonly PartitionRange[],
  topics: readonly string[],
): { readonly reach: Reach; readonly gone: number } {
  const found = held.find((one) => one.topic === topic && one.partition === partition)
  if (found === undefined) {
    const fault = topics.includes(topic)
      ? `topic ${topic} has no partition ${partition}`
      : `${topic} is not read by this replay, but ${topics.join(', ')}`
    throw new UserError(`--offsets: ${fault}.`, 2)
  }
  const next = Math.max(first, found.low)
  const end = Math.max(next, Math.min(last === undefined ? found.end : last + 1, found.end))
  const gone = Math.max(0, Math.min(found.low, last === undefined ? found.low : last + 1) - first)
  return { reach: { topic, partition, next, end }, gone }
}

/** Two ranges of one partition would be two positions of it, and a group keeps one. */
function refuseOverlap(reaches: readonly Reach[]): void {
  const names = reaches.map(({ topic, partition }) => `${topic}/${partition}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new UserError(`--offsets names ${twice} twice: replay one range after the other.`, 2)
}
