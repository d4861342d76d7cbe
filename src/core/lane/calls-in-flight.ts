/** The calls in flight of a tenant, or of all tenants, and whether they are slow. */
import type { MonotonicMs } from '../model/model.ts'
import type { CallLength } from './call-length.ts'
import { CallCounter } from './rate.ts'
import { YoungCalls } from './young-calls.ts'

/** A busy event loop hardly makes a quarter of the calls last so long: an answer waits for a few of its passes. */
const busySlowMs = 2_000
/** If fewer of the calls in flight began within the last half second, they are slow: their slots will not be free soon. */
const maxYoungShare = 0.75
/** Longer than calls are young, so that calls that still take long are found slow again before this is over. */
const foundForMs = 1_000
/** The same for calls that are counted for two seconds. */
const foundHangingForMs = 3_000
/** If fewer of the calls in flight end in a quarter of a second, they take over two seconds. */
const fewEndingShare = 1 / 8

/** What is known of a call since its start. */
interface Started {
  readonly startedAt: MonotonicMs
  readonly length: CallLength
}

export class CallsInFlight {
  inFlight = 0
  /** Bytes of their bodies. */
  bytes = 0
  /** Calls of the late lines. */
  late = 0
  /** Calls that were expected to take long when they started, or of which that was not known. */
  readonly long = { inFlight: 0, bytes: 0 }
  /** Those of which it was not known, and which began within the last half second. */
  readonly youngUnknown = new YoungCalls()
  /** Calls that began within the last half second, and within the last two seconds. */
  readonly #young = new YoungCalls()
  readonly #recent = new YoungCalls(busySlowMs)
  /** When it was last found that they are slow, and that they last over two seconds. */
  #foundSlowAt: MonotonicMs = Number.NEGATIVE_INFINITY
  #foundHangingAt: MonotonicMs = Number.NEGATIVE_INFINITY

  began(at: MonotonicMs, length: CallLength): void {
    this.#young.began(at)
    this.#recent.began(at)
    if (length === 'unknown') this.youngUnknown.began(at)
  }

  ended({ startedAt, length }: Started, now: MonotonicMs): void {
    this.#young.ended(startedAt, now)
    this.#recent.ended(startedAt, now)
    if (length === 'unknown') this.youngUnknown.ended(startedAt, now)
  }

  /**
   * Whether more than a quarter of them have lasted half a second or longer, or this was found at most a second ago. When many
   * calls time out together, those that take their slots are all young.
   *
   * @param isLoopBusy whether calls may last long because this process is busy. Then calls count that have lasted two seconds,
   *   and what was found of these counts for three
   */
  isSlow(now: MonotonicMs, isLoopBusy: boolean): boolean {
    const areSlow = this.showSlow(isLoopBusy ? this.#recent : this.#young, now)
    if (areSlow) {
      this.#foundSlowAt = now
      if (isLoopBusy || this.showSlow(this.#recent, now)) this.#foundHangingAt = now
    }
    const isHanging = isLoopBusy && now - this.#foundHangingAt <= foundHangingForMs
    return isHanging || this.#wasFoundSlow(now)
  }

  /** Whether they are slow, whatever keeps the process busy, or were found to be. */
  mayBeSlow(now: MonotonicMs): boolean {
    return this.#areFew(this.#young, now) || this.#wasFoundSlow(now)
  }

  /** @param young those of the calls in flight that are not slow */
  protected showSlow(young: YoungCalls, now: MonotonicMs): boolean {
    return this.#areFew(young, now)
  }

  #wasFoundSlow(now: MonotonicMs): boolean {
    return now - this.#foundSlowAt <= foundForMs
  }

  #areFew(young: YoungCalls, now: MonotonicMs): boolean {
    return young.count(now) < this.inFlight * maxYoungShare
  }
}

/**
 * The calls in flight of all tenants. They are slow, and *hang*, only if so few of them end that they take over two seconds on
 * average: any number of healthy calls may take up to a second.
 */
export class AllCallsInFlight extends CallsInFlight {
  readonly #ended = new CallCounter()

  override ended(call: Started, now: MonotonicMs): void {
    super.ended(call, now)
    this.#ended.add(now)
  }

  protected override showSlow(young: YoungCalls, now: MonotonicMs): boolean {
    const areFewEnding = this.#ended.lately(now) < this.inFlight * fewEndingShare
    return areFewEnding && super.showSlow(young, now)
  }
}
