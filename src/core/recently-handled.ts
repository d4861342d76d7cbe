/**
 * Which runs were handled recently, by (delivery, run, attempt, hop): a crash between writing a tier record and
 * committing its source makes the same record twice, and the second is a repeat (design section 3, Identity). Best
 * effort: the memory is bounded, and the oldest is forgotten first.
 */
import type { Run } from './model.ts'

export class RecentlyHandled {
  readonly #keys = new Set<string>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  has(run: Run): boolean {
    return this.#keys.has(keyOf(run))
  }

  add(run: Run): void {
    this.#keys.add(keyOf(run))
    if (this.#keys.size <= this.#capacity) return
    const [oldest] = this.#keys
    if (oldest !== undefined) this.#keys.delete(oldest)
  }
}

/** Joined, not put together as a template: the pieces of that would be kept, at three times the memory. */
function keyOf({ deliveryId, run, attempt, hop }: Run): string {
  return [deliveryId, run, attempt, hop].join(' ')
}
