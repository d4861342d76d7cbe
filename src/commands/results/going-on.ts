/** Which deliveries of the results that were shown still go on. */
import type { DeliveryId } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import type { ResultFilter } from './filter.ts'

/** So many runs that go on are remembered: who asks about more wants a summary. */
const maxRuns = 100
/** Who asks for one of these wants to know what becomes of it. */
const ofOne: readonly string[] = ['deliveryId', 'eventId']

export class GoingOn {
  /** Runs whose newest result is not their last, with their delivery. */
  readonly #runs = new Map<string, DeliveryId>()
  readonly #isAsked: boolean

  constructor({ oneOf }: Pick<ResultFilter, 'oneOf'>) {
    this.#isAsked = oneOf.some(([field]) => ofOne.includes(field))
  }

  add({ deliveryId, run, final }: Pick<DeliveryResult, 'deliveryId' | 'run' | 'final'>): void {
    if (!this.#isAsked) return
    const key = `${deliveryId} ${run}`
    if (final) this.#runs.delete(key)
    else if (this.#runs.size < maxRuns) this.#runs.set(key, deliveryId)
  }

  deliveries(): ReadonlySet<DeliveryId> {
    return new Set(this.#runs.values())
  }
}
