/** Measures the rate of a lane and the length of its calls, and limits its rate. */
import type { MonotonicMs } from '../model/model.ts'

const windowMs = 5_000

/**
 * Calls that ended per time with any call in flight, over the last 5 to 10 s. Time without a call in flight does not count:
 * a lane without work, or one that was stopped for another reason, is not slow.
 */
export class RateMeter {
  #window = 0
  #ended = 0
  #busyMs = 0
  #endedBefore = 0
  #busyMsBefore = 0
  /** Up to when busy time is counted; `undefined` while no call is in flight. */
  #countedTo: MonotonicMs | undefined
  /** When the last call ended. If none has ended since the lane became busy: when it became busy. */
  #lastEndAt: MonotonicMs = 0

  /** A call starts while none is in flight. */
  begin(now: MonotonicMs): void {
    this.#roll(now)
    this.#countedTo = now
    this.#lastEndAt = now
  }

  /** @param isLast whether no call is in flight after this one */
  end(now: MonotonicMs, isLast: boolean): void {
    this.#roll(now)
    this.#ended += 1
    this.#lastEndAt = now
    if (isLast) this.#countedTo = undefined
  }

  /** How long no call has ended while some are in flight. */
  silentMs(now: MonotonicMs): number {
    return this.#countedTo === undefined ? 0 : now - this.#lastEndAt
  }

  /** How long calls were in flight within the measured time. */
  busyMs(now: MonotonicMs): number {
    this.#roll(now)
    return this.#busyMs + this.#busyMsBefore
  }

  /** Calls that ended per millisecond; 0 when none did. */
  perMs(now: MonotonicMs): number {
    this.#roll(now)
    const ended = this.#ended + this.#endedBefore
    return ended / Math.max(1, this.#busyMs + this.#busyMsBefore)
  }

  #roll(now: MonotonicMs): void {
    const window = Math.floor(now / windowMs)
    if (window !== this.#window) {
      const isNext = window === this.#window + 1
      const isBusy = this.#countedTo !== undefined
      this.#countBusy((this.#window + 1) * windowMs)
      this.#endedBefore = isNext ? this.#ended : 0
      this.#busyMsBefore = isNext ? this.#busyMs : isBusy ? windowMs : 0
      this.#ended = 0
      this.#busyMs = 0
      if (isBusy) this.#countedTo = window * windowMs
      this.#window = window
    }
    this.#countBusy(now)
  }

  #countBusy(to: MonotonicMs): void {
    if (this.#countedTo === undefined) return
    this.#busyMs += Math.max(0, to - this.#countedTo)
    this.#countedTo = to
  }
}

const latelyMs = 250

/** Counts calls of a process in the last quarter of a second: those that began, or those that ended. */
export class CallCounter {
  #window = 0
  #count = 0
  #countBefore = 0
  #firstAt: MonotonicMs | undefined

  add(now: MonotonicMs): void {
    this.#roll(now)
    this.#firstAt ??= now
    this.#count += 1
  }

  /** Whether the first call was counted a second ago or longer. */
  hasFullSecond(now: MonotonicMs): boolean {
    return this.#firstAt !== undefined && now - this.#firstAt >= 1_000
  }

  /** The previous window counts in proportion to its part of the last quarter of a second. */
  lately(now: MonotonicMs): number {
    this.#roll(now)
    return this.#count + this.#countBefore * (1 - (now % latelyMs) / latelyMs)
  }

  #roll(now: MonotonicMs): void {
    const window = Math.floor(now / latelyMs)
    if (window === this.#window) return
    this.#countBefore = window === this.#window + 1 ? this.#count : 0
    this.#count = 0
    this.#window = window
  }
}

/** A lane is silent when no call has ended for this long while some are in flight. */
export const silenceMs = 1_000

/** The weight of the newest call in the mean. */
const newestShare = 0.1
/** After this many calls, almost nothing of the earlier ones is left in the mean. */
const forgottenAfter = 50

/** The end of a silence. */
interface SilenceEnd {
  readonly at: MonotonicMs
  /** The mean before it; `undefined` when no call had ended. */
  readonly before: number | undefined
  /** Calls that began after it and have ended. */
  callsSince: number
}

/** The mean length of calls. Newer calls have more weight. */
export class MeanDuration {
  #ms: number | undefined
  #silence: SilenceEnd | undefined

  /** In milliseconds; `undefined` when no call has ended. */
  get ms(): number | undefined {
    return this.#ms
  }

  /**
   * The same mean, but the last silence cannot raise it. All calls that are in flight during a silence end together, and
   * each has the whole length of the silence. Whether the endpoint has become slow, or only stopped for a moment, is seen in
   * the calls after it, or in the next silence. `undefined` when no other calls are known.
   */
  get usualMs(): number | undefined {
    if (this.#silence === undefined || this.#ms === undefined) return this.#ms
    const { before } = this.#silence
    return before === undefined ? undefined : Math.min(this.#ms, before)
  }

  /** @param silentMs how long no call of the lane had ended before this one */
  add(startedAt: MonotonicMs, now: MonotonicMs, silentMs: number): void {
    if (silentMs >= silenceMs) this.#silence = { at: now, before: this.#ms, callsSince: 0 }
    else this.#pass(startedAt)
    const ms = now - startedAt
    this.#ms = this.#ms === undefined ? ms : this.#ms + (ms - this.#ms) * newestShare
  }

  #pass(startedAt: MonotonicMs): void {
    if (this.#silence === undefined || startedAt < this.#silence.at) return
    this.#silence.callsSince += 1
    if (this.#silence.callsSince >= forgottenAfter) this.#silence = undefined
  }
}

/** A lane that started calls late may catch up this much at once. */
const catchUpMs = 100

/** Spaces calls so that no second has more than `ratePerSecond` of them, apart from {@link catchUpMs} of catching up. */
export class RateLimit {
  #nextAt: MonotonicMs = Number.NEGATIVE_INFINITY

  /** When the next call may start. */
  get nextAt(): MonotonicMs {
    return this.#nextAt
  }

  /** A call starts now. */
  started(ratePerSecond: number, now: MonotonicMs): void {
    this.#nextAt = Math.max(this.#nextAt, now - catchUpMs) + 1_000 / ratePerSecond
  }
}
