/** Sums of a batch of results, made before they are written: a batch falls into few spans. */
import { addDuration } from './durations.ts'
import { isCall, type IndexedResult } from './indexed-result.ts'
import type { NameCounts } from './name-counts.ts'
import type { Store } from './store.ts'
import {
  addFailure,
  emptySum,
  isNamed,
  othersName,
  spanMs,
  storeSum,
  type Dimension,
  type NamedDimension,
  type Sum,
  type SumKey,
} from './sums.ts'

export type CountsByName = Readonly<Record<NamedDimension, NameCounts>>

const maxClassText = 64

export class Tally {
  readonly #names: CountsByName
  readonly #sums = new Map<string, { readonly key: SumKey; readonly sum: Sum }>()

  constructor(names: CountsByName) {
    this.#names = names
  }

  /** @param isLatest whether the result says what became of its run: a repeated end is no second one */
  add(result: IndexedResult, isLatest: boolean): void {
    const isDelivered = result.outcome === 'delivered'
    const isEnd = isLatest && ['dead', 'expired'].includes(result.outcome)
    const call = isCall(result)
    if (!call && !isEnd) return
    for (const [dimension, name] of this.#namesOf(result)) {
      const span = result.attemptedAt - (result.attemptedAt % spanMs[dimension])
      const sum = this.#sumOf({ dimension, span, name })
      sum.ended += isEnd ? 1 : 0
      if (!call) continue
      sum.calls += 1
      sum.delivered += isDelivered ? 1 : 0
      if (!isDelivered) addFailure(sum, failureClass(result), 1)
      addDurations(sum, result)
    }
  }

  /** Adds the sums to those of the store. @returns adds them to those in memory, once they are stored */
  write(store: Store): () => void {
    for (const { key, sum } of this.#sums.values()) storeSum(store, key, sum)
    return () => {
      for (const { key, sum } of this.#sums.values()) {
        const { dimension, span, name } = key
        if (isNamed(dimension)) this.#names[dimension].add(span, name, sum)
      }
    }
  }

  #sumOf(key: SumKey): Sum {
    const text = `${key.dimension}\n${key.span}\n${key.name}`
    const known = this.#sums.get(text)
    if (known !== undefined) return known.sum
    const sum = emptySum()
    this.#sums.set(text, { key, sum })
    return sum
  }

  #namesOf(result: IndexedResult): readonly (readonly [Dimension, string])[] {
    return [
      ['minute', othersName],
      ['all', othersName],
      ['hook', this.#names.hook.admitted(result.hookId)],
      ['tenant', this.#names.tenant.admitted(result.tenantId)],
      ['event', this.#names.event.admitted(result.eventKey)],
    ]
  }
}

function addDurations(sum: Sum, result: IndexedResult): void {
  const { totalMs, attempt, trigger, attemptedAt, eventAt } = result
  if (totalMs !== null) addDuration(sum.total, totalMs)
  // Without a time of its event there is no latency.
  if (attempt === 1 && trigger === 'event' && eventAt > 0)
    addDuration(sum.first, Math.max(0, attemptedAt - eventAt))
}

/** `503`, or `timeout` and other classes where no status tells more. */
function failureClass({
  statusCode,
  errorClass,
}: Pick<IndexedResult, 'statusCode' | 'errorClass'>): string {
  if (errorClass === 'http' || errorClass === null)
    return String(statusCode ?? errorClass ?? 'unknown')
  return errorClass.slice(0, maxClassText)
}
