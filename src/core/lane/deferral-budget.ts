/**
 * How fast fresh deliveries may be deferred. Each deferral is a record to write, and later one to read. Without a bound, the
 * backlog of one hook would take the event loop from the calls of all others.
 */
import type { MonotonicMs } from '../model/model.ts'

/** Deliveries per second. At this rate, an event behind 100,000 events of a hook whose calls take long waits 20 s. */
const perSecond = 5_000
/** Deliveries that may be deferred at once. */
const burst = 100
/** Deferring takes at most this share of the event loop's time. */
const share = 0.5
/**
 * How long deferring may take before others have their turn, in milliseconds. With a pause after each single deferral, there
 * would be no more of them than the timers of pauses fire.
 */
const burstMs = 5

export class DeferralBudget {
  #left = burst
  #leftMs = burstMs
  /** Where it is doubtful that the endpoint is what is slow, a pause follows each deferral that is as long as the deferral was. */
  #restsUntil: MonotonicMs = Number.NEGATIVE_INFINITY
  #filledAt: MonotonicMs = Number.NEGATIVE_INFINITY

  /**
   * Whether fresh deliveries may be deferred now. One event may overdraw the budget, since its deliveries are deferred
   * together.
   *
   * @param isDoubtful whether this process may be what is slow, and not the endpoint of one of their lanes
   */
  hasLeft(now: MonotonicMs, isDoubtful: boolean): boolean {
    this.#fill(now)
    return this.#left > 0 && this.#leftMs > 0 && (!isDoubtful || now >= this.#restsUntil)
  }

  /** @param spentMs how long the event loop was busy with these deferrals */
  take(count: number, spentMs: number, now: MonotonicMs): void {
    this.#fill(now)
    this.#left -= count
    this.#leftMs -= spentMs
    this.#restsUntil = Math.max(now, this.#restsUntil) + spentMs
  }

  #fill(now: MonotonicMs): void {
    const passedMs = Math.max(0, now - this.#filledAt)
    this.#left = Math.min(burst, this.#left + (passedMs * perSecond) / 1_000)
    this.#leftMs = Math.min(burstMs, this.#leftMs + passedMs * share)
    this.#filledAt = now
  }
}
