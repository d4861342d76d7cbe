/** Lets others wait until something has become idle, within a budget. */
import type { Clock } from '../ports.ts'

export class IdleWaiters {
  readonly #clock: Clock
  readonly #checks = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when `isIdle`, now or at a later {@link check}, or after so many milliseconds. */
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

  /** To be called whenever something may have become idle. */
  check(): void {
    for (const check of this.#checks) check()
  }
}
