/**
 * Acknowledgements → offsets: what a record caused is settled, and its offset completes when nothing of it is left. The one
 * place where offsets complete.
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

  /** Records of a run, or of a rejection, are acknowledged. Returns whether an offset is complete. */
  acknowledged({ origin, work, progress }: Acknowledged): boolean {
    // An interrupted run is repeated, by the next owner or by this process.
    if (progress === 'interrupted') return false
    if (work !== undefined) this.#parts.handled.add(work, progress === 'ended')
    return origin.epoch.isLive && this.settle(origin, work?.run.hookId)
  }

  /**
   * One thing that the record caused is done.
   *
   * @param hookId whose delivery it was; `undefined` for a rejection
   * @returns whether its offset is complete
   */
  settle(origin: Origin, hookId: HookId | undefined): boolean {
    const { load, halfDone } = this.#parts
    const { epoch, tenantId, bytes } = origin
    origin.remaining -= 1
    if (!epoch.isLive) return false
    if (hookId !== undefined) {
      epoch.releaseFor(hookId, origin)
      load.admitted.releaseFor(hookId, 1, bytes)
    }
    const isLast = origin.remaining === 0
    load.remove(epoch.line, tenantId, { count: 1, bytes: isLast ? bytes : 0 })
    if (isLast) epoch.complete(origin)
    else halfDone.settled(origin)
    return isLast
  }

  /** The record causes nothing. */
  causedNothing(origin: Origin): void {
    const { epoch, tenantId, bytes } = origin
    this.#parts.load.remove(epoch.line, tenantId, { count: 0, bytes })
    epoch.complete(origin)
  }
}
