/**
 * Limits log lines about what can happen to very many things at once, such as to every name when a name server goes away.
 */
import type { MonotonicMs } from '../../core/model/model.ts'

/** Admits so many lines in each period, and counts the others. */
export class LineLimit {
  readonly #perPeriod: number
  readonly #periodMs: number
  #startedAt: MonotonicMs = -Infinity
  #admitted = 0
  #leftOut = 0

  constructor(perPeriod: number, periodMs: number) {
    this.#perPeriod = perPeriod
    this.#periodMs = periodMs
  }

  /** @returns how many lines were left out since the last one, or `undefined` when this line is to be left out too */
  admit(now: MonotonicMs): number | undefined {
    if (now - this.#startedAt >= this.#periodMs) {
      this.#startedAt = now
      this.#admitted = 0
    }
    if (this.#admitted >= this.#perPeriod) {
      this.#leftOut += 1
      return undefined
    }
    this.#admitted += 1
    const leftOut = this.#leftOut
    this.#leftOut = 0
    return leftOut
  }
}
