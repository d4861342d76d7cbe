/**
 * Recordings that wait for the proof of membership. While membership is not proven, this process cannot know who must write
 * the records of a step: itself, or the next owner. So the step waits here until membership is proven again or the epoch has
 * ended. At most as many steps wait as deliveries were admitted.
 */
import type { Clock } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { Marks } from './marks.ts'
import type { Origin } from './work.ts'

/** How often it is checked whether membership is proven again. */
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

  /** Calls `record` as soon as membership is proven or the epoch has ended. That is at once, unless the broker is away. */
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
