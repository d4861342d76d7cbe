/** How often a thing may be said that can happen to very many at once, such as to every name when a name server goes away. */
import type { MonotonicMs } from '../../core/model/model.ts'

/** Lets through so many within each period, and counts the rest. */
export class SayingLimit {
  readonly #perPeriod: number
  readonly #periodMs: number
  #beganAt: MonotonicMs = -Infinity
  #said = 0
  #hidden = 0

  constructor(perPeriod: number, periodMs: number) {
    this.#perPeriod = perPeriod
    this.#periodMs = periodMs
  }

  /** @returns how many were hidden since the last that was said, or `undefined` when this one is to be hidden too */
  allow(now: MonotonicMs): number | undefined {
    if (now - this.#beganAt >= this.#periodMs) {
      this.#beganAt = now
      this.#said = 0
    }
    if (this.#said >= this.#perPeriod) {
      this.#hidden += 1
      return undefined
    }
    this.#said += 1
    const hidden = this.#hidden
    this.#hidden = 0
    return hidden
  }
}
