/**
 * How fast fresh deliveries may be deferred. Each deferral is a record to write, and later one to read. Without a bound, the
 * backlog of one hook would take the event loop from the calls of all others.
 */
import type { MonotonicMs } from '../model/model.ts'

/** Deliveries per second. At this rate, an event behind 100,000 events of a slow hook waits 20 s. */
const perSecond = 5_000
/** Deliveries that may be deferred at once. */
const burst = 100

export class DeferralBudget {
  #left = burst
  #filledAt: MonotonicMs = Number.NEGATIVE_INFINITY
  /** Deferring takes at most half of the event loop's time: a pause follows that is as long as the work was. */
  #restsUntil: MonotonicMs = Number.NEGATIVE_INFINITY

  /**
   * Whether fresh deliveries may be deferred now. One event may overdraw the budget, since its deliveries are deferred
   * together.
   */
  hasLeft(now: MonotonicMs): boolean {
    this.#fill(now)
    return this.#left > 0 && now >= this.#restsUntil
  }

  /** @param spentMs how long the event loop was busy with these deferrals */
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
