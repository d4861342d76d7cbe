/**
 * Events of which some deliveries have ended while others have not begun. A crash would repeat those that ended, so no
 * event stays so for long: what has not begun is split off, each delivery as a record of its own on the request topic,
 * and the event's offset completes.
 */
import type { Clock } from '../ports.ts'
import { isBegun, type Origin, type Work } from './work.ts'

export interface HalfDoneParts {
  readonly clock: Clock
  /** Takes the work out of its lane and writes it to the request topic. */
  readonly split: (work: Work) => void
  /**
   * So many deliveries, ended within half-done events, may be repeated by a crash. Beyond, the oldest events are split.
   * Asked for each delivery that ends.
   */
  readonly mostEnded: () => number
  /** Whether records may be written and calls made: else nothing is split. */
  readonly isCalling: () => boolean
}

/** A delivery that has not begun after so long is split off. */
const patienceMs = 500
const checkMs = 100

export class HalfDone {
  readonly #parts: HalfDoneParts
  /** In the order in which they became half done, with how many deliveries of each have ended. */
  readonly #origins = new Map<Origin, number>()
  /** The sum of these. */
  #ended = 0
  #isCheckPlanned = false

  constructor(parts: HalfDoneParts) {
    this.#parts = parts
  }

  /** Something of the record has ended. */
  settled(origin: Origin): void {
    if (!isHalfDone(origin)) return
    const ended = origin.caused - origin.remaining
    this.#ended += ended - (this.#origins.get(origin) ?? 0)
    this.#origins.set(origin, ended)
    if (this.#parts.isCalling()) this.#splitOldest()
    this.#checkSoon()
  }

  /** Something of the record is queued no more. */
  unqueued(work: Work): void {
    const { origin } = work
    if (origin.waiting === undefined) return
    origin.waiting.delete(work)
    if (origin.waiting.size === 0) this.#forget(origin)
  }

  /** Splits all half-done events of a group, however young. */
  splitAll(group: string): void {
    for (const origin of this.#origins.keys()) {
      if (origin.epoch.group === group) this.#split(origin)
    }
  }

  #splitOldest(): void {
    const most = this.#parts.mostEnded()
    if (this.#ended <= most) return
    for (const origin of this.#origins.keys()) {
      this.#split(origin)
      if (this.#ended <= most) return
    }
  }

  #split(origin: Origin): void {
    this.#forget(origin)
    for (const work of origin.waiting ?? []) this.#parts.split(work)
  }

  #forget(origin: Origin): void {
    this.#ended -= this.#origins.get(origin) ?? 0
    this.#origins.delete(origin)
  }

  #checkSoon(): void {
    if (this.#isCheckPlanned) return
    this.#isCheckPlanned = true
    this.#parts.clock.after(checkMs, () => {
      this.#isCheckPlanned = false
      if (this.#parts.isCalling()) this.#splitOld()
      if (this.#origins.size > 0) this.#checkSoon()
    })
  }

  #splitOld(): void {
    const before = this.#parts.clock.monotonic() - patienceMs
    for (const origin of this.#origins.keys()) {
      const [oldest] = origin.waiting ?? []
      if (oldest !== undefined && oldest.queuedAt <= before) this.#split(origin)
    }
  }
}

function isHalfDone(origin: Origin): boolean {
  return (origin.waiting?.size ?? 0) > 0 && isBegun(origin)
}
