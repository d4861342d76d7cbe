/** What follows from an attempt, and what it says of its endpoint (docs/architecture.md, Verdicts). The one place where that is decided. */
import type { AttemptResult, EpochMs, Hook, Run, Verdict } from '../model/model.ts'
import { nextDue, type ScheduleRules } from './schedule.ts'

/**
 * Attempts a run may make: the first and one per step of the schedule, or fewer by the hook's `maxRetries`. A test makes
 * one: somebody waits for what comes of it.
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

/** A call's outcome, and what it says of its endpoint: {@link endpointSignOf}, which is asked once per call. */
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

/** No endpoint is given more time than this by its `Retry-After`. */
export const maxRetryAfterMs = 24 * 3_600_000

/** `Retry-After` means something only with 429 and 503 (RFC 9110 section 10.2.3, RFC 6585 section 4). In milliseconds. */
function heededRetryAfter(result: AttemptResult): number {
  if (result.kind !== 'response' || (result.status !== 429 && result.status !== 503)) return 0
  return Math.min(result.retryAfterMs ?? 0, maxRetryAfterMs)
}

/** What an attempt says of its endpoint. */
export type EndpointSign =
  | { readonly kind: 'success' | 'failure' | 'gone' }
  /** It answered, and wants no call for so long. */
  | { readonly kind: 'busy'; readonly forMs: number }
  /** Nothing: it was never asked, or the call was given up on our side, or did not get out of our network. */
  | { readonly kind: 'none' }

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
