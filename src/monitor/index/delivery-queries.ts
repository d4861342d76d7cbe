/** Reads deliveries of the index: lists by what people search for, and all that is known of one. */
import type { EpochMs } from '../../core/model/model.ts'
import type { IndexedResult, RefusingHook } from './indexed-result.ts'
import type { IndexedLetter } from './result-index.ts'
import { lookFor, whereOf, type ResultFilter, type Rows } from './looking.ts'
import { resultColumns } from './schema.ts'
import type { Cell, Store } from './store.ts'

/** A result with its place in the order of reading, by which lists go on. */
export type Listed = IndexedResult & { readonly id: number }

export interface Page {
  /** Only what was read before the result with this id; `undefined`: from the newest on. */
  readonly before: number | undefined
  readonly limit: number
  /** So many are left out first. Default 0. */
  readonly skip?: number
}

/** A part of a list. */
export interface Part<Item> {
  readonly items: readonly Item[]
  /** The list goes on before this id; `undefined` at its end. */
  readonly next: number | undefined
}

/** Newest first. Where many rows had to be looked at, a part may have few items, or none, and yet go on. */
export function listResults(
  store: Store,
  rows: Rows,
  filter: ResultFilter,
  { before, limit, skip = 0 }: Page,
): Part<Listed> {
  const { where, values, floor } = lookFor(store, rows, filter, before)
  const sql = `SELECT ${selected} FROM results ${where} ORDER BY id DESC LIMIT ? OFFSET ?`
  const items = store.all<StoredRow>(sql, ...values, limit, skip).map(listedOf)
  return { items, next: items.length < limit ? floor : items.at(-1)?.id }
}

/** How many there are. No more are counted than `most`, and no more rows looked at than for a list. */
export function countResults(
  store: Store,
  rows: Rows,
  filter: ResultFilter,
  { before, most }: { readonly before: number | undefined; readonly most: number },
): { readonly count: number; readonly isCapped: boolean } {
  const { where, values, floor } = lookFor(store, rows, filter, before)
  const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM results ${where} LIMIT ?)`
  const count = store.all<{ readonly n: number }>(sql, ...values, most)[0]?.n ?? 0
  return { count, isCapped: floor !== undefined || count === most }
}

/** All results of a delivery, in the order in which they were read; of very many the newest. */
export function resultsOf(store: Store, deliveryId: string): readonly Listed[] {
  const sql = `SELECT ${selected} FROM results WHERE deliveryId = ? ORDER BY id DESC LIMIT 1000`
  return store.all<StoredRow>(sql, deliveryId).map(listedOf).toReversed()
}

/** One event, and what became of it for each hook. */
export interface FoundEvent {
  readonly eventId: string
  readonly eventKey: string
  readonly tenantId: string
  readonly eventAt: EpochMs
  readonly userId: string | null
  readonly sourceKey: string | null
  /** The place by which the list goes on. */
  readonly id: number
  readonly deliveries: readonly Listed[]
}

/** One event has as many deliveries as its tenant has hooks for it. */
const maxDeliveries = 200

/** Events of which something was recorded, by the newest record first. */
export function listEvents(store: Store, filter: ResultFilter, page: Page): Part<FoundEvent> {
  const { where, values, floor } = lookFor(store, 'latest', filter, page.before)
  const sql = `SELECT id, eventId, tenantId FROM results ${where} ORDER BY id DESC`
  type Row = Pick<Listed, 'id' | 'eventId' | 'tenantId'>
  const found = new Map<string, Row>()
  for (const row of store.each<Row>(sql, ...values)) {
    const key = `${row.tenantId}\n${row.eventId}`
    if (!found.has(key)) found.set(key, row)
    if (found.size > page.limit) break
  }
  const shown = [...found.values()].slice(0, page.limit)
  return {
    items: shown.flatMap((row) => eventOf(store, row)),
    next: found.size > page.limit ? shown.at(-1)?.id : floor,
  }
}

function eventOf(
  store: Store,
  { id, eventId, tenantId }: Pick<Listed, 'id' | 'eventId' | 'tenantId'>,
): readonly FoundEvent[] {
  const page = { before: undefined, limit: maxDeliveries }
  const deliveries = listResults(store, 'latest', { eventId, tenantId }, page).items
  const [newest] = deliveries
  if (newest === undefined) return []
  const { eventKey, eventAt, userId, sourceKey } = newest
  return [{ eventId, eventKey, tenantId, eventAt, userId, sourceKey, id, deliveries }]
}

export interface LetterFilter {
  readonly hookId?: string | undefined
  readonly tenantId?: string | undefined
  readonly reason?: string | undefined
  readonly eventKey?: string | undefined
  readonly deliveryId?: string | undefined
  readonly from?: EpochMs | undefined
}

const letterFields = ['hookId', 'tenantId', 'reason', 'eventKey', 'deliveryId'] as const

/** Newest first. */
export function listLetters(
  store: Store,
  filter: LetterFilter,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): readonly IndexedLetter[] {
  const { where, values } = letterConditions(filter)
  const sql = `SELECT * FROM letters ${where} ORDER BY diedAt DESC, partition, offset DESC LIMIT ? OFFSET ?`
  return store.all<IndexedLetter>(sql, ...values, limit, offset)
}

export function countLetters(store: Store, filter: LetterFilter): number {
  const { where, values } = letterConditions(filter)
  return (
    store.all<{ readonly n: number }>(`SELECT count(*) AS n FROM letters ${where}`, ...values)[0]
      ?.n ?? 0
  )
}

/** How many dead letters there are of each value of a field, the most first. */
export function letterFacets(
  store: Store,
  field: 'hookId' | 'reason' | 'eventKey',
): readonly { readonly value: string; readonly count: number }[] {
  return store.all(
    `SELECT ${field} AS value, count(*) AS count FROM letters GROUP BY 1 ORDER BY 2 DESC LIMIT 50`,
  )
}

function letterConditions(filter: LetterFilter) {
  const equal = letterFields.filter((field) => filter[field] !== undefined)
  const conditions = equal.map((field) => `${field} = ?`)
  const values: Cell[] = equal.map((field) => filter[field] ?? null)
  if (filter.from !== undefined) {
    conditions.push('diedAt >= ?')
    values.push(filter.from)
  }
  return { where: whereOf(conditions), values }
}

const selected = `id, ${resultColumns.join(', ')}`

type StoredRow = Omit<Listed, 'final' | 'unmatchedHooks'> & {
  readonly final: number
  /** JSON text. */
  readonly unmatchedHooks: string | null
}

function listedOf(row: StoredRow): Listed {
  const unmatchedHooks =
    row.unmatchedHooks === null ? null : (JSON.parse(row.unmatchedHooks) as readonly RefusingHook[])
  return { ...row, final: row.final === 1, unmatchedHooks }
}
