/**
 * When a run is due again, and on which tier it waits until then (docs/architecture.md, Tiers).
 *
 * A tier's delay is a property of its topic, so every tier partition is first-in-first-out, and no waiting run can delay
 * another. Every wait consists of hops over tiers.
 */
import { parseDuration } from '../model/durations.ts'
import type { EpochMs, Tier } from '../model/model.ts'

/** If no more than this share of a wait is left, no further hop is made. */
const earlyShare = 1 / 20
/** The most jitter that is added to a scheduled wait, as a share of the wait. */
const jitterShare = 0.2

/**
 * The longest time that a released run may wait at the head of its partition, where it delays the runs behind it. For such a
 * short time a hop is not worth it: it takes longer and costs two writes. The broker's clock, which sets the release times,
 * may also be behind ours by this much.
 */
const slackMs = 250

export interface Due {
  readonly dueAt: EpochMs
  /** How much earlier than `dueAt` the attempt may start. */
  readonly earlyMs: number
}

export interface ScheduleRules {
  /** The wait after each attempt, in milliseconds. The last one also counts for all further attempts. */
  readonly schedule: readonly number[]
  /** The shortest time that a hop takes. */
  readonly smallestTierMs: number
}

/**
 * When the attempt after `attemptsMade` attempts is due: by the schedule, with up to 20 % of jitter, and not before
 * `retryAfterMs`.
 *
 * The attempt may start up to `earlyMs` early. That is at most a part of the jitter, so it never starts before the step of
 * the schedule or `retryAfterMs`. It is also at most the delay of the smallest tier, or a twentieth of the wait if that is
 * more.
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
 * The tier for a wait: the largest whose delay fits into the wait, else the smallest. `tiers` ascend by delay and are not
 * empty. A wait may be slightly too short for a tier, because some time has passed since it was computed, or because its
 * last tier released the run slightly late. Then the tier is used anyway: it takes fewer hops than smaller tiers.
 */
export function tierFor(tiers: readonly Tier[], waitMs: number): Tier {
  let chosen = tiers[0]
  if (chosen === undefined) throw new RangeError('at least one retry tier must be configured')
  for (const tier of tiers) if (tier.delayMs <= waitMs + slackMs) chosen = tier
  return chosen
}

/** What happens to a run that its tier has released: its attempt starts, it waits in place, or it hops to another tier. */
export type Release =
  | { readonly kind: 'start' }
  | { readonly kind: 'wait'; readonly until: EpochMs }
  | { readonly kind: 'hop' }

/** @param releasedAt when its tier's delay was over, which is not after `now` */
export function releaseOf(due: Due, releasedAt: EpochMs, now: EpochMs): Release {
  const startsAt = due.dueAt - due.earlyMs
  if (now >= startsAt) return { kind: 'start' }
  // Counted from the release, not from now. Otherwise each of many runs in a row could delay those behind it by this time.
  return startsAt - releasedAt > slackMs ? { kind: 'hop' } : { kind: 'wait', until: startsAt }
}

/** The tier of a topic; `undefined` when the topic's name is not `<prefix><duration>`. */
export function tierOf(topic: string, retryPrefix: string): Tier | undefined {
  if (!topic.startsWith(retryPrefix)) return undefined
  const delayMs = parseDuration(topic.slice(retryPrefix.length))
  return delayMs === undefined || delayMs === 0 ? undefined : { topic, delayMs }
}

/**
 * The tier of a topic that the processor reads as one.
 *
 * @throws {RangeError} when its name is not one of a tier. Records of such a topic have no delay, so they cannot be handled.
 */
export function tierRead(topic: string, retryPrefix: string): Tier {
  const tier = tierOf(topic, retryPrefix)
  if (tier !== undefined) return tier
  throw new RangeError(
    `topic ${topic} is read as a retry topic, but is not named ${retryPrefix}<delay>`,
  )
}

/** The tiers by ascending delay. */
export function sortedTiers(tiers: readonly Tier[]): readonly Tier[] {
  return tiers.toSorted((a, b) => a.delayMs - b.delayMs)
}
