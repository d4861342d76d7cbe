/**
 * What a process holds back so that a crash repeats few calls. A process that keeps up repeats few anyway: these bounds grow
 * with its calls, and most of them count only while it is slow, when more would not make it faster.
 */
import { CallCounter } from './rate.ts'
import type { MonotonicMs } from '../model/model.ts'
import { YoungCalls } from './young-calls.ts'

/** While the process is slow, so many deliveries may be admitted, or as many as it ends in a quarter of a second. */
const slowAdmitted = 400
/** While its event loop is busy, so many calls may have begun lately and not be acknowledged, or as many as end in 100 ms. */
const busyBegun = 200
const busyBegunShare = 0.4
/**
 * So many deliveries may have ended within events that have others which have not begun, or as many as end in 12 ms. To
 * split these off costs the loop more than to call for them.
 */
const halfDone = 50
const halfDoneShare = 0.05

export class RepeatBounds {
  readonly #ended = new CallCounter()
  readonly #young = new YoungCalls()

  callBegan(now: MonotonicMs): void {
    this.#young.began(now)
  }

  /** @param beganAt what {@link callBegan} was told */
  callEnded(beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#ended.add(now)
    this.#young.ended(beganAt, now)
  }

  /**
   * How many calls may start until this is asked again.
   *
   * @param pending results that are not acknowledged
   * @param isLoopBusy asked only where it matters: to know it takes time
   */
  mayStart(now: MonotonicMs, pending: number, isLoopBusy: () => boolean): number {
    const begun = this.#young.count(now) + pending
    const most = Math.max(busyBegun, Math.round(this.#ended.lately(now) * busyBegunShare))
    if (begun < most) return most - begun
    return isLoopBusy() ? 0 : busyBegun
  }

  /**
   * Whether an event for several hooks may be admitted. A slow process that has thousands of half-done events repeats as
   * many calls after a crash.
   *
   * @param admitted deliveries that the process has admitted
   */
  mayFanOut(now: MonotonicMs, admitted: number, isProcessSlow: () => boolean): boolean {
    if (admitted <= Math.max(slowAdmitted, this.#ended.lately(now))) return true
    return this.#ended.hasFullSecond(now) && !isProcessSlow()
  }

  /** How many deliveries may have ended within half-done events before the oldest of these are split. */
  mostHalfDone(now: MonotonicMs): number {
    return Math.max(halfDone, this.#ended.lately(now) * halfDoneShare)
  }
}
