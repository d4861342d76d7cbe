/** Sums over spans of time, as they are stored: one row for each name and span that anything happened in. */
import type { EpochMs } from '../../core/model/model.ts'
import { addCount, addPacked, packed, type Histogram } from './durations.ts'
import type { Store } from './store.ts'

/** What results are summed up by. `minute` and `all` are of all results together, in narrow spans and in wide ones. */
export type Dimension = 'minute' | 'all' | NamedDimension
export type NamedDimension = 'hook' | 'tenant' | 'event'

export const namedDimensions: readonly NamedDimension[] = ['hook', 'tenant', 'event']
export const dimensions: readonly Dimension[] = ['minute', 'all', ...namedDimensions]

/** Width of a span, in milliseconds. */
export const spanMs: Readonly<Record<Dimension, number>> = {
  minute: 60_000,
  all: 600_000,
  hook: 600_000,
  tenant: 600_000,
  event: 600_000,
}

/** Sums by name are kept over wide spans too: those of all names and a day are read in few rows. */
export const wideMs = 7_200_000

/** The name of all those together that have no sums of their own. Sums of all results have no other. */
export const othersName = ''

export interface Counts {
  readonly calls: number
  readonly delivered: number
  /** Runs that ended without success, and that somebody may miss. */
  readonly ended: number
}

export interface Sum {
  calls: number
  delivered: number
  ended: number
  /** Of calls. */
  readonly total: Histogram
  /** From the event to the begin of its first attempt, be it minutes. */
  readonly first: Histogram
  /** How many calls failed, by a status code or a class of error. */
  readonly failures: Map<string, number>
}

export interface SumKey {
  readonly dimension: Dimension
  readonly span: EpochMs
  readonly name: string
}

interface SumRow extends Counts {
  readonly span: EpochMs
  readonly name: string
  readonly total: Uint8Array
  readonly first: Uint8Array
  /** JSON text of pairs; `null` without any. */
  readonly failures: string | null
}

/** Classes of failure that one sum tells apart. Anyone who may write results chooses them. */
const maxClasses = 30
const otherClass = 'other'

export function emptySum(): Sum {
  return {
    ...{ calls: 0, delivered: 0, ended: 0 },
    ...{ total: new Map(), first: new Map(), failures: new Map() },
  }
}

export function addFailure({ failures }: Pick<Sum, 'failures'>, name: string, added: number): void {
  const hasRoom = failures.has(name) || failures.size < maxClasses
  addCount(failures, hasRoom ? name : otherClass, added)
}

function addRow(sum: Sum, row: Omit<SumRow, 'span' | 'name'>): void {
  sum.calls += row.calls
  sum.delivered += row.delivered
  sum.ended += row.ended
  addPacked(sum.total, row.total)
  addPacked(sum.first, row.first)
  if (row.failures === null) return
  const failures = JSON.parse(row.failures) as readonly (readonly [string, number])[]
  for (const [name, count] of failures) addFailure(sum, name, count)
}

/** Adds to what is stored. */
export function storeSum(store: Store, { dimension, span, name }: SumKey, sum: Sum): void {
  addToRow(store, [dimension, span, name], sum)
  if (isNamed(dimension)) addToRow(store, [wideOf(dimension), span - (span % wideMs), name], sum)
}

function addToRow(
  store: Store,
  key: readonly [dimension: string, span: EpochMs, name: string],
  added: Sum,
): void {
  const [known] = store.all<SumRow>(
    'SELECT * FROM sums WHERE dimension = ? AND span = ? AND name = ?',
    ...key,
  )
  const sum = known === undefined ? added : copyOf(added)
  if (known !== undefined) addRow(sum, known)
  store.run(
    'INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ...[...key, sum.calls, sum.delivered, sum.ended],
    ...[packed(sum.total), packed(sum.first)],
    sum.failures.size === 0 ? null : JSON.stringify([...sum.failures]),
  )
}

function copyOf({ total, first, failures, ...counts }: Sum): Sum {
  return { ...counts, total: new Map(total), first: new Map(first), failures: new Map(failures) }
}

/** Forgets spans that ended before a moment. */
export function dropSums(store: Store, dimension: Dimension, before: EpochMs): void {
  const sql = 'DELETE FROM sums WHERE dimension = ? AND span <= ?'
  store.run(sql, dimension, before - spanMs[dimension])
  if (isNamed(dimension)) store.run(sql, wideOf(dimension), before - wideMs)
}

export function isNamed(dimension: Dimension): dimension is NamedDimension {
  return dimension !== 'minute' && dimension !== 'all'
}

function wideOf(dimension: NamedDimension): string {
  return `${dimension}-wide`
}

/** Of all names since a moment, the span of it included. */
export function sumsByName(
  store: Store,
  dimension: Dimension,
  from: EpochMs,
): ReadonlyMap<string, Sum> {
  const sums = new Map<string, Sum>()
  const sql = 'SELECT * FROM sums WHERE dimension = ? AND span >= ? AND span < ?'
  const add = (of: string, first: EpochMs, end: EpochMs) => {
    for (const row of store.each<SumRow>(sql, of, first, end)) addRow(sumOf(sums, row.name), row)
  }
  const first = from - (from % spanMs[dimension])
  const firstWide = isNamed(dimension) ? Math.ceil(first / wideMs) * wideMs : endOfTime
  add(dimension, first, firstWide)
  if (isNamed(dimension)) add(wideOf(dimension), firstWide, endOfTime)
  return sums
}

const endOfTime = Number.MAX_SAFE_INTEGER

export interface NameRange {
  readonly dimension: Dimension
  readonly name: string
  readonly from: EpochMs
  readonly to: EpochMs
  /** At least the width of a span. */
  readonly stepMs: number
}

/** Of one name, by the steps of time in which there was anything. Whole spans are counted. */
export function sumsByStep(store: Store, range: NameRange): ReadonlyMap<EpochMs, Sum> {
  const { dimension, name, from, to, stepMs } = range
  const width = spanMs[dimension]
  // Each of its rows is looked up, instead of those of all names being read.
  const sql = `WITH RECURSIVE moments (at) AS (SELECT ? UNION ALL SELECT at + ? FROM moments WHERE at + ? <= ?)
    SELECT sums.* FROM moments CROSS JOIN sums ON dimension = ? AND span = at AND name = ?`
  const rows = store.each<SumRow>(sql, from - (from % width), width, width, to, dimension, name)
  const sums = new Map<EpochMs, Sum>()
  for (const row of rows) addRow(sumOf(sums, row.span - (row.span % stepMs)), row)
  return sums
}

function sumOf<Key>(sums: Map<Key, Sum>, key: Key): Sum {
  const known = sums.get(key) ?? emptySum()
  sums.set(key, known)
  return known
}
