/**
 * Bounds on unfinished work, so that a crash repeats few calls. The bounds grow with the calls of the process, and most
 * of them apply only while it is slow. Then more work in flight would not make it faster.
 *
 * Calls that may take long have a bound of their own within that of all calls. When those of a crowd time out together, they
 * keep the event loop busy and are all followed by others that time out. These must not use up the bound of the few calls of
 * hooks that answer.
 */
import { callLengths, isLong, type CallLength } from './call-length.ts'
import { CallCounter } from './rate.ts'
import type { MonotonicMs } from '../model/model.ts'
import { YoungCalls } from './young-calls.ts'

/** While the process is slow, this many deliveries may be admitted, or as many as it finishes in a quarter of a second. */
const slowAdmitted = 400
/** While the event loop is busy, this many recent calls may be unacknowledged, or as many as end in 100 ms. */
const busyBegun = 200
const busyBegunShare = 0.4
/** The part of that bound that calls may use which may take long. */
const shareOfLong = 0.5
/**
 * So many of each length may begin in a quarter of a second nevertheless. Hundreds of calls that end together are to be
 * recorded first, but they must not stop the few calls of hooks that have done nothing.
 */
const busyTrickle = 25
/**
 * This many deliveries may have ended within half-done events, or as many as end in 12 ms. Splitting deliveries off costs
 * the event loop more than calling them.
 */
const halfDone = 50
const halfDoneShare = 0.05

/** How a call is counted: by whether it was known to be short when it started. */
export type CountedAs = 'short' | 'long'

export function countedAsOf({ length }: { readonly length: CallLength }): CountedAs {
  return isLong(length) ? 'long' : 'short'
}

export type CallCounts = Readonly<Record<CountedAs, number>>

export interface MayStart {
  readonly count: number
  /** The lengths of these calls. */
  readonly lengths: readonly CallLength[]
}

const nothing: MayStart = { count: 0, lengths: [] }
const lengthsCountedAs = {
  short: callLengths.filter((length) => !isLong(length)),
  long: callLengths.filter(isLong),
}

/** While calls of both lengths may start, so many may that neither bound is exceeded, whatever their lengths are. */
function mayStart({ short, long }: CallCounts): MayStart {
  if (short > 0 && long > 0) return { count: Math.min(short, long), lengths: callLengths }
  if (short > 0) return { count: short, lengths: lengthsCountedAs.short }
  return long > 0 ? { count: long, lengths: lengthsCountedAs.long } : nothing
}

/** The calls of one length that began lately. */
class Begun {
  readonly counter = new CallCounter()
  readonly young = new YoungCalls()
}

export class RepeatBounds {
  readonly #begun: Readonly<Record<CountedAs, Begun>> = { short: new Begun(), long: new Begun() }
  readonly #ended = new CallCounter()

  callBegan(as: CountedAs, now: MonotonicMs): void {
    const { counter, young } = this.#begun[as]
    counter.add(now)
    young.began(now)
  }

  /** @param beganAt the time that was given to {@link callBegan} */
  callEnded(as: CountedAs, beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#ended.add(now)
    this.#begun[as].young.ended(beganAt, now)
  }

  /**
   * Which calls may start before the next call of this method.
   *
   * @param pending calls that have ended and are not acknowledged
   * @param isLoopBusy called only when needed, since the measurement takes time
   */
  mayStart(now: MonotonicMs, pending: CallCounts, isLoopBusy: () => boolean): MayStart {
    const most = Math.max(busyBegun, Math.round(this.#ended.lately(now) * busyBegunShare))
    const mostLong = Math.floor(most * shareOfLong)
    const short = this.#begun.short.young.count(now) + pending.short
    const long = this.#begun.long.young.count(now) + pending.long
    const left = {
      short: most - short - Math.min(long, mostLong),
      long: Math.min(mostLong, most - short) - long,
    }
    if (left.short > 0 && left.long > 0) return mayStart(left)
    const isBusy = isLoopBusy()
    const countOf = (as: CountedAs) => {
      if (left[as] > 0) return left[as]
      const begun = Math.ceil(this.#begun[as].counter.lately(now))
      return isBusy ? Math.max(0, busyTrickle - begun) : busyBegun
    }
    return mayStart({ short: countOf('short'), long: countOf('long') })
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
