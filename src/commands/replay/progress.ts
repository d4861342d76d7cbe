/**
 * The progress of a replay, stored as committed offsets of a consumer group of its own, `<group>.replay.<id>`. Each commit
 * holds the next offset of a partition and, in its metadata, the end of the range. The first commit also holds the order of
 * the replay. So any machine can resume it, and the broker deletes all of it with the group.
 */
import { isJsonObject, parseJson } from '../../core/text/json-text.ts'
import { roughWait } from '../../core/model/durations.ts'
import { maxContentLength, sealed, unsealed } from '../../core/offsets/sealed-metadata.ts'

/** What to replay, apart from the range of offsets. Lists are as they were given. */
export interface ReplayOrder {
  /** The topics to read: event topics, or dead letters. */
  readonly from: 'events' | 'dead-letters'
  readonly hooks?: readonly string[]
  readonly tenants?: readonly string[]
  readonly eventKeys?: readonly string[]
  readonly reasons?: readonly string[]
  /** Whether dead letters are included that were requested again since. */
  readonly again?: true
  /** Of events: only deliveries that were never delivered and are not on their way. */
  readonly undelivered?: true
}

/** One partition's part of the range. */
export interface Reach {
  readonly topic: string
  readonly partition: number
  /** Offset to read next. */
  readonly next: number
  /** Offset to stop before. */
  readonly end: number
}

export interface ReplayCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** In characters. The rest of the metadata holds the end of the range and the number of partitions. */
export const maxOrderLength = maxContentLength - 75

export function orderLength(order: ReplayOrder): number {
  return JSON.stringify(order).length
}

/**
 * The commits that store the progress, one per partition.
 *
 * @param group the consumer group of the replay
 */
export function commitsOf(
  group: string,
  order: ReplayOrder,
  reaches: readonly Reach[],
): readonly ReplayCommit[] {
  const partitions = reaches.length
  return reaches.map(({ topic, partition, next, end }, index) => {
    const content = JSON.stringify(index === 0 ? { end, partitions, order } : { end })
    const place = { group, topic, partition, offset: next }
    return { topic, partition, offset: next, metadata: sealed('replay', place, content) }
  })
}

export interface StoredReplay {
  readonly order: ReplayOrder
  readonly reaches: readonly Reach[]
}

/**
 * Reads the progress back. `undefined` if the commits were not written by this version of a replay, were changed since, or
 * if commits of some partitions are missing: a resumed replay with a wrong range would leave records out.
 *
 * @param group the consumer group of the replay
 */
export function readCommits(
  group: string,
  commits: readonly ReplayCommit[],
): StoredReplay | undefined {
  let order: ReplayOrder | undefined
  const reaches: Reach[] = []
  for (const { topic, partition, offset, metadata } of commits) {
    const content = unsealed('replay', { group, topic, partition, offset }, metadata)
    const stored = content === undefined ? undefined : parseJson(content)
    if (!isJsonObject(stored) || !Number.isSafeInteger(stored['end'])) return undefined
    reaches.push({ topic, partition, next: offset, end: Number(stored['end']) })
    if (stored['order'] === undefined) continue
    order = readOrder(stored['order'])
    if (order === undefined || stored['partitions'] !== commits.length) return undefined
  }
  return order === undefined ? undefined : { order, reaches }
}

const listFields = ['hooks', 'tenants', 'eventKeys', 'reasons'] as const

function readOrder(value: unknown): ReplayOrder | undefined {
  if (!isJsonObject(value)) return undefined
  const { from, again, undelivered, ...rest } = value
  if (from !== 'events' && from !== 'dead-letters') return undefined
  const lists: Partial<Record<(typeof listFields)[number], readonly string[]>> = {}
  for (const [name, list] of Object.entries(rest)) {
    const field = listFields.find((known) => known === name)
    // An unknown field of a later version may restrict the replay: without it, too much would be sent.
    if (field === undefined || !isTextList(list)) return undefined
    lists[field] = list
  }
  return {
    from,
    ...lists,
    ...(again === true ? { again } : {}),
    ...(undelivered === true ? { undelivered } : {}),
  }
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The number of offsets that are not read yet. */
export function remainingOf(reaches: readonly Reach[]): number {
  return reaches.reduce((sum, { next, end }) => sum + Math.max(0, end - next), 0)
}

export interface ReplayState {
  /** Offsets of the range. */
  readonly total: number
  /** How many of them are read. */
  readonly read: number
  readonly requests: number
  /** Since the replay was started or resumed. */
  readonly elapsedMs: number
}

const barWidth = 20

/** One line: the share that is done, counts, and about how long the rest will take. */
export function progressLine({ total, read, requests, elapsedMs }: ReplayState): string {
  const share = total === 0 ? 1 : Math.min(1, read / total)
  const filled = Math.floor(share * barWidth)
  const bar = '#'.repeat(filled).padEnd(barWidth, '.')
  const parts = [
    `[${bar}] ${Math.floor(share * 100)} %`,
    `${grouped(read)} of ${grouped(total)} records`,
    `${grouped(requests)} requests`,
  ]
  if (elapsedMs >= 1_000 && read > 0 && read < total) {
    parts.push(`about ${roughWait(((total - read) / read) * elapsedMs)} left`)
  }
  return parts.join(', ')
}

/** The number with commas between thousands, whatever the locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
