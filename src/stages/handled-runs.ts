/** Which runs the process has handled lately, and how far. A record that is not further is a repeat. */
import type { Run } from '../core/model/model.ts'
import { keyOf, RecentlyHandled } from '../core/run/recently-handled.ts'
import { isFromOwnTopic, type Work } from './work.ts'

export interface HandledRunsLimits {
  /** Runs of tier and request records. */
  readonly own: number
  /** Runs that came directly from events, and of which there may be other records. */
  readonly ofEvents: number
}

export class HandledRuns {
  readonly #own: RecentlyHandled
  readonly #ofEvents: RecentlyHandled

  constructor({ own, ofEvents }: HandledRunsLimits) {
    this.#own = new RecentlyHandled(own)
    this.#ofEvents = new RecentlyHandled(ofEvents)
  }

  /** Whether the run was handled up to this point already, from another record. */
  has(run: Run): boolean {
    const key = keyOf(run)
    return this.#own.has(run, key) || this.#ofEvents.has(run, key)
  }

  /**
   * The records of the work are acknowledged. A run that came directly from an event needs no entry here, because its offset
   * completes. It gets one in these cases, in which there may be other records of it:
   *
   * - The event is not complete yet, so this process reads it again if its membership is interrupted.
   * - A former owner of the partition, or the next one, may also write records of the run.
   *
   * @param hasEnded whether the run has ended
   */
  add({ run, origin }: Work, hasEnded: boolean): void {
    const { epoch, remaining, isInherited } = origin
    if (isFromOwnTopic(run)) this.#own.add(run, hasEnded)
    else if (remaining > 1 || isInherited || !epoch.isLive) this.#ofEvents.add(run, hasEnded)
  }
}
