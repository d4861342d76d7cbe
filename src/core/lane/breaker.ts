/**
 * The circuit breaker of one endpoint (docs/architecture.md, Breaker): a reducer over state, input and time.
 *
 * - *closed*: calls are made, and the newest outcomes are remembered.
 * - *open*: no call is made before `until`.
 * - *half-open*: one call is in flight, the probe.
 *
 * These are the transitions. Every other input leaves the state unchanged.
 *
 * | from      | input           | to                                                                        |
 * |-----------|-----------------|---------------------------------------------------------------------------|
 * | closed    | `failure`       | open, if it ends a run of failures or makes a failing share of the window |
 * | open      | `probe-started` | half-open, once `until` has passed                                        |
 * | half-open | `success`       | closed                                                                    |
 * | half-open | `failure`       | open, longer than before                                                  |
 * | half-open | `unanswered`    | open, with a probe due at once                                            |
 *
 * Calls that started before the breaker opened may end while it is open. Their outcomes do not change the state.
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

export type BreakerInput =
  | 'success'
  | 'failure'
  | 'probe-started'
  /** The call ended without a sign from the endpoint. */
  | 'unanswered'

/** This many failures in a row open the breaker. */
const failuresInARow = 5
/** How many outcomes are remembered. The share of failures counts once there are this many. */
const windowSize = 20
/** This many failures among the remembered outcomes open the breaker. */
const failuresInWindow = 15
/** Failures older than this are ignored, in milliseconds. */
export const failureMemoryMs = 5 * 60_000
/** How long the breaker stays open. Each time is longer, until it has stayed closed for as long as it had been open. */
const openMs = [30_000, 5 * 60_000, 30 * 60_000] as const
export const maxOpenMs = openMs[2]

const rowMask = 2 ** failuresInARow - 1
const windowMask = 2 ** windowSize - 1

/** The breaker of an endpoint about which nothing is known. */
export const freshBreaker: Extract<BreakerState, { kind: 'closed' }> = {
  kind: 'closed',
  failures: 0,
  samples: 0,
  lastFailureAt: 0,
  level: 0,
  recoveredAt: 0,
}

/** Returns the same object when nothing changed, so a success of a healthy endpoint allocates no memory. */
export function advanceBreaker(
  state: BreakerState,
  input: BreakerInput,
  now: MonotonicMs,
): BreakerState {
  switch (state.kind) {
    case 'closed':
      return input === 'success' || input === 'failure' ? remember(state, input, now) : state
    case 'open':
      return input === 'probe-started' && now >= state.until
        ? { kind: 'half-open', level: state.level }
        : state
    case 'half-open':
      return endProbe(state, input, now)
  }
}

/** A breaker that another instance reported as open, until that instance is due to probe. */
export function openUntil(until: MonotonicMs, level: number): OpenBreaker {
  return { kind: 'open', level, until }
}

/** Raises the level to that of another instance's breaker, so that the next open period is not shorter than there. */
export function lastingAtLeast(state: OpenBreaker, level: number): OpenBreaker {
  return state.level >= level ? state : { ...state, level }
}

/** Makes the probe due at `at`, because another instance found that the endpoint has recovered. */
export function probedAt(state: OpenBreaker, at: MonotonicMs): OpenBreaker {
  return { ...state, until: at }
}

/** The lowest level whose open period is at least `forMs`, or the highest level. */
export function levelFor(forMs: number): number {
  const level = openMs.findIndex((ms) => ms >= forMs)
  return level === -1 ? openMs.length - 1 : level
}

function remember(
  state: Extract<BreakerState, { kind: 'closed' }>,
  input: 'success' | 'failure',
  now: MonotonicMs,
): BreakerState {
  const isFailure = input === 'failure'
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
  input: BreakerInput,
  now: MonotonicMs,
): BreakerState {
  switch (input) {
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
