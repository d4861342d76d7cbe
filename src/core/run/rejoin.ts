/** What a run that waited meets in the hook table as it is now. */
import type { EpochMs, Hook, Run, TableEntry, Verdict } from '../model/model.ts'

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
