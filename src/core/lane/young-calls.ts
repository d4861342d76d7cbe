/** Counts the calls in flight that started within the last half second. */
import type { MonotonicMs } from '../model/model.ts'

const windowMs = 100
const windows = 5

export class YoungCalls {
  /** Calls in flight, by the window in which they started. The array is a ring of windows. */
  readonly #out = Array.from({ length: windows }, () => 0)
  #window = 0
  #sum = 0

  began(now: MonotonicMs): void {
    this.#roll(now)
    this.#change(this.#window, 1)
  }

  /** @param beganAt the time that was given to {@link began} */
  ended(beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#roll(now)
    const window = Math.floor(beganAt / windowMs)
    if (window > this.#window - windows) this.#change(window, -1)
  }

  /** Calls in flight that started within the last 400 to 500 ms. */
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
    const window = Math.floor(now / windowMs)
    for (let left = Math.min(windows, window - this.#window); left > 0; left -= 1) {
      const index = (window - left + 1) % windows
      this.#sum -= this.#out[index] ?? 0
      this.#out[index] = 0
    }
    this.#window = Math.max(this.#window, window)
  }
}
