/** Which runs the process has handled lately, and how far: a record that is not beyond that is a repeat. */
import type { Run } from '../core/model/model.ts'
import { RecentlyHandled } from '../core/run/recently-handled.ts'
import { isFromTopicOfOurs, type Work } from './work.ts'

export interface HandledRunsLimits {
  /** Runs of tier and request records. */
  readonly ours: number
  /** Runs that came straight from events, of which there may be other records. */
  readonly ofEvents: number
}

export class HandledRuns {
  readonly #ours: RecentlyHandled
  readonly #ofEvents: RecentlyHandled

  constructor({ ours, ofEvents }: HandledRunsLimits) {
    this.#ours = new RecentlyHandled(ours)
    this.#ofEvents = new RecentlyHandled(ofEvents)
  }

  /** Whether the run has come as far as this already, by another record. */
  has(run: Run): boolean {
    return this.#ours.has(run) || this.#ofEvents.has(run)
  }

  /**
   * What became of the work is acknowledged. An event's own run is kept apart by its offset, unless there may be other
   * records of it: its event is not done, and read again by this process when its membership was interrupted; or another
   * owner of the partition, or a former one, makes records of it too.
   *
   * @param isFinal whether it was the run's end
   */
  add({ run, origin }: Work, isFinal: boolean): void {
    const { epoch, remaining, isInherited } = origin
    if (isFromTopicOfOurs(run)) this.#ours.add(run, isFinal)
    else if (remaining > 1 || isInherited || !epoch.isLive) this.#ofEvents.add(run, isFinal)
  }
}
