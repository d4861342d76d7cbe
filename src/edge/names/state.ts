/**
 * What is known of one host name, and what follows from it: which addresses to use, and whether to ask the name servers.
 * The last good answer is used beyond its time to live while the name servers are away (RFC 8767), but not after one of
 * them has answered that the name has no address.
 */
import type { MonotonicMs } from '../../core/model/model.ts'
import type { NameAddress, NameAnswer, NameFailure } from './answer.ts'

interface Kept {
  readonly addresses: readonly NameAddress[]
  /** From this time on, using the name refreshes it in the background. So calls to a name in use do not wait. */
  readonly refreshAt: MonotonicMs
  readonly freshUntil: MonotonicMs
}

export type NameState =
  | { readonly kind: 'known'; readonly kept: Kept }
  /** A name server answered that there is no such name, or no address of it. */
  | { readonly kind: 'absent'; readonly until: MonotonicMs }
  /** No name server gave a usable answer in the newest lookups. */
  | {
      readonly kind: 'unanswered'
      readonly failure: Exclude<NameFailure, 'no-name'>
      /** How many lookups in a row had no usable answer. */
      readonly failures: number
      /** When to ask again. */
      readonly until: MonotonicMs
      readonly kept: Kept | undefined
    }

export type NameAdvice =
  | {
      readonly kind: 'use'
      readonly addresses: readonly NameAddress[]
      /** Beyond their time to live. */
      readonly isStale: boolean
      /** Ask in the background. */
      readonly isRefreshDue: boolean
    }
  | { readonly kind: 'fail'; readonly failure: NameFailure }
  /** Ask, and wait for the answer. `fallback` is used if it does not come soon. */
  | { readonly kind: 'ask'; readonly fallback: readonly NameAddress[] | undefined }

/** How long an answer may be used beyond its time to live. */
const staleMs = 60 * 60_000
const absentMs = 5_000
const firstBackoffMs = 1_000
const maxBackoffMs = 30_000
/** After this part of its time to live, an answer is refreshed when it is used. */
const refreshPart = 0.75

/** @param state `undefined` for a name of which nothing is known */
export function adviceOn(state: NameState | undefined, now: MonotonicMs): NameAdvice {
  if (state === undefined) return { kind: 'ask', fallback: undefined }
  if (state.kind === 'absent') {
    if (now < state.until) return { kind: 'fail', failure: 'no-name' }
    return { kind: 'ask', fallback: undefined }
  }
  const { kept } = state
  const isUsable = kept !== undefined && now < kept.freshUntil + staleMs
  if (state.kind === 'known') {
    if (now < state.kept.freshUntil) return use(state.kept, now, now >= state.kept.refreshAt)
    return { kind: 'ask', fallback: isUsable ? kept.addresses : undefined }
  }
  if (isUsable) return use(kept, now, now >= state.until)
  if (now < state.until) return { kind: 'fail', failure: state.failure }
  return { kind: 'ask', fallback: undefined }
}

function use({ addresses, freshUntil }: Kept, now: MonotonicMs, isRefreshDue: boolean): NameAdvice {
  return { kind: 'use', addresses, isStale: now >= freshUntil, isRefreshDue }
}

/** The state of a name after a lookup. */
export function learned(
  before: NameState | undefined,
  answer: NameAnswer,
  now: MonotonicMs,
): NameState {
  if (answer.kind === 'addresses') {
    const { addresses, ttlMs } = answer
    const kept = { addresses, refreshAt: now + ttlMs * refreshPart, freshUntil: now + ttlMs }
    return { kind: 'known', kept }
  }
  if (answer.kind === 'no-name') return { kind: 'absent', until: now + absentMs }
  const failures = before?.kind === 'unanswered' ? before.failures + 1 : 1
  const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures - 1, 10))
  return {
    kind: 'unanswered',
    failure: answer.kind,
    failures,
    until: now + backoffMs,
    kept: before === undefined || before.kind === 'absent' ? undefined : before.kept,
  }
}

/** The state of a name after the name servers have changed: the new ones may answer where the former ones did not. */
export function askable(state: NameState, now: MonotonicMs): NameState {
  return state.kind === 'unanswered' ? { ...state, failures: 0, until: now } : state
}
