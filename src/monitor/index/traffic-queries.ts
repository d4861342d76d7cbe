/** Reads sums of the index: how much, how well and how fast. */
import type { EpochMs } from '../../core/model/model.ts'
import { percentilesOf, type ClassCount, type Percentiles } from './durations.ts'
import type { Sample } from './result-index.ts'
import type { Store } from './store.ts'
import { spanMs, type Dimension, type DurationKind } from './tally.ts'

export interface Counts {
  readonly calls: number
  readonly delivered: number
  /** Runs that ended without success. */
  readonly ended: number
}

/** Of open runs: those that wait for another attempt after one failed, and those that wait for their first. */
export interface Open {
  readonly retrying: number
  readonly deferred: number
}

export interface Statistics extends Counts, Open {
  readonly name: string
  /** Of calls, in milliseconds; `null` without any. */
  readonly total: Percentiles | null
  /** From the event to the begin of its first attempt. */
  readonly first: Percentiles | null
  /** The most frequent first: a status code, or a class of error. */
  readonly failures: readonly FailureCount[]
}

export interface FailureCount {
  readonly class: string
  readonly count: number
}

/** A moment of a chart, and what happened from then on until the next one. */
export interface TrafficPoint extends Counts {
  readonly at: EpochMs
  readonly total: Percentiles | null
  readonly first: Percentiles | null
}

const none: Counts = { calls: 0, delivered: 0, ended: 0 }
const noneOpen: Open = { retrying: 0, deferred: 0 }

/** Points of a chart, one for each `stepMs`, those without traffic too. Whole spans of the dimension are counted. */
export function traffic(
  store: Store,
  { dimension, name }: { readonly dimension: Dimension; readonly name: string },
  range: { readonly from: EpochMs; readonly to: EpochMs; readonly stepMs: number },
): readonly TrafficPoint[] {
  const stepMs = Math.max(range.stepMs, spanMs[dimension])
  const from = range.from - (range.from % stepMs)
  const at = `span - span % ${stepMs}`
  const where = 'dimension = ? AND name = ? AND span >= ?'
  const counts = store.all<Counts & { readonly at: EpochMs }>(
    `SELECT ${at} AS at, ${countSums} FROM spans WHERE ${where} GROUP BY 1`,
    ...[dimension, name, from],
  )
  const durations = (kind: DurationKind) =>
    byKey(
      store.all<ClassCount & { readonly key: EpochMs }>(
        `SELECT ${at} AS key, class, sum(count) AS count FROM durations
          WHERE dimension = ? AND kind = ? AND name = ? AND span >= ? GROUP BY 1, 2 ORDER BY 1, 2`,
        ...[dimension, kind, name, from],
      ),
    )
  const [total, first] = [durations('total'), durations('first')]
  const known = new Map(counts.map((point) => [point.at, point]))
  const points: TrafficPoint[] = []
  for (let moment = from; moment <= range.to; moment += stepMs) {
    const { calls, delivered, ended } = known.get(moment) ?? none
    points.push({
      at: moment,
      ...{ calls, delivered, ended },
      total: percentilesOf(total.get(moment) ?? []),
      first: percentilesOf(first.get(moment) ?? []),
    })
  }
  return points
}

/** Sums since a moment, for each name of the dimension of which there is anything. */
export function statistics(
  store: Store,
  dimension: Dimension,
  since: EpochMs,
  only?: string,
): readonly Statistics[] {
  const from = since - (since % spanMs[dimension])
  const one = only === undefined ? [] : [only]
  const where = only === undefined ? '' : 'AND name = ?'
  const counts = new Map(
    store
      .all<Counts & { readonly name: string }>(
        `SELECT name, ${countSums} FROM spans WHERE dimension = ? AND span >= ? ${where} GROUP BY 1`,
        ...[dimension, from, ...one],
      )
      .map((row) => [row.name, row]),
  )
  const durations = (kind: DurationKind) =>
    byKey(
      store.all<ClassCount & { readonly key: string }>(
        `SELECT name AS key, class, sum(count) AS count FROM durations
          WHERE dimension = ? AND kind = ? AND span >= ? ${where} GROUP BY 1, 2 ORDER BY 1, 2`,
        ...[dimension, kind, from, ...one],
      ),
    )
  const failures = byKey(
    store.all<FailureCount & { readonly key: string }>(
      `SELECT name AS key, class, sum(count) AS count FROM failures
        WHERE dimension = ? AND span >= ? ${where} GROUP BY 1, 2 ORDER BY 3 DESC`,
      ...[dimension, from, ...one],
    ),
  )
  const [total, first, open] = [
    durations('total'),
    durations('first'),
    openRuns(store, dimension, only),
  ]
  const names = new Set([...counts.keys(), ...(only === undefined ? open.keys() : one)])
  return [...names].map((name) => {
    const { calls, delivered, ended } = counts.get(name) ?? none
    return {
      name,
      ...{ calls, delivered, ended },
      ...(open.get(name) ?? noneOpen),
      total: percentilesOf(total.get(name) ?? []),
      first: percentilesOf(first.get(name) ?? []),
      failures: (failures.get(name) ?? [])
        .slice(0, 10)
        .map(({ class: one, count }) => ({ class: one, count })),
    }
  })
}

/** How often a hook was called, and how often that succeeded: Logto's `executionStats`. */
export function hookCounts(store: Store, since: EpochMs): ReadonlyMap<string, Counts> {
  const from = since - (since % spanMs.hook)
  const rows = store.all<Counts & { readonly name: string }>(
    `SELECT name, ${countSums} FROM spans WHERE dimension = 'hook' AND span >= ? GROUP BY 1`,
    from,
  )
  return new Map(rows.map((row) => [row.name, row]))
}

export function samplesSince(
  store: Store,
  from: EpochMs,
): readonly (Sample & { readonly minute: EpochMs })[] {
  return store.all('SELECT * FROM samples WHERE minute >= ? ORDER BY minute', from)
}

/** What of the index was the newest to happen; `undefined` while it is empty. */
export function newestAt(store: Store): EpochMs | undefined {
  const [row] = store.all<{ readonly at: EpochMs | null }>(
    'SELECT max(attemptedAt) AS at FROM results',
  )
  return row?.at ?? undefined
}

const countSums = 'sum(calls) AS calls, sum(delivered) AS delivered, sum(ended) AS ended'

const openColumns: Readonly<Record<Dimension, string>> = {
  minute: "''",
  all: "''",
  hook: 'hookId',
  tenant: 'tenantId',
  event: 'eventKey',
}

/** Those of which the index has a result: what waits longer than the window is not among them. */
export function openRuns(
  store: Store,
  dimension: Dimension,
  only?: string,
): ReadonlyMap<string, Open> {
  const isOne = only !== undefined && dimension === 'hook'
  const rows = store.all<{ readonly name: string; readonly outcome: string; readonly n: number }>(
    `SELECT ${openColumns[dimension]} AS name, outcome, count(*) AS n FROM results
      WHERE latest = 1 AND final = 0 ${isOne ? 'AND hookId = ?' : ''} GROUP BY 1, 2`,
    ...(isOne ? [only] : []),
  )
  const open = new Map<string, { retrying: number; deferred: number }>()
  for (const { name, outcome, n } of rows) {
    const sums = open.get(name) ?? { ...noneOpen }
    if (outcome === 'deferred') sums.deferred += n
    else sums.retrying += n
    open.set(name, sums)
  }
  return open
}

function byKey<Key extends string | number, Row extends { readonly key: Key }>(
  rows: readonly Row[],
): ReadonlyMap<Key, readonly Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.key)
    if (group === undefined) groups.set(row.key, [row])
    else group.push(row)
  }
  return groups
}
