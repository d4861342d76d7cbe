/**
 * How far a replay has come, as offsets of a consumer group of its own, `<group>.replay.<id>`: the next offset of each
 * partition, with where to stop in the commit's metadata. What the replay is about is in the metadata too, once, so that
 * it can be gone on with from anywhere, and nothing is left behind when the broker forgets the group.
 */
import { isJsonObject, parseJson } from '../../core/text/json-text.ts'
import { roughWait } from '../../core/model/durations.ts'
import { maxContentLength, sealed, unsealed } from '../../core/offsets/sealed-metadata.ts'

/** What a replay is about, apart from its range. Lists are as they were given. */
export interface ReplayOrder {
  /** What is read: event topics, or the dead letters. */
  readonly from: 'events' | 'dead-letters'
  readonly hooks?: readonly string[]
  readonly tenants?: readonly string[]
  readonly eventKeys?: readonly string[]
  readonly reasons?: readonly string[]
  /** Dead letters are taken that were requested since, too. */
  readonly again?: true
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

/** The end of the range and the number of partitions need some of what metadata may hold. */
export const maxOrderLength = maxContentLength - 75

export function orderLength(order: ReplayOrder): number {
  return JSON.stringify(order).length
}

/**
 * Of all partitions of the range, in the order that it has.
 *
 * @param group the replay's own
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
 * What was committed; `undefined` when it is no replay's, one of another version, changed since, or when the commits of
 * some partitions are missing: going on with a wrong range would leave out what was asked for.
 *
 * @param group the replay's own
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
  const { from, again, ...rest } = value
  if (from !== 'events' && from !== 'dead-letters') return undefined
  const lists: Partial<Record<(typeof listFields)[number], readonly string[]>> = {}
  for (const [name, list] of Object.entries(rest)) {
    const field = listFields.find((known) => known === name)
    // Going on without what a later version asks for would send too much.
    if (field === undefined || !isTextList(list)) return undefined
    lists[field] = list
  }
  return { from, ...lists, ...(again === true ? { again } : {}) }
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Offsets that are left. */
export function remainingOf(reaches: readonly Reach[]): number {
  return reaches.reduce((sum, { next, end }) => sum + Math.max(0, end - next), 0)
}

export interface ReplayState {
  /** Offsets of the range, and how many of them are read. */
  readonly total: number
  readonly read: number
  readonly requests: number
  /** Since it began or went on. */
  readonly elapsedMs: number
}

const barWidth = 20

/** One line: how far it is, how fast, and how long it will take. */
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

/** Thousands apart, alike wherever it runs. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
