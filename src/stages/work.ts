/** What travels from intake to the recorder: a run to call for, tied to the record that asked for it. */
import type { Place } from '../core/collections/linked-queue.ts'
import type {
  EpochMs,
  HookId,
  MonotonicMs,
  RecordPlace,
  Run,
  TenantId,
} from '../core/model/model.ts'

/**
 * One uninterrupted ownership of a partition. It is *live* until the partition is lost or membership was interrupted,
 * then *ended* for good: its calls are aborted, and what they led to is recorded but never committed.
 */
export interface Epoch {
  readonly group: string
  readonly topic: string
  readonly partition: number
  isLive: boolean
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
  /** Called when one thing that it caused is acknowledged, and already taken from `remaining`. */
  readonly settled: (origin: Origin, hookId: HookId | undefined) => void
}

export interface Work {
  readonly run: Run
  readonly origin: Origin
  readonly queuedAt: MonotonicMs
  /** Where it is queued in its lane; `undefined` before. */
  place: Place<Work> | undefined
  /** Its call was aborted so that the run goes on from the request topic, whoever owns the partition then. */
  isMovedOn: boolean
}

/** One thing that the record caused is acknowledged. */
export function settle(origin: Origin, hookId: HookId | undefined): void {
  origin.remaining -= 1
  origin.settled(origin, hookId)
}

/** Whether some of what the record caused has ended, and its crash repeat would repeat that. */
export function isBegun({ remaining, caused }: Origin): boolean {
  return remaining < caused
}

export function sourceOf(origin: Origin): RecordPlace {
  return { topic: origin.epoch.topic, partition: origin.epoch.partition, offset: origin.offset }
}

/**
 * From the event record's timestamp to the start of the run's first attempt; `undefined` when the run did not begin with
 * the record at hand. Producers' clocks may be ahead: never below 0.
 */
export function sinceEvent({ run, origin }: Work, startedAt: EpochMs): number | undefined {
  const isFirst = run.trigger === 'event' && run.attempt === 0 && run.hop === 0
  return isFirst && origin.timestamp >= 0 ? Math.max(0, startedAt - origin.timestamp) : undefined
}

/** Runs of tiers and requests, unlike those that come straight from events. */
export function isFromTopicOfOurs(run: Run): boolean {
  return run.hop > 0 || run.trigger !== 'event'
}
