/**
 * Bounds on unfinished work, so that a crash repeats few calls. The bounds grow with the calls of the process, and most
 * of them apply only while it is slow. Then more work in flight would not make it faster.
 */
import { CallCounter } from './rate.ts'
import type { MonotonicMs } from '../model/model.ts'
import { YoungCalls } from './young-calls.ts'

/** While the process is slow, this many deliveries may be admitted, or as many as it finishes in a quarter of a second. */
const slowAdmitted = 400
/** While the event loop is busy, this many recent calls may be unacknowledged, or as many as end in 100 ms. */
const busyBegun = 200
const busyBegunShare = 0.4
/**
 * So many may begin in a quarter of a second nevertheless. Hundreds of calls that end together, such as by their time-outs,
 * are to be recorded first, but they must not stop the few calls of hooks that have done nothing.
 */
const busyTrickle = 25
/**
 * This many deliveries may have ended within half-done events, or as many as end in 12 ms. Splitting deliveries off costs
 * the event loop more than calling them.
 */
const halfDone = 50
const halfDoneShare = 0.05

export class RepeatBounds {
  readonly #began = new CallCounter()
  readonly #ended = new CallCounter()
  readonly #young = new YoungCalls()

  callBegan(now: MonotonicMs): void {
    this.#began.add(now)
    this.#young.began(now)
  }

  /** @param beganAt the time that was given to {@link callBegan} */
  callEnded(beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#ended.add(now)
    this.#young.ended(beganAt, now)
  }

  /**
   * How many calls may start before the next call of this method.
   *
   * @param pending calls that have ended and are not acknowledged
   * @param isLoopBusy called only when needed, since the measurement takes time
   */
  mayStart(now: MonotonicMs, pending: number, isLoopBusy: () => boolean): number {
    const begun = this.#young.count(now) + pending
    const most = Math.max(busyBegun, Math.round(this.#ended.lately(now) * busyBegunShare))
    if (begun < most) return most - begun
    return isLoopBusy() ? Math.max(0, busyTrickle - Math.ceil(this.#began.lately(now))) : busyBegun
  }

  /**
   * Whether an event for several hooks may be admitted. A slow process with thousands of half-done events would repeat
   * thousands of calls after a crash.
   *
   * @param admitted deliveries that the process has admitted
   */
  mayFanOut(now: MonotonicMs, admitted: number, isProcessSlow: () => boolean): boolean {
    if (admitted <= Math.max(slowAdmitted, this.#ended.lately(now))) return true
    return this.#ended.hasFullSecond(now) && !isProcessSlow()
  }

  /** How many deliveries may have ended within half-done events before the oldest of these events are split. */
  maxHalfDone(now: MonotonicMs): number {
    return Math.max(halfDone, this.#ended.lately(now) * halfDoneShare)
  }
}
