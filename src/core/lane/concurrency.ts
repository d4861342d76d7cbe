/**
 * How many calls of a lane may be out at once: a reducer over outcomes and time.
 *
 * - *slow-start*: nothing bad is known. Each success adds one, so it doubles with each round of calls.
 * - *congestion-avoidance*: something failed, or the endpoint has just recovered. As many successes as calls may be out,
 *   a round, add one.
 *
 * A failure halves it in both, and so leads to the second: an endpoint that cannot take more shows that by failing, and
 * one that has recovered is failed again by whoever doubles until it does. These are slow start and congestion avoidance
 * of TCP (RFC 5681, sections 3.1 and 3.2) and the AIMD limit of Netflix' concurrency-limits, with calls for segments.
 *
 * The calls of a round fail together when the endpoint is overrun, and that is one sign, not many: each call carries how
 * often it was cut when the call started, and what started before the last cut changes nothing.
 */
import { failureMemoryMs } from './breaker.ts'
import type { MonotonicMs } from '../model/model.ts'

export type Concurrency =
  | { readonly kind: 'slow-start'; readonly current: number; readonly cuts: number }
  | {
      readonly kind: 'congestion-avoidance'
      /** Calls at once. */
      readonly current: number
      /** How often it was cut so far. */
      readonly cuts: number
      /** Of the present round. */
      readonly successes: number
      readonly cutAt: MonotonicMs
    }

/** How a call ended. */
export interface CallEnd {
  /** What the hook's owner allows, calls at once. */
  readonly limit: number
  /** {@link Concurrency.cuts} when the call started. */
  readonly cuts: number
  readonly now: MonotonicMs
}

/** Of an endpoint of which nothing is known. */
export function freshConcurrency(initial: number): Concurrency {
  return { kind: 'slow-start', current: initial, cuts: 0 }
}

/** The endpoint was not called for a while: it opened, recovered or asked for time. */
export function cutTo({ cuts }: Concurrency, current: number, now: MonotonicMs): Concurrency {
  return { kind: 'congestion-avoidance', current, cuts: cuts + 1, successes: 0, cutAt: now }
}

/** Returns the same object when nothing changed: a success at the limit costs no memory. */
export function withSuccess(state: Concurrency, { limit, cuts, now }: CallEnd): Concurrency {
  if (cuts !== state.cuts) return state
  if (state.kind === 'slow-start' || now - state.cutAt > failureMemoryMs) {
    return state.current < limit ? slowStart(state.current + 1, cuts) : settled(state)
  }
  if (state.current >= limit) return settled(state)
  const successes = state.successes + 1
  if (successes < state.current) return { ...state, successes }
  const current = state.current + 1
  // The endpoint takes all that it may ever get: there is nothing left to find out with care.
  if (current >= limit) return slowStart(current, cuts)
  return { ...state, current, successes: 0 }
}

export function withFailure(state: Concurrency, { limit, cuts, now }: CallEnd): Concurrency {
  if (cuts !== state.cuts) return state
  return cutTo(state, Math.max(1, Math.floor(Math.min(state.current, limit) / 2)), now)
}

function slowStart(current: number, cuts: number): Concurrency {
  return { kind: 'slow-start', current, cuts }
}

function settled(state: Concurrency): Concurrency {
  return state.kind === 'slow-start' ? state : slowStart(state.current, state.cuts)
}
