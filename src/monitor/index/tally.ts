/** Sums over spans of time of a batch of results, made before they are written: a batch falls into few spans. */
import { isCall, type IndexedResult } from './indexed-result.ts'
import { durationClass } from './durations.ts'
import type { Store } from './store.ts'

/** What results are summed up by. `minute` and `all` are of all results together, in narrow spans and in wide ones. */
export type Dimension = 'minute' | 'all' | 'hook' | 'tenant' | 'event'

/** Width of a span, in milliseconds. */
export const spanMs: Readonly<Record<Dimension, number>> = {
  minute: 60_000,
  all: 600_000,
  hook: 600_000,
  tenant: 600_000,
  event: 600_000,
}

/** `total`: of one call. `first`: from the event to the begin of its first attempt, be it minutes. */
export type DurationKind = 'total' | 'first'

interface Counts {
  calls: number
  delivered: number
  /** Runs that ended without success, and that somebody may miss. */
  ended: number
}

type Key = readonly (string | number)[]

export class Tally {
  readonly #spans = new Map<string, { readonly key: Key; readonly counts: Counts }>()
  readonly #durations = new Map<string, { readonly key: Key; count: number }>()
  readonly #failures = new Map<string, { readonly key: Key; count: number }>()

  /** @param isLatest whether the result says what became of its run: a repeated end is no second one */
  add(result: IndexedResult, isLatest: boolean): void {
    const isDelivered = result.outcome === 'delivered'
    const isEnd = isLatest && ['dead', 'expired'].includes(result.outcome)
    const call = isCall(result)
    if (!call && !isEnd) return
    for (const [dimension, name] of namesOf(result)) {
      const span = result.attemptedAt - (result.attemptedAt % spanMs[dimension])
      const counts = this.#countsOf([dimension, name, span])
      counts.calls += call ? 1 : 0
      counts.delivered += call && isDelivered ? 1 : 0
      counts.ended += isEnd ? 1 : 0
      for (const [kind, ms] of durationsOf(result)) {
        count(this.#durations, [dimension, kind, name, span, durationClass(ms)])
      }
      if (call && !isDelivered) count(this.#failures, [dimension, name, span, failureClass(result)])
    }
  }

  write(store: Store): void {
    for (const { key, counts } of this.#spans.values()) {
      store.run(spanSql, ...key, counts.calls, counts.delivered, counts.ended)
    }
    for (const { key, count: added } of this.#durations.values()) {
      store.run(durationSql, ...key, added)
    }
    for (const { key, count: added } of this.#failures.values()) {
      store.run(failureSql, ...key, added)
    }
  }

  #countsOf(key: Key): Counts {
    const text = key.join('\n')
    const known = this.#spans.get(text)
    if (known !== undefined) return known.counts
    const counts = { calls: 0, delivered: 0, ended: 0 }
    this.#spans.set(text, { key, counts })
    return counts
  }
}

const spanSql = `INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  calls = calls + excluded.calls, delivered = delivered + excluded.delivered, ended = ended + excluded.ended`
const durationSql = `INSERT INTO durations VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = count + excluded.count`
const failureSql = `INSERT INTO failures VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = count + excluded.count`

function count(sums: Map<string, { readonly key: Key; count: number }>, key: Key): void {
  const text = key.join('\n')
  const known = sums.get(text)
  if (known === undefined) sums.set(text, { key, count: 1 })
  else known.count += 1
}

function namesOf(result: IndexedResult): readonly (readonly [Dimension, string])[] {
  return [
    ['minute', ''],
    ['all', ''],
    ['hook', result.hookId],
    ['tenant', result.tenantId],
    ['event', result.eventKey],
  ]
}

function durationsOf(result: IndexedResult): readonly (readonly [DurationKind, number])[] {
  const { totalMs, attempt, trigger, attemptedAt, eventAt } = result
  if (!isCall(result)) return []
  const isFirst = attempt === 1 && trigger === 'event'
  return [
    ...(totalMs === null ? [] : [['total', totalMs] as const]),
    ...(isFirst ? [['first', Math.max(0, attemptedAt - eventAt)] as const] : []),
  ]
}

/** `503`, or `timeout` and other classes where no status tells more. */
function failureClass({
  statusCode,
  errorClass,
}: Pick<IndexedResult, 'statusCode' | 'errorClass'>): string {
  if (errorClass === 'http' || errorClass === null)
    return String(statusCode ?? errorClass ?? 'unknown')
  return errorClass
}
