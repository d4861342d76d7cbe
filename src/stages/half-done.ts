/**
 * Half-done events: some of their deliveries have ended, and others have not started. A crash would repeat those that ended,
 * so no event stays half done for long. The deliveries that have not started are split off: each becomes a record of its own
 * on the requests topic, and the event's offset completes.
 */
import type { MonotonicMs } from '../core/model/model.ts'
import { hasEndedPart, type Origin, type Work } from './work.ts'

/** A delivery that has not started after this time is split off. */
const maxWaitMs = 500
/** How often it is checked whether a delivery has waited for that long. */
export const halfDoneCheckMs = 100

export class HalfDone {
  /** Half-done events in the order in which they became so, with the number of deliveries that have ended. */
  readonly #origins = new Map<Origin, number>()
  /** The sum of these numbers. */
  #ended = 0
  #checkAt: MonotonicMs = Number.NEGATIVE_INFINITY

  get isEmpty(): boolean {
    return this.#origins.size === 0
  }

  /** A delivery of the record has ended, and others have not. */
  settled(origin: Origin): void {
    if ((origin.waiting?.size ?? 0) === 0 || !hasEndedPart(origin)) return
    const ended = origin.caused - origin.remaining
    this.#ended += ended - (this.#origins.get(origin) ?? 0)
    this.#origins.set(origin, ended)
  }

  /** The work is no longer queued. */
  unqueued(work: Work): void {
    const { origin } = work
    if (origin.waiting === undefined) return
    origin.waiting.delete(work)
    if (origin.waiting.size === 0) this.#forget(origin)
  }

  /**
   * Takes the work that must be split off now. It takes whole events, the oldest first, until at most `maxEnded` deliveries
   * have ended within half-done events, and every event in which a delivery has waited too long.
   *
   * @param maxEnded how many deliveries a crash may repeat
   */
  takeDue(maxEnded: number, now: MonotonicMs): readonly Work[] {
    const due: Work[] = []
    for (const origin of this.#origins.keys()) {
      if (this.#ended <= maxEnded) break
      this.#take(origin, due)
    }
    if (now < this.#checkAt) return due
    this.#checkAt = now + halfDoneCheckMs
    for (const origin of this.#origins.keys()) {
      const [oldest] = origin.waiting ?? []
      if (oldest !== undefined && oldest.queuedAt <= now - maxWaitMs) this.#take(origin, due)
    }
    return due
  }

  /** Takes all work of the group's half-done events, however short it has waited. */
  takeAll(group: string): readonly Work[] {
    const all: Work[] = []
    for (const origin of this.#origins.keys()) {
      if (origin.epoch.group === group) this.#take(origin, all)
    }
    return all
  }

  #take(origin: Origin, into: Work[]): void {
    this.#forget(origin)
    into.push(...(origin.waiting ?? []))
  }

  #forget(origin: Origin): void {
    this.#ended -= this.#origins.get(origin) ?? 0
    this.#origins.delete(origin)
  }
}
