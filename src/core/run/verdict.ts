/** From what happened to what follows (docs/architecture.md, Verdicts). The one place where that is decided. */
import type {
  AttemptResult,
  Blame,
  EpochMs,
  ErrorClass,
  Hook,
  Reason,
  Run,
  TableEntry,
  Verdict,
} from '../model/model.ts'
import { maxRetryAfterMs, nextDue, type ScheduleRules } from './schedule.ts'

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

/** What follows from an attempt. `run.attempt` counts the attempts before this one. */
export function decide(
  result: AttemptResult,
  run: Pick<Run, 'attempt'>,
  rules: ScheduleRules & { readonly maxAttempts: number },
  moment: Moment,
): Verdict {
  if (result.kind === 'aborted') return { kind: 'interrupted' }
  if (result.kind === 'invalid-url') return { kind: 'dead', reason: 'invalid-url' }
  if (result.kind === 'response') {
    if (result.status >= 200 && result.status < 300) return { kind: 'delivered' }
    if (result.status === 410) return { kind: 'dead', reason: 'gone' }
  }
  const attemptsMade = run.attempt + 1
  if (attemptsMade >= rules.maxAttempts) return { kind: 'dead', reason: 'exhausted' }
  const retryAfterMs = heededRetryAfter(result)
  return { kind: 'retry', ...nextDue(rules, attemptsMade, { ...moment, retryAfterMs }) }
}

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

/** What a run meets when it is joined with the hook table as it is now. */
export type Joined =
  | { readonly kind: 'call'; readonly hook: Hook }
  | { readonly kind: 'end'; readonly verdict: Verdict; readonly configVersion: string | undefined }

/**
 * Joins a run again by hook id and tenant (docs/architecture.md, Verdicts): a hook that was deleted, disabled or given to another
 * tenant ends it as discarded, a suspended one or a disabled endpoint as dead, and a run older than `maxAgeMs` has
 * expired.
 */
export function rejoin(
  run: Run,
  entry: TableEntry | undefined,
  limits: {
    readonly now: EpochMs
    readonly maxAgeMs: number
    /** Of the hook's endpoint. */
    readonly isDisabled: boolean
  },
): Joined {
  const configVersion = entry?.hook.configVersion
  const end = (verdict: Verdict): Joined => ({ kind: 'end', verdict, configVersion })
  if (entry === undefined) return end({ kind: 'discarded', reason: 'hook-deleted' })
  const isOfFormerTenant =
    entry.hook.tenantId !== undefined && entry.hook.tenantId !== run.event.tenantId
  if (isOfFormerTenant) return end({ kind: 'discarded', reason: 'hook-deleted' })
  if (!entry.hook.enabled) return end({ kind: 'discarded', reason: 'hook-disabled' })
  if (limits.now - run.firstHandledAt > limits.maxAgeMs) {
    const isLate = run.dueAt - run.firstHandledAt <= limits.maxAgeMs
    return end({ kind: 'expired', isLate })
  }
  if (entry.kind === 'suspended') return end({ kind: 'dead', reason: 'hook-invalid' })
  if (limits.isDisabled) return end({ kind: 'dead', reason: 'endpoint-disabled' })
  return { kind: 'call', hook: entry.hook }
}

const blameOfClass: Readonly<Record<ErrorClass, Blame>> = {
  http: 'endpoint',
  timeout: 'endpoint',
  reset: 'endpoint',
  protocol: 'endpoint',
  tls: 'endpoint',
  dns: 'network',
  connect: 'network',
  blocked: 'owner',
  // The operator's, as Kafka is: no endpoint and no owner of a hook can do anything about it.
  proxy: 'hooktide',
}

const blameOfReason: Partial<Readonly<Record<Reason, Blame>>> = {
  'endpoint-disabled': 'endpoint',
  'endpoint-down': 'endpoint',
  overflow: 'endpoint',
  'invalid-url': 'owner',
  'hook-invalid': 'owner',
  'hook-deleted': 'owner',
  'hook-disabled': 'owner',
}

/** Who has to look at it. `undefined` when nothing went wrong. */
export function blameOf(
  verdict: Verdict,
  errorClass: ErrorClass | undefined,
  reason: Reason | undefined,
): Blame | undefined {
  if (verdict.kind === 'delivered') return undefined
  if (verdict.kind === 'deferred') return verdict.isBlocked ? 'endpoint' : undefined
  // Its endpoint asked for more time than there is, or failed for as long.
  if (verdict.kind === 'expired') return verdict.isLate ? 'hooktide' : 'endpoint'
  if (reason !== undefined && blameOfReason[reason] !== undefined) return blameOfReason[reason]
  return errorClass === undefined ? 'hooktide' : blameOfClass[errorClass]
}
