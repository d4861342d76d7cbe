/**
 * What is known of one host name, and what follows from it: which addresses to use, whether to ask the name servers, and
 * how long not to. The last good answer outlives its time to live while the name servers are away (RFC 8767), never
 * after one of them has said that the name has no address.
 */
import type { MonotonicMs } from '../../core/model/model.ts'
import type { NameAddress, NameAnswer, NameFailure } from './answer.ts'

interface Kept {
  readonly addresses: readonly NameAddress[]
  /** From then on a use asks again in the background, so that a name in use never waits for a name server. */
  readonly refreshAt: MonotonicMs
  readonly freshUntil: MonotonicMs
}

export type NameState =
  | { readonly kind: 'known'; readonly kept: Kept }
  /** A name server has said that there is no such name, or no address of it. */
  | { readonly kind: 'absent'; readonly until: MonotonicMs }
  /** The newest lookups found no name server that could say. */
  | {
      readonly kind: 'unanswered'
      readonly failure: Exclude<NameFailure, 'no-name'>
      /** In a row. */
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
  /** Ask, and wait for the answer; `fallback` is for a name server that does not answer soon. */
  | { readonly kind: 'ask'; readonly fallback: readonly NameAddress[] | undefined }

/** How long an answer is used beyond its time to live. */
const staleMs = 60 * 60_000
const absentMs = 5_000
const firstBackoffMs = 1_000
const maxBackoffMs = 30_000
/** The part of an answer's life after which its use asks again. */
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

/** What is known of a name after a lookup of it. */
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

/** The same name once other name servers are to be asked: what the former ones did not answer says nothing of these. */
export function askable(state: NameState, now: MonotonicMs): NameState {
  return state.kind === 'unanswered' ? { ...state, failures: 0, until: now } : state
}
