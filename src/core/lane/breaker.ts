/**
 * The circuit breaker of one endpoint (docs/architecture.md, Breaker): a reducer over state, happening and time.
 *
 * - *closed*: calls go out, and the newest outcomes are remembered.
 * - *open*: none goes out before `until`.
 * - *half-open*: one call is out, the probe.
 *
 * Legal moves, all others leave the state as it is:
 *
 * | from      | happening       | to                                                                        |
 * |-----------|-----------------|---------------------------------------------------------------------------|
 * | closed    | `failure`       | open, if it ends a run of failures or makes a failing share of the window |
 * | open      | `probe-started` | half-open, once `until` has passed                                        |
 * | half-open | `success`       | closed                                                                    |
 * | half-open | `failure`       | open, longer than before                                                  |
 * | half-open | `unanswered`    | open, with a probe due at once                                            |
 *
 * Calls that started before the breaker opened may end while it is open: that says nothing new, and moves nothing.
 */
import type { MonotonicMs } from '../model/model.ts'

export type BreakerState =
  | {
      readonly kind: 'closed'
      /** Newest outcomes, newest in the lowest bit; 1 is a failure. */
      readonly failures: number
      /** How many outcomes are remembered, at most {@link windowSize}. */
      readonly samples: number
      readonly lastFailureAt: MonotonicMs
      /** How long it stays open next time, as an index of {@link openMs}, if it opens before `recoveredAt`. */
      readonly level: number
      readonly recoveredAt: MonotonicMs
    }
  | OpenBreaker
  | { readonly kind: 'half-open'; readonly level: number }

export interface OpenBreaker {
  readonly kind: 'open'
  /** How long it is open, as an index of {@link openMs}. */
  readonly level: number
  readonly until: MonotonicMs
}

export type BreakerHappening =
  | 'success'
  | 'failure'
  | 'probe-started'
  /** A call was given up before its endpoint had a chance. */
  | 'unanswered'

/** So many failures in a row open it. */
const failuresInARow = 5
/** Outcomes that are remembered. The failing share is judged when there are as many. */
const windowSize = 20
/** So many failures among the remembered outcomes open it. */
const failuresInWindow = 15
/** Failures older than this say nothing any more, in milliseconds. */
export const failureMemoryMs = 5 * 60_000
/** How long it stays open: each time longer, until it has stayed closed for as long as it had been open. */
const openMs = [30_000, 5 * 60_000, 30 * 60_000] as const
export const longestOpenMs = openMs[2]

const rowMask = 2 ** failuresInARow - 1
const windowMask = 2 ** windowSize - 1

/** Of an endpoint of which nothing is known. */
export const freshBreaker: Extract<BreakerState, { kind: 'closed' }> = {
  kind: 'closed',
  failures: 0,
  samples: 0,
  lastFailureAt: 0,
  level: 0,
  recoveredAt: 0,
}

/** Returns the same object when nothing changed: a success of a healthy endpoint costs no memory. */
export function advanceBreaker(
  state: BreakerState,
  happening: BreakerHappening,
  now: MonotonicMs,
): BreakerState {
  switch (state.kind) {
    case 'closed':
      return happening === 'success' || happening === 'failure'
        ? remember(state, happening, now)
        : state
    case 'open':
      return happening === 'probe-started' && now >= state.until
        ? { kind: 'half-open', level: state.level }
        : state
    case 'half-open':
      return endProbe(state, happening, now)
  }
}

/** Open by what another instance says, until it would probe. */
export function openUntil(until: MonotonicMs, level: number): OpenBreaker {
  return { kind: 'open', level, until }
}

/** Another instance's breaker is open for longer than this one's: the next time is no shorter. */
export function lastingAtLeast(state: OpenBreaker, level: number): OpenBreaker {
  return state.level >= level ? state : { ...state, level }
}

/** Another instance found that the endpoint has recovered: a probe is due then. */
export function probedAt(state: OpenBreaker, at: MonotonicMs): OpenBreaker {
  return { ...state, until: at }
}

/** The level of a breaker that is open for so long, or a little longer. */
export function levelFor(forMs: number): number {
  const level = openMs.findIndex((ms) => ms >= forMs)
  return level === -1 ? openMs.length - 1 : level
}

function remember(
  state: Extract<BreakerState, { kind: 'closed' }>,
  happening: 'success' | 'failure',
  now: MonotonicMs,
): BreakerState {
  const isFailure = happening === 'failure'
  if (!isFailure && state.failures === 0 && state.samples === windowSize) return state
  const isStale = now - state.lastFailureAt > failureMemoryMs
  const before = isStale ? 0 : state.failures
  const failures = ((before << 1) | Number(isFailure)) & windowMask
  const samples = Math.min(windowSize, state.samples + 1)
  if (isFailure && isFailing(failures, samples)) {
    return opened(now < state.recoveredAt ? state.level : 0, now)
  }
  const lastFailureAt = isFailure ? now : state.lastFailureAt
  return { ...state, failures, samples, lastFailureAt }
}

function isFailing(failures: number, samples: number): boolean {
  if ((failures & rowMask) === rowMask) return true
  return samples === windowSize && bitsIn(failures) >= failuresInWindow
}

function endProbe(
  { level }: Extract<BreakerState, { kind: 'half-open' }>,
  happening: BreakerHappening,
  now: MonotonicMs,
): BreakerState {
  switch (happening) {
    case 'success':
      return {
        ...freshBreaker,
        samples: 1,
        level: longer(level),
        recoveredAt: now + openFor(level),
      }
    case 'failure':
      return opened(longer(level), now)
    case 'unanswered':
      return { kind: 'open', level, until: now }
    case 'probe-started':
      return { kind: 'half-open', level }
  }
}

function opened(level: number, now: MonotonicMs): BreakerState {
  return { kind: 'open', level, until: now + openFor(level) }
}

function longer(level: number): number {
  return Math.min(openMs.length - 1, level + 1)
}

function openFor(level: number): number {
  return openMs[level] ?? openMs[0]
}

function bitsIn(bits: number): number {
  let count = 0
  for (let rest = bits; rest > 0; rest &= rest - 1) count += 1
  return count
}
