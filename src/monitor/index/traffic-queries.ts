/** Reads sums of the index: how much, how well and how fast. */
import type { EpochMs } from '../../core/model/model.ts'
import { addCount, percentilesOf, type Percentiles } from './durations.ts'
import type { Sample } from './result-index.ts'
import type { Store } from './store.ts'
import {
  emptySum,
  spanMs,
  sumsByName,
  sumsByStep,
  type Counts,
  type Dimension,
  type Sum,
} from './sums.ts'

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

const noneOpen: Open = { retrying: 0, deferred: 0 }
const maxFailures = 10

export interface Named {
  readonly dimension: Dimension
  readonly name: string
}

export interface Range {
  readonly from: EpochMs
  readonly to: EpochMs
}

/** Points of a chart, one for each `stepMs`, those without traffic too. Whole spans of the dimension are counted. */
export function traffic(
  store: Store,
  { dimension, name }: Named,
  range: Range & { readonly stepMs: number },
): readonly TrafficPoint[] {
  const stepMs = Math.max(range.stepMs, spanMs[dimension])
  const from = range.from - (range.from % stepMs)
  const { to } = range
  const sums = sumsByStep(store, { dimension, name, from, to, stepMs })
  const points: TrafficPoint[] = []
  for (let at = from; at <= to; at += stepMs) {
    points.push({ at, ...countedOf(sums.get(at) ?? emptySum()) })
  }
  return points
}

/**
 * Sums since a moment, for each name of the dimension of which there is anything. What has no sums of its own is together
 * under an empty name.
 */
export function statistics(
  store: Store,
  dimension: Dimension,
  from: EpochMs,
): readonly Statistics[] {
  const sums = sumsByName(store, dimension, from)
  const open = openRuns(store, dimension)
  const names = new Set([...sums.keys(), ...open.keys()])
  return [...names].map((name) => statisticsOf(name, sums.get(name), open.get(name)))
}

/** The same of one name. */
export function statisticsOfName(
  store: Store,
  { dimension, name }: Named,
  { from, to }: Range,
): Statistics {
  // One step has all.
  const sums = sumsByStep(store, { dimension, name, from, to, stepMs: Number.MAX_SAFE_INTEGER })
  return statisticsOf(name, sums.get(0), openRuns(store, dimension, name).get(name))
}

function statisticsOf(name: string, sum: Sum = emptySum(), open: Open = noneOpen): Statistics {
  // Of equal ones always the same first, so that a page that is made anew does not change.
  const failures = [...sum.failures].toSorted(
    ([class1, one], [class2, other]) => other - one || (class1 < class2 ? -1 : 1),
  )
  return {
    name,
    ...countedOf(sum),
    ...open,
    failures: failures.slice(0, maxFailures).map(([one, count]) => ({ class: one, count })),
  }
}

function countedOf({ calls, delivered, ended, total, first }: Sum) {
  return {
    ...{ calls, delivered, ended },
    ...{ total: percentilesOf(total), first: percentilesOf(first) },
  }
}

/** The most of each step. */
export function samplesSince(
  store: Store,
  from: EpochMs,
  stepMs: number,
): readonly (Sample & { readonly at: EpochMs })[] {
  return store.all(
    `SELECT minute - minute % ? AS at, max(lag) AS lag, max(waiting) AS waiting FROM samples
      WHERE minute >= ? GROUP BY 1 ORDER BY 1`,
    ...[stepMs, from],
  )
}

/** What of the index was the newest to happen; `undefined` while it is empty. */
export function newestAt(store: Store): EpochMs | undefined {
  const [row] = store.all<{ readonly at: EpochMs | null }>(
    'SELECT max(attemptedAt) AS at FROM results',
  )
  return row?.at ?? undefined
}

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
  const column = openColumns[dimension]
  const rows = store.all<{ readonly name: string; readonly isDeferred: 0 | 1; readonly n: number }>(
    `SELECT ${column} AS name, isDeferred, sum(count) AS n FROM open_runs
      ${only === undefined ? '' : `WHERE ${column} = ?`} GROUP BY 1, 2`,
    ...(only === undefined ? [] : [only]),
  )
  const [retrying, deferred] = [new Map<string, number>(), new Map<string, number>()]
  for (const { name, isDeferred, n } of rows) addCount(isDeferred ? deferred : retrying, name, n)
  const names = new Set([...retrying.keys(), ...deferred.keys()])
  return new Map(
    [...names].map((name) => [
      name,
      { retrying: retrying.get(name) ?? 0, deferred: deferred.get(name) ?? 0 },
    ]),
  )
}
