/** When a delivery that a healthy lane has no room for comes back. */
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
 * @param deferrals how often the run was put off before: what nothing is known of is asked for less and less often
 */
export function turn(facts: TurnFacts, deferrals: number): number {
  const perMs = reachablePerMs(facts)
  if (perMs === undefined) return Math.min(mostUnknownMs, unknownMs * 2 ** Math.min(deferrals, 10))
  const waitMs = facts.silentMs + (facts.queued + facts.away) / perMs
  return Math.min(mostMs, Math.max(leastMs, waitMs / 2))
}

/** The rate that a lane can reach, in calls per millisecond; `undefined` when nothing is known. */
function reachablePerMs(facts: TurnFacts): number | undefined {
  const perMs = ownPerMs(facts)
  if (facts.ratePerSecond === undefined) return perMs
  return Math.min(perMs ?? Number.POSITIVE_INFINITY, facts.ratePerSecond / 1_000)
}

function ownPerMs({
  perMs,
  usualMs,
  concurrency,
  limit,
  hasFailed,
}: TurnFacts): number | undefined {
  if (usualMs === undefined) return undefined
  const possiblePerMs = (hasFailed ? concurrency : limit) / Math.max(usualMs, 0.1)
  // A lane that fell silent may have been faster before than any that puts off: so fast nothing is asked for again.
  const expectedPerMs = Math.min(possiblePerMs, mostPutOffPerSecond / 1_000)
  return hasFailed ? expectedPerMs : Math.max(perMs, expectedPerMs)
}
