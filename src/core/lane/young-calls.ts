/** Counts the calls in flight that started lately. */
import type { MonotonicMs } from '../model/model.ts'

const windows = 5

export class YoungCalls {
  readonly #windowMs: number
  /** Calls in flight, by the window in which they started. The array is a ring of windows. */
  readonly #out = Array.from({ length: windows }, () => 0)
  #window = 0
  #sum = 0

  /** @param youngMs for how long a call is young, in milliseconds */
  constructor(youngMs = 500) {
    this.#windowMs = youngMs / windows
  }

  began(now: MonotonicMs): void {
    this.#roll(now)
    this.#change(this.#window, 1)
  }

  /** @param beganAt the time that was given to {@link began} */
  ended(beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#roll(now)
    const window = Math.floor(beganAt / this.#windowMs)
    if (window > this.#window - windows) this.#change(window, -1)
  }

  /** Calls in flight that started within the time for which a call is young, or up to a fifth less. */
  count(now: MonotonicMs): number {
    this.#roll(now)
    return this.#sum
  }

  #change(window: number, by: 1 | -1): void {
    const index = window % windows
    this.#out[index] = (this.#out[index] ?? 0) + by
    this.#sum += by
  }

  #roll(now: MonotonicMs): void {
    const window = Math.floor(now / this.#windowMs)
    for (let left = Math.min(windows, window - this.#window); left > 0; left -= 1) {
      const index = (window - left + 1) % windows
      this.#sum -= this.#out[index] ?? 0
      this.#out[index] = 0
    }
    this.#window = Math.max(this.#window, window)
  }
}
