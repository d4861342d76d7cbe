/** When deliveries come back that a lane has no room for, or does not call for now. */
import { mostPutOffPerSecond } from './endpoint-bound.ts'

/** What is known of a lane and of what waits for it. */
export interface TurnFacts {
  /** Deliveries that wait in the lane. */
  readonly queued: number
  /** Deliveries that were put off and have not come back. */
  readonly away: number
  /** For how long no call has ended though some are out; 0 while none is out. Milliseconds. */
  readonly silentMs: number
  /** Calls that ended per millisecond in which any was out; 0 when none did. */
  readonly perMs: number
  /** How long a call usually takes, in milliseconds; `undefined` when that is not known. */
  readonly usualMs: number | undefined
  /** The same of those that succeeded, however long ago. */
  readonly wellMs: number | undefined
  /** Calls at once that the lane makes now, and that its hook allows. */
  readonly concurrency: number
  readonly limit: number
  /** Whether a call failed lately: then the lane may not come to its limit. */
  readonly hasFailed: boolean
  readonly ratePerSecond: number | undefined
}

const leastMs = 1_000
/** The longest period between two probes too: no backlog outlives a recovery by more. */
const mostMs = 30 * 60_000
const unknownMs = 5_000
const mostUnknownMs = 5 * 60_000

/**
 * How long to put a delivery off, in milliseconds: half of the time until its turn, as far as that can be told. Half,
 * since a lane that gets faster would else be idle while its work waits; at least a second.
 *
 * A lane that is silent is expected to stay so for as long again, and then to go on as it did: most silences are pauses of
 * an endpoint that is well, and a rate that is guessed from one would put off for minutes what is due within seconds.
 *
 * What is put off for the first time comes after all that is away. What was away itself takes a place among these by
 * chance: were many that came back together put off for as long, the lane would have nothing until all came again.
 *
 * @param deferrals how often the run was put off before: what nothing is known of is asked for less and less often
 * @param random uniform in [0, 1)
 */
export function turn(facts: TurnFacts, deferrals: number, random: number): number {
  const perMs = reachablePerMs(facts)
  if (perMs === undefined) return Math.min(mostUnknownMs, unknownMs * 2 ** Math.min(deferrals, 10))
  const ahead = deferrals === 0 ? facts.away : facts.away * random
  const waitMs = facts.silentMs + (facts.queued + ahead) / perMs
  return Math.min(mostMs, Math.max(leastMs, waitMs / 2))
}

/** Spread over less, a few would hardly be apart from the probe. */
const leastSpreadMs = 5_000
/** So many a millisecond may come back because of blocked lanes, over all hooks: each may have to be written again. */
const mostBackPerMs = 1

/**
 * Over how long what waits for a blocked lane comes back, in milliseconds: half of the time that its endpoint takes for it
 * once it has recovered, as far as that can be told. Half, since it may have become faster; what is then beyond the lane's
 * share waits for its turn.
 *
 * @param awayOfAll deliveries of all hooks that were put off and have not come back
 */
export function spread(facts: TurnFacts, awayOfAll: number): number {
  const { queued, away, limit, wellMs } = facts
  const perMs = limited(wellMs === undefined ? undefined : limit / callMs(wellMs), facts)
  const halfMs = perMs === undefined ? 0 : (queued + away) / perMs / 2
  return Math.min(mostMs, Math.max(leastSpreadMs, halfMs, awayOfAll / mostBackPerMs))
}

/** The rate that a lane can reach, in calls per millisecond; `undefined` when nothing is known. */
function reachablePerMs(facts: TurnFacts): number | undefined {
  return limited(ownPerMs(facts), facts)
}

function limited(
  perMs: number | undefined,
  { ratePerSecond }: Pick<TurnFacts, 'ratePerSecond'>,
): number | undefined {
  if (ratePerSecond === undefined) return perMs
  return Math.min(perMs ?? Number.POSITIVE_INFINITY, ratePerSecond / 1_000)
}

function ownPerMs(facts: TurnFacts): number | undefined {
  const { perMs, usualMs, wellMs, concurrency, limit, hasFailed } = facts
  // Of a lane that was just closed the usual is that of its failures.
  const expectedMs = hasFailed ? usualMs : (wellMs ?? usualMs)
  if (expectedMs === undefined) return undefined
  const possiblePerMs = (hasFailed ? concurrency : limit) / callMs(expectedMs)
  // A lane that fell silent may have been faster before than any that puts off: so fast nothing is asked for again.
  const expectedPerMs = Math.min(possiblePerMs, mostPutOffPerSecond / 1_000)
  return hasFailed ? expectedPerMs : Math.max(perMs, expectedPerMs)
}

function callMs(meanMs: number): number {
  return Math.max(meanMs, 0.1)
}
