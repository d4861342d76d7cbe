/**
 * What became of deliveries so far, by the results and by what was requested: a delivery that was delivered once, or of
 * which a run has not ended, is not undelivered.
 */
import type { DeliveryId, EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import type { LeftOut } from './requests.ts'

const delivered = 'delivered'

/** Holds about 100 bytes for each delivery. */
export class Fates {
  /** Names of the runs that have not ended; none: all have ended, and none delivered it. */
  readonly #fates = new Map<DeliveryId, typeof delivered | Set<string>>()

  /** @param run the name of the run that begins or goes on with a record of the requests topic */
  addRequest(deliveryId: DeliveryId, run: string): void {
    this.#openRunsOf(deliveryId)?.add(run)
  }

  /** Results of one run are added in their order. */
  addResult({ deliveryId, run, outcome, final }: DeliveryResult): void {
    if (outcome === 'delivered') {
      this.#fates.set(deliveryId, delivered)
      return
    }
    const runs = this.#openRunsOf(deliveryId)
    if (final) runs?.delete(run)
    else runs?.add(run)
  }

  /** Why the delivery is left out; `undefined` for one that is undelivered. */
  hindrance(deliveryId: DeliveryId): LeftOut | undefined {
    const fate = this.#fates.get(deliveryId)
    if (fate === delivered) return 'delivered-before'
    return (fate?.size ?? 0) > 0 ? 'under-way' : undefined
  }

  #openRunsOf(deliveryId: DeliveryId): Set<string> | undefined {
    const fate = this.#fates.get(deliveryId)
    if (fate === delivered) return undefined
    const runs = fate ?? new Set()
    this.#fates.set(deliveryId, runs)
    return runs
  }
}

/** Of which events it can be said what became of their deliveries. */
export interface KnownEvents {
  /** Results go back to then: of older events, those that were delivered may have none any more. */
  readonly since: EpochMs
  /** Committed offsets of the processors: events behind them may be about to be delivered. */
  readonly handled: readonly Pick<InboundRecord, 'topic' | 'partition' | 'offset'>[]
}

/** Why nothing is known of the event; `undefined` where it is. */
export function unknownBecause(
  { topic, partition, offset, timestamp }: InboundRecord,
  { since, handled }: KnownEvents,
): LeftOut | undefined {
  if (timestamp < since) return 'results-gone'
  const committed = handled.find((one) => one.topic === topic && one.partition === partition)
  return offset < (committed?.offset ?? 0) ? undefined : 'not-handled-yet'
}

/** One partition of the results. */
export interface KeptResults {
  readonly low: number
  readonly end: number
  /** When its first record was written; `undefined` where it has none. */
  readonly firstAt: EpochMs | undefined
}

/**
 * Since when all results are still there.
 *
 * @param keptMs how long the topic keeps records at least; `undefined` where that is not known
 */
export function resultsSince(
  partitions: readonly KeptResults[],
  keptMs: number | undefined,
  now: EpochMs,
): EpochMs {
  const starts = partitions.map(({ low, firstAt }) => {
    if (low === 0) return 0
    // Retention has taken all that it had: nothing is known but how old that was at least.
    return firstAt ?? now - (keptMs ?? 0)
  })
  return Math.max(0, ...starts)
}
