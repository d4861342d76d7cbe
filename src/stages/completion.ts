/**
 * Acknowledgements → offsets: each thing that a record caused is settled when it is acknowledged. When all are settled, the
 * record's offset completes. The offset of an admitted record completes in no other place.
 */
import type { HalfDone } from './half-done.ts'
import type { HandledRuns } from './handled-runs.ts'
import type { Load } from './load.ts'
import type { Acknowledged } from './marks.ts'
import type { Origin } from './work.ts'
import type { HookId } from '../core/model/model.ts'

export interface CompletionParts {
  readonly handled: HandledRuns
  readonly load: Load
  readonly halfDone: HalfDone
}

export class Completion {
  readonly #parts: CompletionParts

  constructor(parts: CompletionParts) {
    this.#parts = parts
  }

  /** The records of a run, or of a rejection, are acknowledged. Returns whether an offset has completed. */
  acknowledged({ origin, work, progress }: Acknowledged): boolean {
    // An interrupted run is repeated by the next owner or by this process.
    if (progress === 'interrupted') return false
    if (work !== undefined) this.#parts.handled.add(work, progress === 'ended')
    return origin.epoch.isLive && this.settle(origin, work?.run.hookId)
  }

  /**
   * Settles one thing that the record caused.
   *
   * @param hookId the hook of the delivery; `undefined` for a rejection
   * @returns whether the record's offset has completed
   */
  settle(origin: Origin, hookId: HookId | undefined): boolean {
    const { load, halfDone } = this.#parts
    const { epoch, bytes } = origin
    origin.remaining -= 1
    if (!epoch.isLive) return false
    if (hookId !== undefined) {
      epoch.releaseFor(hookId, origin)
      load.admitted.releaseFor(hookId, 1, bytes)
    }
    const isLast = origin.remaining === 0
    load.remove(epoch.line, origin, { count: 1, bytes: isLast ? bytes : 0 })
    if (isLast) epoch.complete(origin)
    else halfDone.settled(origin)
    return isLast
  }

  /** Completes a record that causes nothing. */
  causedNothing(origin: Origin): void {
    const { epoch, bytes } = origin
    this.#parts.load.remove(epoch.line, origin, { count: 0, bytes })
    epoch.complete(origin)
  }
}
