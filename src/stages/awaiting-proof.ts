/**
 * What happened while membership was not proven. Until it is proven again, or the epoch is known to be over, nobody here
 * can tell whose records it makes: this process's or the next owner's. Bounded by what was admitted.
 */
import type { Clock } from '../ports.ts'
import type { Origin } from './work.ts'

/** How often it is looked at whether membership is proven again. */
const recheckMs = 50

interface Happening {
  readonly origin: Origin
  readonly record: () => void
}

export class AwaitingProof {
  readonly #isProven: () => boolean
  readonly #clock: Clock
  readonly #onDecided: () => void
  #happenings: Happening[] = []

  constructor(isProven: () => boolean, clock: Clock, onDecided: () => void) {
    this.#isProven = isProven
    this.#clock = clock
    this.#onDecided = onDecided
  }

  get isEmpty(): boolean {
    return this.#happenings.length === 0
  }

  /** Calls `record` at once, but in a process that lost sight of its broker. */
  whenKnown(origin: Origin, record: () => void): void {
    if (!origin.epoch.isLive || this.#isProven()) {
      record()
      return
    }
    this.#happenings.push({ origin, record })
    if (this.#happenings.length === 1) this.#recheckSoon()
  }

  #recheckSoon(): void {
    this.#clock.after(recheckMs, () => {
      const happenings = this.#happenings
      this.#happenings = []
      for (const { origin, record } of happenings) this.whenKnown(origin, record)
      this.#onDecided()
    })
  }
}
