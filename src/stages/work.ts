/** The unit of work in the pipeline: a run that is to be called, with the record that caused it. */
import type { Place } from '../core/collections/linked-queue.ts'
import type { LineName } from '../core/lane/lane.ts'
import type { EpochMs, Hook, HookId, MonotonicMs, Run, TenantId } from '../core/model/model.ts'
import { withTrace } from '../core/run/delivery-headers.ts'
import type { RunContext } from '../core/run/recording.ts'
import type { AttemptTrace } from '../ports.ts'

/**
 * One uninterrupted ownership of a partition. It is *live* until the partition is lost or membership is interrupted. Then it
 * has *ended* for good: its calls are aborted, and their results are recorded, but nothing is committed.
 */
export interface Epoch {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** The line that gets its records. */
  readonly line: LineName
  readonly isLive: boolean
  /** Releases what the record holds for one delivery of the hook. */
  releaseFor(hookId: HookId, origin: Origin): void
  /** Completes the record's offset, since everything that the record caused is settled. */
  complete(origin: Origin): void
}

/** An admitted record. Its offset completes when everything that it caused is settled. */
export interface Origin {
  readonly epoch: Epoch
  readonly offset: number
  /** The record's timestamp. */
  readonly timestamp: EpochMs
  readonly bytes: number
  /**
   * The tenant of the deliveries that were queued for it; `undefined` if none was. A record never has several tenants.
   * {@link ../core/lane/share.ts}
   */
  readonly tenantId: TenantId | undefined
  /** Whether a call for it was expected to take long when it was admitted. */
  readonly isLong: boolean
  /** The number of runs and writes that it caused. */
  readonly caused: number
  /** How many of them are not settled yet. */
  remaining: number
  /** For an event that caused several runs: the work that is queued and has not started. */
  readonly waiting: Set<Work> | undefined
  /** Whether a former owner of the partition may have started these runs, so that there may be other records of them. */
  readonly isInherited: boolean
}

export interface Work {
  readonly run: Run
  readonly origin: Origin
  readonly queuedAt: MonotonicMs
  /** The hook that the run was joined with; `undefined` when the run is not called. */
  readonly hook: Hook | undefined
  /** Its place in the lane's queue; `undefined` before it is queued. */
  place: Place<Work> | undefined
  /** Whether its call was aborted to hand the run over: it continues from a record on the requests topic. */
  isHandedOver: boolean
  /** The spans of its call; `undefined` before, and where nothing is traced. */
  trace: AttemptTrace | undefined
}

/** Whether something that the record caused has ended. A crash would repeat it. */
export function hasEndedPart({ remaining, caused }: Origin): boolean {
  return remaining < caused
}

/** The facts that the records of the work need. */
export function contextOf({ run: own, origin, isHandedOver, trace }: Work): RunContext {
  const run = trace === undefined ? own : withTrace(own, trace.onward)
  const { epoch, offset, timestamp } = origin
  const { topic, partition, isLive } = epoch
  const source = { topic, partition, offset }
  return { run, source, writtenAt: timestamp, isOwned: isLive, isHandedOver }
}

/** Whether the run comes from a tier or a request, and not directly from an event. */
export function isFromOwnTopic(run: Run): boolean {
  return run.hop > 0 || run.trigger !== 'event'
}

/** The line of the lane in which the run is queued. */
export function lineOf(run: Run): LineName {
  return isFromOwnTopic(run) ? 'late' : 'first'
}
