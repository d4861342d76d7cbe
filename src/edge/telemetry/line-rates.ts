/**
 * Bounds how many lines with one message are written within a second: what an input can cause, it can cause without end.
 * What is left out is counted, and the count is told when the second is over.
 */
import type { Clock } from '../../ports.ts'

const windowMs = 1_000
/** More messages within a second are counted as one. */
const maxMessages = 200
const others = 'other lines'

/** What was written, and what was left out, of one message within the second. */
interface Tally {
  written: number
  leftOut: number
  /** As the logger has it: higher is worse. */
  readonly level: number
}

export interface LeftOut extends Pick<Tally, 'level' | 'leftOut'> {
  readonly message: string
}

export class LineRates {
  readonly #clock: Clock
  readonly #onLeftOut: (leftOut: LeftOut) => void
  readonly #tallies = new Map<string, Tally>()
  #startedAt = Number.NEGATIVE_INFINITY
  /** Cancels the timer that ends this second. */
  #cancelEnd: (() => void) | undefined

  /** @param onLeftOut called at the end of a second for each message of which lines were left out */
  constructor(clock: Clock, onLeftOut: (leftOut: LeftOut) => void) {
    this.#clock = clock
    this.#onLeftOut = onLeftOut
  }

  /** Whether one more line with this message may be written now. */
  admits(message: string, level: number, perSecond: number): boolean {
    if (this.#clock.monotonic() - this.#startedAt >= windowMs) this.#end()
    const tally = this.#tallyOf(message, level)
    if (tally.written < perSecond) {
      tally.written += 1
      return true
    }
    tally.leftOut += 1
    // Behind the last second of a flood no line may come that would end it.
    this.#cancelEnd ??= this.#clock.after(windowMs, () => this.#end())
    return false
  }

  #end(): void {
    this.#startedAt = this.#clock.monotonic()
    // A timer of this second would end the next one too early, and twice as many lines could be written.
    this.#cancelEnd?.()
    this.#cancelEnd = undefined
    const ended = [...this.#tallies]
    this.#tallies.clear()
    for (const [message, { level, leftOut }] of ended) {
      if (leftOut > 0) this.#onLeftOut({ message, level, leftOut })
    }
  }

  #tallyOf(message: string, level: number): Tally {
    const key = this.#tallies.has(message) || this.#tallies.size < maxMessages ? message : others
    const known = this.#tallies.get(key)
    if (known !== undefined) return known
    const tally = { written: 0, leftOut: 0, level }
    this.#tallies.set(key, tally)
    return tally
  }
}
