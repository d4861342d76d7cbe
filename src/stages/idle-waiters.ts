/** Waits until something is idle, for at most a given time. */
import type { Clock } from '../ports.ts'

export class IdleWaiters {
  readonly #clock: Clock
  readonly #checks = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when `isIdle` returns true, now or at a later {@link check}, or after `budgetMs` milliseconds. */
  wait(isIdle: () => boolean, budgetMs: number): Promise<void> {
    if (isIdle()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        cancel()
        this.#checks.delete(check)
        resolve()
      }
      const check = () => {
        if (isIdle()) finish()
      }
      const cancel = this.#clock.after(budgetMs, finish)
      this.#checks.add(check)
    })
  }

  /** Must be called whenever something may have become idle. */
  check(): void {
    for (const check of this.#checks) check()
  }
}
