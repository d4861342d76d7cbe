/** The join of a run with the hook table. It gives the hook to call, or the end of the run without an attempt. */
import type {
  AuthEvent,
  EpochMs,
  Hook,
  Run,
  TableEntry,
  UnattemptedVerdict,
} from '../model/model.ts'

export type Joined = { readonly kind: 'call'; readonly hook: Hook } | JoinedEnd

/** The run ends without an attempt. */
export interface JoinedEnd {
  readonly kind: 'end'
  readonly verdict: UnattemptedVerdict
  readonly configVersion: string | undefined
}

/** What the join needs of a run. */
export interface JoinedRun extends Pick<Run, 'dueAt' | 'firstHandledAt'> {
  readonly event: Pick<AuthEvent, 'tenantId'>
}

export interface JoinLimits {
  readonly now: EpochMs
  readonly maxAgeMs: number
  /** Whether the hook's endpoint is disabled. */
  readonly isDisabled: boolean
}

/**
 * Joins a run with the hook table by hook id and tenant (docs/architecture.md, Verdicts). The run ends
 *
 * - as discarded, if the hook was deleted, disabled or moved to another tenant;
 * - as expired, if the run is older than `maxAgeMs`;
 * - as dead, if the hook is suspended or its endpoint is disabled.
 */
export function join(run: JoinedRun, entry: TableEntry | undefined, limits: JoinLimits): Joined {
  const configVersion = entry?.hook.configVersion
  const end = (verdict: UnattemptedVerdict): Joined => ({ kind: 'end', verdict, configVersion })
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
 * Whether a new join would give the same hook. Most runs wait in their lane for a short time, in which nothing changes. This
 * check is cheaper than a second join.
 */
export function isStillJoined(
  run: Run,
  hook: Hook,
  entry: TableEntry | undefined,
  limits: JoinLimits,
): boolean {
  return entry?.hook === hook && !limits.isDisabled && !isExpired(run, limits)
}

function isExpired(
  { firstHandledAt }: Pick<Run, 'firstHandledAt'>,
  { now, maxAgeMs }: JoinLimits,
): boolean {
  return now - firstHandledAt > maxAgeMs
}
