/** A timer that fires once at the earliest of all requested times. */
import type { MonotonicMs } from '../core/model/model.ts'
import type { Clock } from '../ports.ts'

export class Timer {
  readonly #clock: Clock
  readonly #fire: () => void
  #firesAt: MonotonicMs | undefined
  #cancel: (() => void) | undefined

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** Fires once after `delayMs`, or earlier if an earlier time was requested before. */
  fireIn(delayMs: number): void {
    const at = this.#clock.monotonic() + delayMs
    if (this.#firesAt !== undefined && this.#firesAt <= at) return
    this.#cancel?.()
    this.#firesAt = at
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#firesAt = undefined
      this.#cancel = undefined
      this.#fire()
    })
  }

  /** Cancels the timer. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#firesAt = undefined
  }
}
