/** When a delivery that a healthy lane has no room for comes back. */

/** What is known of a lane and of what waits for it. */
export interface TurnFacts {
  /** Deliveries that wait in the lane. */
  readonly queued: number
  /** Deliveries that were put off and have not come back. */
  readonly away: number
  /** Calls that are out. */
  readonly inFlight: number
  /** For how long no call has ended though some are out. Milliseconds. */
  readonly silentMs: number
  /** Calls that ended per millisecond in which any was out; 0 when none did. */
  readonly perMs: number
  /** How long a call takes in the mean, in milliseconds; `undefined` when none has ended. */
  readonly meanMs: number | undefined
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
/** A lane whose calls have not ended for so long is judged by that. */
export const silenceMs = 1_000
const unknownMs = 5_000
const mostUnknownMs = 5 * 60_000

/**
 * How long to put a delivery off, in milliseconds: half of the time until its turn, as far as that can be told. Half,
 * since a lane that gets faster would else be idle while its work waits; at least a second.
 *
 * @param deferrals how often the run was put off before: what nothing is known of is asked for less and less often
 */
export function turn(facts: TurnFacts, deferrals: number): number {
  const perMs = reachablePerMs(facts)
  if (perMs === undefined) return Math.min(mostUnknownMs, unknownMs * 2 ** Math.min(deferrals, 10))
  const waitMs = (facts.queued + facts.away) / perMs
  return Math.min(mostMs, Math.max(leastMs, waitMs / 2))
}

/** The rate that a lane can reach, in calls per millisecond; `undefined` when nothing is known. */
function reachablePerMs(facts: TurnFacts): number | undefined {
  const perMs = ownPerMs(facts)
  if (facts.ratePerSecond === undefined) return perMs
  return Math.min(perMs ?? Number.POSITIVE_INFINITY, facts.ratePerSecond / 1_000)
}

function ownPerMs(facts: TurnFacts): number | undefined {
  const { inFlight, silentMs, perMs, meanMs, concurrency, limit, hasFailed } = facts
  if (inFlight > 0 && silentMs >= silenceMs) return inFlight / silentMs
  if (meanMs === undefined) return undefined
  const callMs = Math.max(meanMs, 0.1)
  return hasFailed ? concurrency / callMs : Math.max(perMs, limit / callMs)
}
