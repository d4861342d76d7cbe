/**
 * When a run is due again, and on which tier it waits until then (docs/architecture.md, Tiers).
 *
 * A tier's delay is a property of its topic, so every tier partition is first-in-first-out and no waiting run can hold
 * up another. Any wait is made of hops over tiers.
 */
import { parseDuration } from '../model/durations.ts'
import type { EpochMs, Tier } from '../model/model.ts'

/** Share of a wait that is not worth a hop. */
const earlyShare = 1 / 20
/** Upper end of the jitter that is added to every scheduled wait. */
const jitterShare = 0.2

/**
 * What is not worth a hop of its own, and how far the clock of the broker that a release goes by may be behind ours. So long
 * a run waits where it is, and those behind it with it: a hop takes longer, and costs two writes.
 */
const slackMs = 250

export interface Due {
  readonly dueAt: EpochMs
  /** How much earlier than `dueAt` the attempt may start. */
  readonly earlyMs: number
}

export interface ScheduleRules {
  /** The wait after each attempt, in milliseconds; the last one counts for all that follow. */
  readonly schedule: readonly number[]
  /** The least that a hop takes. */
  readonly smallestTierMs: number
}

/**
 * When the attempt after `attemptsMade` is due: by the schedule with +0…20 % jitter, and not before `retryAfterMs`. It may
 * start early by jitter alone, never before the step or `retryAfterMs`: by as much as is not worth a hop, which is what the
 * smallest tier waits, or a twentieth of the wait where that is more.
 *
 * @param moment its `random` is uniform in [0, 1)
 */
export function nextDue(
  { schedule, smallestTierMs }: ScheduleRules,
  attemptsMade: number,
  moment: { readonly now: EpochMs; readonly random: number; readonly retryAfterMs: number },
): Due {
  const stepMs = schedule[Math.min(attemptsMade, schedule.length) - 1] ?? 0
  const waitMs = Math.round(stepMs * (1 + jitterShare * moment.random))
  const dueMs = Math.max(waitMs, moment.retryAfterMs)
  const toleranceMs = Math.max(Math.floor(waitMs * earlyShare), smallestTierMs)
  const earlyMs = Math.min(toleranceMs, dueMs - Math.max(stepMs, moment.retryAfterMs))
  return { dueAt: moment.now + dueMs, earlyMs }
}

/**
 * The tier for a wait: the largest whose delay fits into it, else the smallest. `tiers` ascend by delay and are not empty.
 * A wait that is a little too short for a tier has run down since it was reckoned, or its last tier released a little
 * late: many hops over smaller ones would not make up for that.
 */
export function tierFor(tiers: readonly Tier[], waitMs: number): Tier {
  let chosen = tiers[0]
  if (chosen === undefined) throw new RangeError('at least one retry tier must be configured')
  for (const tier of tiers) if (tier.delayMs <= waitMs + slackMs) chosen = tier
  return chosen
}

/** What a run does that its tier has released: its attempt starts, it waits where it is, or it hops to another tier. */
export type Release =
  | { readonly kind: 'start' }
  | { readonly kind: 'wait'; readonly until: EpochMs }
  | { readonly kind: 'hop' }

/** @param releasedAt when its tier's delay was over, which is not after `now` */
export function releaseOf(due: Due, releasedAt: EpochMs, now: EpochMs): Release {
  const startsAt = due.dueAt - due.earlyMs
  if (now >= startsAt) return { kind: 'start' }
  // From the release on, not from now: or each of many in a row could hold up all behind it for so long.
  return startsAt - releasedAt > slackMs ? { kind: 'hop' } : { kind: 'wait', until: startsAt }
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
