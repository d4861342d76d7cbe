/**
 * Decides what follows from an attempt, and what it shows about its endpoint (docs/architecture.md, Verdicts). No other
 * module decides these.
 */
import type { AttemptResult, EpochMs, Hook, Run, Verdict } from '../model/model.ts'
import { nextDue, type ScheduleRules } from './schedule.ts'

/**
 * How many attempts a run may make: the first one, and one per step of the schedule, or fewer by the hook's `maxRetries`. A
 * test makes one attempt, since its user waits for the outcome.
 */
export function maxAttemptsOf(
  schedule: readonly number[],
  hook: Pick<Hook, 'maxRetries'>,
  { trigger }: Pick<Run, 'trigger'>,
): number {
  if (trigger === 'test') return 1
  return 1 + Math.min(schedule.length, hook.maxRetries ?? schedule.length)
}

export interface Moment {
  readonly now: EpochMs
  /** Uniform in [0, 1). */
  readonly random: number
}

/** A call's outcome, and what it shows about its endpoint. {@link endpointSignOf} is computed once per call. */
export interface Answer {
  readonly result: AttemptResult
  readonly sign: EndpointSign
}

/** What follows from an attempt. `run.attempt` counts the attempts before this one. */
export function decide(
  { result, sign }: Answer,
  run: Pick<Run, 'attempt'>,
  rules: ScheduleRules & { readonly maxAttempts: number },
  moment: Moment,
): Verdict {
  if (result.kind === 'aborted') return { kind: 'interrupted' }
  if (result.kind === 'invalid-url') return { kind: 'dead', reason: 'invalid-url' }
  if (sign.kind === 'success') return { kind: 'delivered' }
  if (sign.kind === 'gone') return { kind: 'dead', reason: 'gone' }
  const attemptsMade = run.attempt + 1
  if (attemptsMade >= rules.maxAttempts) return { kind: 'dead', reason: 'exhausted' }
  const retryAfterMs = sign.kind === 'busy' ? sign.forMs : 0
  return { kind: 'retry', ...nextDue(rules, attemptsMade, { ...moment, retryAfterMs }) }
}

/** A longer `Retry-After` counts as 24 h. Milliseconds. */
export const maxRetryAfterMs = 24 * 3_600_000

/** The `Retry-After` that counts, in milliseconds: only with 429 and 503 (RFC 9110 section 10.2.3, RFC 6585 section 4). */
function heededRetryAfter(result: AttemptResult): number {
  if (result.kind !== 'response' || (result.status !== 429 && result.status !== 503)) return 0
  return Math.min(result.retryAfterMs ?? 0, maxRetryAfterMs)
}

/** What an attempt shows about its endpoint. */
export type EndpointSign =
  | { readonly kind: 'success' | 'failure' | 'gone' }
  /** The endpoint asked for no calls for this time (`Retry-After`). */
  | { readonly kind: 'busy'; readonly forMs: number }
  /** Nothing: the call was not made, was aborted by hooktide, or did not leave the operator's network. */
  | { readonly kind: 'none' }

/** What it says to those who decide of the endpoint: nothing where it answered a forced test. */
export function heededSign(sign: EndpointSign, { isForced }: Pick<Run, 'isForced'>): EndpointSign {
  return isForced ? { kind: 'none' } : sign
}

export function endpointSignOf(result: AttemptResult): EndpointSign {
  if (result.kind === 'aborted' || result.kind === 'invalid-url') return { kind: 'none' }
  if (result.kind === 'error') {
    return { kind: result.errorClass === 'proxy' ? 'none' : 'failure' }
  }
  if (result.status >= 200 && result.status < 300) return { kind: 'success' }
  if (result.status === 410) return { kind: 'gone' }
  const forMs = heededRetryAfter(result)
  return forMs > 0 ? { kind: 'busy', forMs } : { kind: 'failure' }
}
