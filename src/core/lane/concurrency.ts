/**
 * How many calls of a lane may be in flight at once: a reducer over outcomes and time.
 *
 * - *slow-start*: no recent failure is known. Each success adds one, so the number doubles with each round of calls.
 * - *congestion-avoidance*: a call failed, or the endpoint has just recovered. Each round adds one. A round is as many
 *   successes as calls may be in flight.
 *
 * A failure halves the number in both states, and leads to congestion avoidance. An endpoint that is overloaded shows it by
 * failing. An endpoint that has recovered would fail again if the number doubled at once. These are slow start and
 * congestion avoidance of TCP (RFC 5681, sections 3.1 and 3.2), and the AIMD limit of Netflix's concurrency-limits. Calls
 * take the place of segments.
 *
 * When the endpoint is overloaded, all calls of a round fail together. They count as one failure: each call carries the
 * number of cuts at its start, and a call that started before the last cut changes nothing.
 */
import { failureMemoryMs } from './breaker.ts'
import type { MonotonicMs } from '../model/model.ts'

export type Concurrency =
  | { readonly kind: 'slow-start'; readonly current: number; readonly cuts: number }
  | {
      readonly kind: 'congestion-avoidance'
      /** Calls at once. */
      readonly current: number
      /** How often the concurrency was cut so far. */
      readonly cuts: number
      /** Successes of the current round. */
      readonly successes: number
      readonly cutAt: MonotonicMs
    }

/** How a call ended. */
export interface CallEnd {
  /** How many calls at once the hook's owner allows. */
  readonly limit: number
  /** {@link Concurrency.cuts} when the call started. */
  readonly cuts: number
  readonly now: MonotonicMs
}

/** The concurrency of an endpoint about which nothing is known. */
export function freshConcurrency(initial: number): Concurrency {
  return { kind: 'slow-start', current: initial, cuts: 0 }
}

/** Starts again from `current` after a time without calls, or when one begins: an open breaker, a recovery, a pause. */
export function cutTo({ cuts }: Concurrency, current: number, now: MonotonicMs): Concurrency {
  return { kind: 'congestion-avoidance', current, cuts: cuts + 1, successes: 0, cutAt: now }
}

/** Returns the same object when nothing changed, so a success at the limit allocates no memory. */
export function withSuccess(state: Concurrency, { limit, cuts, now }: CallEnd): Concurrency {
  if (cuts !== state.cuts) return state
  if (state.kind === 'slow-start' || now - state.cutAt > failureMemoryMs) {
    return state.current < limit ? slowStart(state.current + 1, cuts) : settled(state)
  }
  if (state.current >= limit) return settled(state)
  const successes = state.successes + 1
  if (successes < state.current) return { ...state, successes }
  const current = state.current + 1
  // The limit is reached, so careful growth is no longer needed.
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
