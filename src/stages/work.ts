/** What travels along the path: a run to call for, tied to the record that asked for it. */
import type { Place } from '../core/collections/linked-queue.ts'
import type { LineName } from '../core/lane/lane.ts'
import type { EpochMs, Hook, HookId, MonotonicMs, Run, TenantId } from '../core/model/model.ts'
import type { RunContext } from '../core/run/recording.ts'

/**
 * One uninterrupted ownership of a partition. It is *live* until the partition is lost or membership was interrupted,
 * then *ended* for good: its calls are aborted, and what they led to is recorded but never committed.
 */
export interface Epoch {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** What its records come to: first tries, or what comes later. */
  readonly line: LineName
  readonly isLive: boolean
  /** The record holds one delivery of the hook less. */
  releaseFor(hookId: HookId, origin: Origin): void
  /** Nothing that the record caused is left: its offset is complete. */
  complete(origin: Origin): void
}

/** An admitted record. Its offset completes when nothing that it caused is left. */
export interface Origin {
  readonly epoch: Epoch
  readonly offset: number
  /** The record's own. */
  readonly timestamp: EpochMs
  readonly bytes: number
  /** `undefined` for a record that could not be read. */
  readonly tenantId: TenantId | undefined
  /** Runs and writes it led to. */
  readonly caused: number
  /** Those that are not acknowledged yet. */
  remaining: number
  /** Of an event that caused several runs: those that are queued and not begun. */
  readonly waiting: Set<Work> | undefined
  /** Whether a former owner of the partition may have begun these runs: records of them may be on their way. */
  readonly isInherited: boolean
}

export interface Work {
  readonly run: Run
  readonly origin: Origin
  readonly queuedAt: MonotonicMs
  /** The hook that the run was joined with; `undefined` when it is not to be called for. */
  readonly hook: Hook | undefined
  /** Where it is queued in its lane; `undefined` before. */
  place: Place<Work> | undefined
  /** Its call was aborted so that the run goes on from the request topic, whoever owns the partition then. */
  isHandedOver: boolean
}

/** Whether some of what the record caused has ended, and its crash repeat would repeat that. */
export function isBegun({ remaining, caused }: Origin): boolean {
  return remaining < caused
}

/** The work as far as records of it are concerned. */
export function contextOf({ run, origin, isHandedOver }: Work): RunContext {
  const { epoch, offset, timestamp } = origin
  const { topic, partition, isLive } = epoch
  const source = { topic, partition, offset }
  return { run, source, writtenAt: timestamp, isOwned: isLive, isHandedOver }
}

/** Runs of tiers and requests, unlike those that come straight from events. */
export function isFromTopicOfOurs(run: Run): boolean {
  return run.hop > 0 || run.trigger !== 'event'
}

/** The line of its lane that the run is queued in. */
export function lineOf(run: Run): LineName {
  return isFromTopicOfOurs(run) ? 'late' : 'first'
}
