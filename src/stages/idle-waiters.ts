/** Waits until something is idle, for at most a given time. */
import type { Clock } from '../ports.ts'
import { Timer } from './timer.ts'

/** How often it is checked at least. What is waited for may also depend on the time alone. */
const checkMs = 50

export class IdleWaiters {
  readonly #clock: Clock
  readonly #checks = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when `isIdle` returns true, now or when it is checked again, or after `budgetMs` milliseconds. */
  wait(isIdle: () => boolean, budgetMs: number): Promise<void> {
    if (isIdle()) return Promise.resolve()
    const endsAt = this.#clock.monotonic() + budgetMs
    return new Promise((resolve) => {
      const check = () => {
        const leftMs = endsAt - this.#clock.monotonic()
        if (leftMs > 0 && !isIdle()) {
          timer.fireIn(Math.min(checkMs, leftMs))
          return
        }
        timer.stop()
        this.#checks.delete(check)
        resolve()
      }
      const timer = new Timer(this.#clock, check)
      this.#checks.add(check)
      check()
    })
  }

  /** Must be called whenever something may have become idle. */
  check(): void {
    for (const check of this.#checks) check()
  }
}
