/** A timer for something that is to be looked at again, however often that is asked for. */
import type { MonotonicMs } from '../core/model/model.ts'
import type { Clock } from '../ports.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #ringsAt: MonotonicMs | undefined
  #cancel: (() => void) | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings once after so many milliseconds, or when it was to ring anyway if that is earlier. */
  ringIn(delayMs: number): void {
    const at = this.#clock.monotonic() + delayMs
    if (this.#ringsAt !== undefined && this.#ringsAt <= at) return
    this.#cancel?.()
    this.#ringsAt = at
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#ringsAt = undefined
      this.#cancel = undefined
      this.#ring()
    })
  }

  /** It is not to ring any more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#ringsAt = undefined
  }
}
