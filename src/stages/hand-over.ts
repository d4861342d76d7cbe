/**
 * Prepares partitions for their next owner, so that it repeats no delivery that has ended: calls that take long may end while
 * everything else goes on; then no call starts, the others may end, and the remaining deliveries of half-done events continue
 * from records of their own.
 */
import { unknownPatienceMs, type LineName } from '../core/lane/lane.ts'
import type { Clock } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { Calls, WhichCalls } from './calls.ts'
import type { HalfDone } from './half-done.ts'
import type { IdleWaiters } from './idle-waiters.ts'
import type { Marks } from './marks.ts'
import type { Placement } from './placement.ts'
import type { Recorder } from './recorder.ts'
import { hasEndedPart } from './work.ts'

export interface HandOverParts {
  readonly gate: CallGate
  readonly calls: Calls
  readonly placement: Placement
  readonly halfDone: HalfDone
  readonly recorder: Recorder
  readonly marks: Marks
  readonly waiters: IdleWaiters
  readonly clock: Clock
  /** How long each wait may take, except the one for calls in flight. Milliseconds. */
  readonly budgetMs: number
}

/**
 * How long giving back may delay a rejoin, in milliseconds. Members that have given back theirs wait for the others, and start
 * no call meanwhile.
 */
const giveBackMs = 1_000

/** Which calls a drain waits for. */
export interface DrainWait {
  readonly for: WhichCalls
  /** How long they may take to end, in milliseconds. */
  readonly callsMs: number
}

export class HandOver {
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /**
   * Waits for the group's calls in flight, and defers fresh deliveries that wait for calls that take long. Meanwhile everything
   * goes on but calls that take long: an endpoint that is slow must not stop the calls of all others.
   *
   * @param lines all lines that get the group's records
   * @param callsMs how long calls may take to end, in milliseconds
   */
  async prepare(group: string, lines: readonly LineName[], callsMs: number): Promise<void> {
    const { gate, calls, placement, marks, waiters, clock } = this.#parts
    const begunBy = clock.monotonic()
    gate.prepare(group, lines)
    placement.giveBack()
    marks.set()
    await Promise.all([
      waiters.wait(() => !calls.mayStillSucceed(group, { begunBy }), callsMs),
      waiters.wait(() => !placement.hasMoreToGiveBack, giveBackMs),
    ])
    await this.awaitUnknown(group, unknownPatienceMs)
  }

  /**
   * Waits for the group's calls in flight of hooks whose call length is not known. No other one starts, and everything else goes
   * on. Otherwise all calls would have to stop for as long as these may take.
   *
   * @param callsMs how long they may take to end, in milliseconds
   */
  async awaitUnknown(group: string, callsMs: number): Promise<void> {
    const { gate, calls, waiters } = this.#parts
    gate.holdUnknown(group)
    await waiters.wait(() => !calls.mayStillSucceed(group, { areUnknown: true }), callsMs)
  }

  /**
   * @param group the group whose partitions are handed over. It admits nothing meanwhile
   * @param lines all lines that get the group's records
   * @param wait how long which of the group's calls in flight may take to end. It waits for none that is not expected to
   *   succeed, since no call starts meanwhile
   */
  async drain(group: string, lines: readonly LineName[], wait: DrainWait): Promise<void> {
    const { gate, calls, recorder, waiters, budgetMs } = this.#parts
    const isWritten = () => recorder.isIdleFor(group)
    gate.hold(group, lines)
    await waiters.wait(() => !calls.mayStillSucceed(group, wait.for), wait.callsMs)
    // A delivery has ended only when its records are acknowledged. Only then is it known which events are half done.
    await waiters.wait(isWritten, budgetMs)
    this.#splitHalfDone(group)
    await waiters.wait(() => !calls.some(({ isHandedOver }) => isHandedOver), budgetMs)
    await waiters.wait(isWritten, budgetMs)
  }

  /**
   * Ends all work of epochs that have ended: queued work is dropped, and calls are aborted soon and recorded as interrupted.
   */
  dropEnded(): void {
    const { calls, placement } = this.#parts
    placement.drop(({ origin }) => !origin.epoch.isLive)
    calls.epochsEnded()
  }

  /**
   * Splits off the queued deliveries of half-done events. Aborts their calls in flight, whose runs then continue from split
   * records.
   */
  #splitHalfDone(group: string): void {
    const { calls, placement, halfDone } = this.#parts
    calls.abort((work) => {
      const { epoch, caused } = work.origin
      if (epoch.group !== group || !epoch.isLive) return false
      if (caused === 1 || !hasEndedPart(work.origin)) return false
      work.isHandedOver = true
      return true
    })
    for (const work of halfDone.takeAll(group)) placement.split(work)
  }
}
