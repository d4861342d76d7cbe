/** A timer for something that is to be looked at again, however often that is asked for. */
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

  /** Rings once after so many milliseconds, or when it was to fire anyway if that is earlier. */
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

  /** It is not to fire any more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#firesAt = undefined
  }
}
