/**
 * Counts the events that wait for Kafka, and remembers the newest written ones. It decides whether a new event is accepted,
 * and recognises repeats. Logto sends an event again after a 5xx, while the first record may still be on its way. Then both
 * requests wait for the same record.
 */
import type { MonotonicMs } from '../model/model.ts'

export interface PendingBounds {
  readonly records: number
  readonly bytes: number
  /** No event is accepted while the oldest has waited this long: Kafka acknowledges nothing. */
  readonly stalledMs: number
  /** Written events that are remembered. */
  readonly remembered: number
}

/** With `stalled` and `full`, the event is not accepted. */
export type Admission = 'new' | 'pending' | 'written' | 'stalled' | 'full'

interface Pending {
  readonly since: MonotonicMs
  readonly bytes: number
}

export class PendingEvents {
  readonly #bounds: PendingBounds
  /** In order of arrival. */
  readonly #pending = new Map<string, Pending>()
  readonly #written = new Set<string>()
  #bytes = 0

  constructor(bounds: PendingBounds) {
    this.#bounds = bounds
  }

  get count(): number {
    return this.#pending.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Why no new event can be accepted now. */
  refusal(now: MonotonicMs): 'stalled' | 'full' | undefined {
    const [oldest] = this.#pending.values()
    const { records, bytes, stalledMs } = this.#bounds
    if (oldest !== undefined && now - oldest.since >= stalledMs) return 'stalled'
    return this.#pending.size >= records || this.#bytes >= bytes ? 'full' : undefined
  }

  /**
   * Decides about an event. A `new` event counts as pending until {@link settle}.
   *
   * @param key identifies the event
   * @param bytes of memory that it takes while it is pending
   */
  admit(key: string, bytes: number, now: MonotonicMs): Admission {
    if (this.#written.has(key)) return 'written'
    if (this.#pending.has(key)) return 'pending'
    const refusal = this.refusal(now)
    if (refusal !== undefined) return refusal
    this.#pending.set(key, { since: now, bytes })
    this.#bytes += bytes
    return 'new'
  }

  /** Called when Kafka has acknowledged the event, or when it will never be written. */
  settle(key: string, isWritten: boolean): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    this.#pending.delete(key)
    this.#bytes -= pending.bytes
    if (!isWritten) return
    this.#written.add(key)
    const [oldest] = this.#written
    if (this.#written.size > this.#bounds.remembered && oldest !== undefined) {
      this.#written.delete(oldest)
    }
  }
}
