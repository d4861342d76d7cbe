/** What travels from intake to the recorder: a run to call for, tied to the record that asked for it. */
import type { EpochMs, HookId, MonotonicMs, RecordSource, Run } from '../core/model.ts'

/**
 * One uninterrupted ownership of a partition. It is *live* until the partition is lost or membership was interrupted,
 * then *ended* for good: its calls are aborted, and what they led to is recorded but never committed.
 */
export interface Epoch {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** Whether the partition carries deliveries of other hooks too, as far as can be told. */
  readonly carriesOthers: (hookId: HookId) => boolean
  isLive: boolean
}

/** An admitted record. Its offset completes when nothing that it caused is left. */
export interface Origin {
  readonly epoch: Epoch
  readonly offset: number
  /** The record's own. */
  readonly timestamp: EpochMs
  readonly bytes: number
  /** Runs and writes it led to. */
  readonly caused: number
  /** Those that are not acknowledged yet. */
  remaining: number
  /** Called once, when `remaining` reaches 0. */
  readonly completed: (origin: Origin) => void
}

export interface Work {
  readonly run: Run
  readonly origin: Origin
  readonly queuedAt: MonotonicMs
}

/** One thing that the record caused is acknowledged. */
export function settle(origin: Origin): void {
  origin.remaining -= 1
  if (origin.remaining === 0) origin.completed(origin)
}

export function sourceOf(origin: Origin): RecordSource {
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
