/**
 * Leaving partitions to their next owner so that it repeats nothing that ended: no call starts, those that are out may end,
 * and what has begun goes on from records of its own.
 */
import type { LineName } from '../core/lane/lane.ts'
import type { CallGate } from './call-gate.ts'
import type { Calls } from './calls.ts'
import type { HalfDone } from './half-done.ts'
import type { IdleWaiters } from './idle-waiters.ts'
import type { Placement } from './placement.ts'
import type { Recorder } from './recorder.ts'
import { isBegun, type Work } from './work.ts'

export interface HandOverParts {
  readonly gate: CallGate
  readonly calls: Calls
  readonly placement: Placement
  readonly halfDone: HalfDone
  readonly recorder: Recorder
  readonly waiters: IdleWaiters
  /** How long each step but the first may take, in milliseconds. */
  readonly budgetMs: number
}

export class HandOver {
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /**
   * @param group whose partitions are left
   * @param lines all that the group's records come to
   * @param callsMs how long its calls that are out may take to end
   */
  async drain(group: string, lines: readonly LineName[], callsMs: number): Promise<void> {
    const { gate, calls, recorder, waiters, budgetMs } = this.#parts
    const isWritten = () => recorder.isIdle
    gate.hold(group, lines)
    await waiters.wait(() => calls.inFlightOf(group) === 0, callsMs)
    // Whether a delivery has ended is known when its record is acknowledged, and an event begun only then.
    await waiters.wait(isWritten, budgetMs)
    this.#moveOn(group)
    await waiters.wait(() => !calls.some(({ isHandedOver }) => isHandedOver), budgetMs)
    await waiters.wait(isWritten, budgetMs)
  }

  /** Ends everything of epochs that have ended: queued work is forgotten, calls are aborted and recorded as interrupted. */
  dropEnded(): void {
    const { calls, placement } = this.#parts
    const isEnded = ({ origin }: Work) => !origin.epoch.isLive
    placement.drop(isEnded)
    calls.abort(isEnded)
  }

  /** What is queued of half-done events is split off, and what is out of begun ones is aborted and moved on. */
  #moveOn(group: string): void {
    const { calls, placement, halfDone } = this.#parts
    calls.abort((work) => {
      const { epoch, caused } = work.origin
      if (epoch.group !== group || !epoch.isLive) return false
      if (caused === 1 || !isBegun(work.origin)) return false
      work.isHandedOver = true
      return true
    })
    for (const work of halfDone.takeAll(group)) placement.split(work)
  }
}
