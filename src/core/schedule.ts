/**
 * When a run is due again, and on which tier it waits until then (design section 6).
 *
 * A tier's delay is a property of its topic, so every tier partition is first-in-first-out and no waiting run can hold
 * up another. Any wait is made of hops over tiers.
 */
import { parseDuration } from './durations.ts'
import type { EpochMs, Tier } from './model.ts'

/** Share of a wait by which an attempt may start early instead of hopping once more. */
const earlyShare = 1 / 20
/** Upper end of the jitter that is added to every scheduled wait. */
const jitterShare = 0.2
/** A `Retry-After` beyond this is not believed. */
export const maxRetryAfterMs = 24 * 3_600_000

export interface Due {
  readonly dueAt: EpochMs
  /** How much earlier than `dueAt` the attempt may start. */
  readonly earlyMs: number
}

/**
 * When the attempt after `attemptsMade` is due: by the schedule with +0…20 % jitter, and not before `retryAfterMs`.
 *
 * @param random uniform in [0, 1)
 */
export function nextDue(
  schedule: readonly number[],
  attemptsMade: number,
  moment: { readonly now: EpochMs; readonly random: number; readonly retryAfterMs: number },
): Due {
  const step = schedule[Math.min(attemptsMade, schedule.length) - 1] ?? 0
  const waitMs = Math.round(step * (1 + jitterShare * moment.random))
  const notBefore = moment.now + Math.min(moment.retryAfterMs, maxRetryAfterMs)
  const dueAt = Math.max(moment.now + waitMs, notBefore)
  const earlyMs = Math.max(0, Math.min(Math.floor(waitMs * earlyShare), dueAt - notBefore))
  return { dueAt, earlyMs }
}

/** The tier for a wait: the largest whose delay fits into it, else the smallest. `tiers` ascend by delay and are not empty. */
export function tierFor(tiers: readonly Tier[], waitMs: number): Tier {
  let chosen = tiers[0]
  if (chosen === undefined) throw new RangeError('at least one retry tier must be configured')
  for (const tier of tiers) if (tier.delayMs <= waitMs) chosen = tier
  return chosen
}

/** Whether a run released by its tier at `now` has to wait on another one before its attempt. */
export function mustHop(due: Due, now: EpochMs): boolean {
  return due.dueAt - now > due.earlyMs
}

/** The tier that a topic name stands for, or `undefined` when it is not `<prefix><duration>`. */
export function tierOf(topic: string, retryPrefix: string): Tier | undefined {
  if (!topic.startsWith(retryPrefix)) return undefined
  const delayMs = parseDuration(topic.slice(retryPrefix.length))
  return delayMs === undefined || delayMs === 0 ? undefined : { topic, delayMs }
}

/** Sorted by delay, each delay once. */
export function sortedTiers(tiers: readonly Tier[]): readonly Tier[] {
  return tiers.toSorted((a, b) => a.delayMs - b.delayMs)
}
