/**
 * What happened while membership was not proven. Until it is proven again, or the epoch is known to be over, nobody here
 * can tell whose records it makes: this process's or the next owner's. Bounded by what was admitted.
 */
import type { Clock } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { Marks } from './marks.ts'
import type { Origin } from './work.ts'

/** How often it is looked at whether membership is proven again. */
const recheckMs = 50

interface Waiter {
  readonly origin: Origin
  readonly record: () => void
}

export interface ProofWaitersParts {
  readonly gate: CallGate
  readonly clock: Clock
  readonly marks: Marks
}

export class ProofWaiters {
  readonly #parts: ProofWaitersParts
  #waiting: Waiter[] = []

  constructor(parts: ProofWaitersParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Calls `record` at once, but in a process that lost sight of its broker. */
  whenProven(origin: Origin, record: () => void): void {
    if (!origin.epoch.isLive || this.#parts.gate.isProven) {
      record()
      return
    }
    this.#waiting.push({ origin, record })
    if (this.#waiting.length === 1) this.#recheckSoon()
  }

  #recheckSoon(): void {
    this.#parts.clock.after(recheckMs, () => {
      const waiting = this.#waiting
      this.#waiting = []
      for (const { origin, record } of waiting) this.whenProven(origin, record)
      this.#parts.marks.set()
    })
  }
}
