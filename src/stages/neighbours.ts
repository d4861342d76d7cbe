/**
 * Whose deliveries a partition carries. A hook that has a partition for itself makes it wait, and lag shows its backlog;
 * where others' deliveries come along, its own are deferred instead (design section 7, Pressure before deferral).
 */
import type { HookId, MonotonicMs } from '../core/model.ts'

/** For so long after a delivery its hook counts as one of the partition's. */
const memoryMs = 10 * 60_000

export class Neighbours {
  #newest: HookId | undefined
  #newestAt: MonotonicMs = 0
  /** The newest hook that is another than {@link #newest}. */
  #other: HookId | undefined
  #otherAt: MonotonicMs = 0

  note(hookId: HookId, now: MonotonicMs): void {
    if (hookId !== this.#newest) {
      this.#other = this.#newest
      this.#otherAt = this.#newestAt
      this.#newest = hookId
    }
    this.#newestAt = now
  }

  /** Whether a delivery of any other hook was noted lately. */
  has(hookId: HookId, now: MonotonicMs): boolean {
    if (this.#newest !== undefined && this.#newest !== hookId) {
      return now - this.#newestAt <= memoryMs
    }
    return this.#other !== undefined && now - this.#otherAt <= memoryMs
  }
}
