/** Lets others wait until something has become idle, within a budget. */
import type { Clock } from '../ports.ts'

export class IdleWaiters {
  readonly #checks = new Set<() => void>()

  /** Resolves when `isIdle`, now or at a later {@link check}, or after the budget. */
  wait(isIdle: () => boolean, budgetMs: number, clock: Clock): Promise<void> {
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
      const cancel = clock.after(budgetMs, finish)
      this.#checks.add(check)
    })
  }

  /** To be called whenever something may have become idle. */
  check(): void {
    for (const check of this.#checks) check()
  }
}
