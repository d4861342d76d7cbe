/**
 * How fast fresh deliveries are put off. Each is a record to write, and later one to read: without a bound, a backlog of
 * one hook would take the loop from the calls of all others.
 */
import type { MonotonicMs } from '../model/model.ts'

/** Deliveries a second. A newcomer behind 100,000 events of a slow hook waits at most for as long as these take. */
const perSecond = 5_000
/** So many may go at once. */
const burst = 100

export class PutOffBudget {
  #left = burst
  #filledAt: MonotonicMs = Number.NEGATIVE_INFINITY
  /** What is put off takes half of the loop's time at most: a rest follows that is as long as the work was. */
  #restsUntil: MonotonicMs = Number.NEGATIVE_INFINITY

  /** Whether fresh deliveries may be put off now. An event may overdraw it, since its deliveries go together. */
  hasLeft(now: MonotonicMs): boolean {
    this.#fill(now)
    return this.#left > 0 && now >= this.#restsUntil
  }

  /** @param spentMs how long the event loop was busy with it */
  take(count: number, spentMs: number, now: MonotonicMs): void {
    this.#left -= count
    this.#restsUntil = Math.max(now, this.#restsUntil) + spentMs
  }

  #fill(now: MonotonicMs): void {
    const passedMs = Math.max(0, now - this.#filledAt)
    this.#left = Math.min(burst, this.#left + (passedMs * perSecond) / 1_000)
    this.#filledAt = now
  }
}
