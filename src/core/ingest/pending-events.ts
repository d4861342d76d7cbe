/**
 * Events on their way to Kafka, and the newest of those that it has: what may still be taken, and what was there before.
 * Logto sends an event again when it was answered with 5xx, while the first record of it may still be written: then both
 * wait for the one record.
 */
import type { MonotonicMs } from '../model/model.ts'

export interface PendingBounds {
  readonly records: number
  readonly bytes: number
  /** When the oldest has waited for so long, nothing more is taken: Kafka acknowledges nothing. */
  readonly stalledMs: number
  /** How many of those that were written are known. */
  readonly remembered: number
}

/** `stalled` and `full`: the event is not taken. */
export type Admission = 'new' | 'pending' | 'written' | 'stalled' | 'full'

interface Pending {
  readonly since: MonotonicMs
  readonly bytes: number
}

export class PendingEvents {
  readonly #bounds: PendingBounds
  /** In the order in which they came. */
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

  /** Why nothing more can be taken now, whatever it is. */
  refusal(now: MonotonicMs): 'stalled' | 'full' | undefined {
    const [oldest] = this.#pending.values()
    const { records, bytes, stalledMs } = this.#bounds
    if (oldest !== undefined && now - oldest.since >= stalledMs) return 'stalled'
    return this.#pending.size >= records || this.#bytes >= bytes ? 'full' : undefined
  }

  /**
   * What is to be done with an event. One that is `new` counts as pending from now on, until {@link settle}.
   *
   * @param key names the event
   * @param bytes that it holds while it is pending
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

  /** Kafka has acknowledged the event, or will never take it. */
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
