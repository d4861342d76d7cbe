/** What a run meets in the hook table: the hook to call, or its end without an attempt. */
import type { EpochMs, Hook, Run, TableEntry, Verdict } from '../model/model.ts'

export type Joined = { readonly kind: 'call'; readonly hook: Hook } | JoinedEnd

/** The run ends without an attempt. */
export interface JoinedEnd {
  readonly kind: 'end'
  readonly verdict: Verdict
  readonly configVersion: string | undefined
}

export interface JoinLimits {
  readonly now: EpochMs
  readonly maxAgeMs: number
  /** Whether nothing is sent to the hook's endpoint any more. */
  readonly isDisabled: boolean
}

/**
 * Joins a run with the hook table by hook id and tenant (docs/architecture.md, Verdicts): a hook that was deleted, disabled
 * or given to another tenant ends it as discarded, a suspended one or a disabled endpoint as dead, and a run older than
 * `maxAgeMs` has expired.
 */
export function join(run: Run, entry: TableEntry | undefined, limits: JoinLimits): Joined {
  const configVersion = entry?.hook.configVersion
  const end = (verdict: Verdict): Joined => ({ kind: 'end', verdict, configVersion })
  if (entry === undefined) return end({ kind: 'discarded', reason: 'hook-deleted' })
  const isOfFormerTenant =
    entry.hook.tenantId !== undefined && entry.hook.tenantId !== run.event.tenantId
  if (isOfFormerTenant) return end({ kind: 'discarded', reason: 'hook-deleted' })
  if (!entry.hook.enabled) return end({ kind: 'discarded', reason: 'hook-disabled' })
  if (isExpired(run, limits)) {
    const isLate = run.dueAt - run.firstHandledAt <= limits.maxAgeMs
    return end({ kind: 'expired', isLate })
  }
  if (entry.kind === 'suspended') return end({ kind: 'dead', reason: 'hook-invalid' })
  if (limits.isDisabled) return end({ kind: 'dead', reason: 'endpoint-disabled' })
  return { kind: 'call', hook: entry.hook }
}

/**
 * Whether a run that was joined with the hook before would be joined with it again. Most runs wait in their lane for so short
 * a time that nothing has changed, and are not joined twice.
 */
export function isStillJoined(
  run: Run,
  hook: Hook,
  entry: TableEntry | undefined,
  limits: JoinLimits,
): boolean {
  return entry?.hook === hook && !limits.isDisabled && !isExpired(run, limits)
}

function isExpired({ firstHandledAt }: Run, { now, maxAgeMs }: JoinLimits): boolean {
  return now - firstHandledAt > maxAgeMs
}
