/**
 * Where a query looks. What people search for may be rare among a million rows, and while SQLite looks at them nobody else
 * is answered. So each query follows one index, and looks at no more rows of it than a fixed number: where there are more,
 * it says up to which row it has looked.
 */
import type { EpochMs } from '../../core/model/model.ts'
import type { Cell, Store } from './store.ts'

/** What results must have; `undefined` is any. */
export interface ResultFilter {
  readonly hookId?: string | undefined
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
  readonly eventId?: string | undefined
  readonly eventKey?: string | undefined
  readonly sourceKey?: string | undefined
  readonly deliveryId?: string | undefined
  readonly outcome?: string | undefined
  readonly reason?: string | undefined
  readonly errorClass?: string | undefined
  readonly statusCode?: number | undefined
  /** Inclusive. */
  readonly from?: EpochMs | undefined
  readonly to?: EpochMs | undefined
}

/** Which rows count: what became of runs, open runs only, calls only, or all. */
export type Rows = 'latest' | 'open' | 'calls' | 'all'

/** Rows that one query looks at: some ten milliseconds. */
const maxLooked = 50_000

const rowConditions: Readonly<Record<Rows, readonly string[]>> = {
  latest: ['latest = 1'],
  open: ['latest = 1', 'final = 0'],
  calls: ['attempt IS NOT NULL', "outcome <> 'interrupted'"],
  all: [],
}

/** Those that have an index, the most telling first. */
const indexedFields = ['deliveryId', 'eventId', 'userId', 'sourceKey', 'hookId'] as const
const otherFields = ['tenantId', 'eventKey', 'reason', 'errorClass', 'statusCode'] as const

interface Condition {
  readonly sql: string
  readonly values: readonly Cell[]
}

/** What leads to rows by an index that has them in the order of their ids. */
interface Lead extends Condition {
  readonly name: string
}

export interface Look {
  readonly where: string
  readonly values: readonly Cell[]
  /** The lowest id that is looked at where older rows are not; `undefined`: all are looked at. */
  readonly floor: number | undefined
}

/** @param before only rows below this id; `undefined`: from the newest on */
export function lookFor(
  store: Store,
  rows: Rows,
  filter: ResultFilter,
  before: number = Number.MAX_SAFE_INTEGER,
): Look {
  const { lead, floor } = bestLead(store, leadsOf(rows, filter), before)
  // A unary plus keeps SQLite from another index than that of the lead.
  const others = [
    ...conditionsOf(rows, filter).filter(({ name }) => name !== lead?.name),
    ...timesOf(filter),
  ].map(({ sql, values }) => ({ sql: `+(${sql})`, values }))
  const ids = { sql: 'id < ? AND id >= ?', values: [before, floor ?? 0] }
  const all: readonly Condition[] = [...(lead === undefined ? [] : [lead]), ...others, ids]
  return {
    where: whereOf(all.map(({ sql }) => sql)),
    values: all.flatMap(({ values }) => values),
    floor,
  }
}

/** That by which all rows are looked at, or else the one that reaches back furthest. */
function bestLead(store: Store, leads: readonly Lead[], before: number) {
  if (leads.length === 0) return { lead: undefined, floor: floorOfAll(store, before) }
  let best: { readonly lead: Lead; readonly floor: number | undefined } | undefined
  for (const lead of leads) {
    const sql = `SELECT id FROM results WHERE ${lead.sql} AND id < ? ORDER BY id DESC LIMIT 2 OFFSET ?`
    const ids = store.all<{ readonly id: number }>(sql, ...lead.values, before, maxLooked - 1)
    // Without a row behind it, it is the last one.
    const floor = ids.length < 2 ? undefined : ids[0]?.id
    if (floor === undefined) return { lead, floor }
    if (best?.floor === undefined || floor < best.floor) best = { lead, floor }
  }
  return best ?? { lead: undefined, floor: floorOfAll(store, before) }
}

/** Rows have their ids without gaps, but for old ones. */
function floorOfAll(store: Store, before: number): number | undefined {
  const [row] = store.all<{ readonly lowest: number | null; readonly newest: number | null }>(
    'SELECT (SELECT min(id) FROM results) AS lowest, (SELECT max(id) FROM results) AS newest',
  )
  const { lowest, newest } = row ?? { lowest: null, newest: null }
  if (lowest === null || newest === null) return undefined
  const floor = Math.min(before, newest + 1) - maxLooked
  return floor <= lowest ? undefined : floor
}

function leadsOf(rows: Rows, filter: ResultFilter): readonly Lead[] {
  const names = new Set<string>([...indexedFields, 'rows', 'trouble'])
  const isLead = ({ name }: Lead) => names.has(name) && (name !== 'rows' || rows === 'open')
  return conditionsOf(rows, filter).filter(isLead)
}

/** Each by its name; those of one index together. */
function conditionsOf(rows: Rows, filter: ResultFilter): readonly Lead[] {
  const equal = [...indexedFields, ...otherFields].flatMap((name) => {
    const value = filter[name]
    return value === undefined ? [] : [{ name, sql: `${name} = ?`, values: [value] }]
  })
  return [...equal, ...outcomeOf(filter), ...ofRows(rows)]
}

/** The index of outcomes is without the most frequent one, which is said again so that it is used. */
function outcomeOf({ outcome }: ResultFilter): readonly Lead[] {
  if (outcome === undefined) return []
  const values = [outcome]
  if (outcome === 'delivered') return [{ name: 'outcome', sql: 'outcome = ?', values }]
  return [{ name: 'trouble', sql: "outcome = ? AND outcome <> 'delivered'", values }]
}

function ofRows(rows: Rows): readonly Lead[] {
  const sql = rowConditions[rows].join(' AND ')
  return sql === '' ? [] : [{ name: 'rows', sql, values: [] }]
}

function timesOf({ from, to }: ResultFilter): readonly Condition[] {
  return [
    ...(from === undefined ? [] : [{ sql: 'attemptedAt >= ?', values: [from] }]),
    ...(to === undefined ? [] : [{ sql: 'attemptedAt <= ?', values: [to] }]),
  ]
}

export function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
}
