/** When deferred deliveries return: those for which a lane has no room, and those of an open or paused lane. */
import { maxDeferrablePerSecond } from './endpoint-bound.ts'

/** Measurements of a lane and of the deliveries that wait for it. */
export interface BacklogFacts {
  /** Deliveries queued in the lane. */
  readonly queued: number
  /** Deliveries that were deferred and have not returned. */
  readonly deferred: number
  /** How long no call has ended while some are in flight; 0 while none is. Milliseconds. */
  readonly silentMs: number
  /** Calls that ended per millisecond with any call in flight; 0 when none ended. */
  readonly perMs: number
  /** The usual length of a call, in milliseconds; `undefined` when it is not known. */
  readonly usualMs: number | undefined
  /** The usual length of a successful call, however long ago it was made. */
  readonly successMs: number | undefined
  /** How many calls at once the lane makes now, and how many its hook allows (`limit`). */
  readonly concurrency: number
  readonly limit: number
  /** Whether a call failed lately. Then the lane may not reach its limit. */
  readonly hasFailed: boolean
  readonly ratePerSecond: number | undefined
}

const minMs = 1_000
/** Equal to the longest period between two probes: no backlog lasts longer than this after a recovery. */
const maxMs = 30 * 60_000
const unknownMs = 1_000
const maxUnknownMs = 5 * 60_000

/**
 * How long to defer a delivery to a healthy lane, in milliseconds: half of the estimated time until it can be called, at
 * least a second. It is half because a lane that gets faster would otherwise be idle while its work waits.
 *
 * A silent lane is expected to be silent for as long again, and then to go on as before. Most silences are short stops of a
 * healthy endpoint. A rate estimated from a silence would defer deliveries for minutes that can be called within seconds.
 *
 * A delivery that is deferred for the first time comes after all deferred ones. One that was deferred before gets a random
 * place among them. If many that returned together waited equally long again, the lane would have no work until all of them
 * returned.
 *
 * @param deferrals how often the run was deferred before. While nothing is known about the lane, each wait doubles
 * @param random uniform in [0, 1)
 */
export function deferralWaitMs(facts: BacklogFacts, deferrals: number, random: number): number {
  const perMs = reachablePerMs(facts)
  if (perMs === undefined) return Math.min(maxUnknownMs, unknownMs * 2 ** Math.min(deferrals, 10))
  const ahead = deferrals === 0 ? facts.deferred : facts.deferred * random
  const waitMs = facts.silentMs + (facts.queued + ahead) / perMs
  return Math.min(maxMs, Math.max(minMs, waitMs / 2))
}

/** Measurements of the slots that a hook shares with others of its tenant whose calls take long ({@link ./slots.ts}). */
export interface SharedSlots {
  /** Deliveries of the tenant that were deferred and have not returned. */
  readonly deferred: number
  /** How long none of these calls has ended while some are in flight. Milliseconds. */
  readonly silentMs: number
  /** These calls that ended per millisecond with any of them in flight; 0 when none ended. */
  readonly perMs: number
}

/**
 * How long to defer a delivery of a lane whose rate is not known, and whose tenant's slots are held by long calls. In
 * milliseconds, estimated like the wait for a lane, at most five minutes. With shorter waits, thousands of hooks that hang
 * would have each of their deliveries read and written every few seconds.
 */
export function sharedWaitMs(shared: SharedSlots, deferrals: number, random: number): number {
  const { silentMs, perMs, deferred } = shared
  const ahead = deferrals === 0 ? deferred : deferred * random
  // Where none has ended, the silence is all that is known.
  const waitMs = perMs === 0 ? 2 * silentMs : silentMs + ahead / perMs
  return Math.min(maxUnknownMs, waitMs / 2)
}

/** Over a shorter time, a few deliveries would return at almost the same moment as the probe. */
const minSpreadMs = 5_000
/**
 * Deliveries of blocked lanes that may return per millisecond, over all hooks. Each may have to be written again. Twice as
 * many may return where a few hooks have most of them.
 */
const maxReturnPerMs = 1

/** What was deferred and has not returned, over all hooks. */
export interface DeferredOfAll {
  readonly deliveries: number
  /** How many hooks have such deliveries. */
  readonly hooks: number
}

/** How the deliveries of a blocked lane return, counted from its next probe. */
export interface Return {
  /** All of them return over this time. Milliseconds, from 5 s to half an hour. */
  readonly spreadMs: number
  /** When one of them returns that is deferred now for the first time. Milliseconds; this may be beyond the time for all. */
  readonly placeMs: number
}

/**
 * They return over half of the estimated time that the recovered endpoint needs for them. It is half because the endpoint may
 * have become faster. Deliveries beyond the lane's share are then deferred as for any healthy lane.
 *
 * A delivery that is deferred for the first time returns after those that were deferred before it. A tier releases its records
 * in the order in which they were written. So it releases these in the order in which they are due, and none is late because
 * others were released before it that are due later.
 *
 * @param random uniform in [0, 1). The first few return over a short time, instead of all at once
 */
export function returnOf(facts: BacklogFacts, all: DeferredOfAll, random: number): Return {
  const { queued, deferred, limit, successMs } = facts
  const perMs = limited(successMs === undefined ? undefined : limit / callMs(successMs), facts)
  const halfMs = perMs === undefined ? 0 : (queued + deferred) / perMs / 2
  // Hooks return side by side: the few deliveries of one do not come after thousands of another.
  const before = Math.min(all.deliveries, deferred * Math.max(1, all.hooks))
  const behindMs = Math.max(halfMs, before / maxReturnPerMs)
  return {
    spreadMs: Math.min(maxMs, Math.max(minSpreadMs, behindMs)),
    placeMs: Math.max(behindMs, random * minSpreadMs),
  }
}

/** Whether it can be said from the lane's own calls, or its owner's limit, how long its backlog takes. */
export function isRateKnown(facts: BacklogFacts): boolean {
  return reachablePerMs(facts) !== undefined
}

/** The rate that a lane can reach, in calls per millisecond; `undefined` when it is not known. */
function reachablePerMs(facts: BacklogFacts): number | undefined {
  return limited(ownPerMs(facts), facts)
}

function limited(
  perMs: number | undefined,
  { ratePerSecond }: Pick<BacklogFacts, 'ratePerSecond'>,
): number | undefined {
  if (ratePerSecond === undefined) return perMs
  return Math.min(perMs ?? Number.POSITIVE_INFINITY, ratePerSecond / 1_000)
}

function ownPerMs(facts: BacklogFacts): number | undefined {
  const { perMs, usualMs, successMs, concurrency, limit, hasFailed } = facts
  // Just after the breaker has closed, `usualMs` still comes from failed calls.
  const expectedMs = hasFailed ? usualMs : (successMs ?? usualMs)
  if (expectedMs === undefined) return undefined
  const possiblePerMs = (hasFailed ? concurrency : limit) / callMs(expectedMs)
  // A lane that became silent may have been faster than any lane that defers. Deliveries never return at such a rate.
  const expectedPerMs = Math.min(possiblePerMs, maxDeferrablePerSecond / 1_000)
  return hasFailed ? expectedPerMs : Math.max(perMs, expectedPerMs)
}

function callMs(meanMs: number): number {
  return Math.max(meanMs, 0.1)
}
