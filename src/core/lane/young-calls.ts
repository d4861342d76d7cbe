/** Counts the calls of a process that are out and began lately: those that a crash at this moment would most likely repeat. */
import type { MonotonicMs } from '../model/model.ts'

const windowMs = 100
const windows = 5

export class YoungCalls {
  /** By the window in which they began; windows that are over are used again. */
  readonly #out = Array.from({ length: windows }, () => 0)
  #window = 0
  #sum = 0

  began(now: MonotonicMs): void {
    this.#roll(now)
    this.#change(this.#window, 1)
  }

  /** @param beganAt what {@link began} was told */
  ended(beganAt: MonotonicMs, now: MonotonicMs): void {
    this.#roll(now)
    const window = Math.floor(beganAt / windowMs)
    if (window > this.#window - windows) this.#change(window, -1)
  }

  /** Calls that are out and began within the last half second, or a tenth less. */
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
