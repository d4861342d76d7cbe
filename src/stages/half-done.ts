/**
 * Events of which some deliveries have ended while others have not begun. A crash would repeat those that ended, so no
 * event stays so for long: what has not begun is split off, each delivery as a record of its own on the request topic,
 * and the event's offset completes.
 */
import type { MonotonicMs } from '../core/model/model.ts'
import { isBegun, type Origin, type Work } from './work.ts'

/** A delivery that has not begun after so long is split off. */
const maxWaitingMs = 500
/** How often it is looked at whether one has waited for so long. */
const checkMs = 100

export class HalfDone {
  /** In the order in which they became half done, with how many deliveries of each have ended. */
  readonly #origins = new Map<Origin, number>()
  /** The sum of these. */
  #ended = 0
  #checkAt: MonotonicMs = Number.NEGATIVE_INFINITY

  get isEmpty(): boolean {
    return this.#origins.size === 0
  }

  /** Something of the record has ended, and not all. */
  settled(origin: Origin): void {
    if ((origin.waiting?.size ?? 0) === 0 || !isBegun(origin)) return
    const ended = origin.caused - origin.remaining
    this.#ended += ended - (this.#origins.get(origin) ?? 0)
    this.#origins.set(origin, ended)
  }

  /** Something of the record is queued no more. */
  unqueued(work: Work): void {
    const { origin } = work
    if (origin.waiting === undefined) return
    origin.waiting.delete(work)
    if (origin.waiting.size === 0) this.#forget(origin)
  }

  /**
   * What is to be split off now: all of the oldest events, until no more than `maxEnded` deliveries have ended within
   * half-done events; and all of those in which one has waited for too long.
   *
   * @param maxEnded so many deliveries may be repeated by a crash
   */
  takeDue(maxEnded: number, now: MonotonicMs): readonly Work[] {
    const due: Work[] = []
    for (const origin of this.#origins.keys()) {
      if (this.#ended <= maxEnded) break
      this.#take(origin, due)
    }
    if (now < this.#checkAt) return due
    this.#checkAt = now + checkMs
    for (const origin of this.#origins.keys()) {
      const [oldest] = origin.waiting ?? []
      if (oldest !== undefined && oldest.queuedAt <= now - maxWaitingMs) this.#take(origin, due)
    }
    return due
  }

  /** What is to be split off of the group's half-done events, however young they are. */
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
