/** How runs end without success, in words, and whether one that goes on will; times in words. */
import { isDisabledFor, type Health } from '../../core/health/record.ts'
import { roughWait } from '../../core/model/durations.ts'
import type { EpochMs, TenantId } from '../../core/model/model.ts'
import { join } from '../../core/run/join.ts'
import { timeText } from '../results/result-line.ts'
import type { StoredHook } from '../hooks/topic.ts'

const reasons: Readonly<Record<string, string>> = {
  gone: 'the endpoint answered 410 Gone',
  'invalid-url': "the hook's URL cannot be used",
  exhausted: 'every attempt failed',
  'max-age': 'it reached the maximum age',
  'endpoint-disabled': 'its endpoint was disabled',
  'endpoint-down': 'its endpoint was down for too long, or too many deliveries waited for it',
  overflow: 'the maximum number of deliveries waited for its endpoint',
  'hook-invalid': "the hook's record was not valid",
  'hook-deleted': 'the hook was deleted, or given to another tenant',
  'hook-disabled': 'the hook was disabled',
  'too-large': 'it was too large for a topic',
}

/** A reason of a later version stands for itself. */
export function reasonWords(reason: string): string {
  return reasons[reason] ?? reason
}

/** How a run that goes on will end, if hook and endpoint stay as they are. */
export interface FutureEnd {
  readonly outcome: 'discarded' | 'dead'
  readonly reason: string
}

/**
 * Whether no call follows any more, decided by the code of the processor. That a run may reach its maximum age is left out.
 *
 * @param hook `undefined` if there is none any more
 */
export function endWithoutCall(
  hook: StoredHook | undefined,
  health: Health | undefined,
  { tenantId, now }: { readonly tenantId: TenantId; readonly now: EpochMs },
): FutureEnd | undefined {
  const entry = hook?.entry
  const isDisabled = entry?.kind === 'active' && isDisabledFor(entry.hook, health)
  const run = { dueAt: now, firstHandledAt: now, event: { tenantId } }
  const joined = join(run, entry, { now, maxAgeMs: Number.POSITIVE_INFINITY, isDisabled })
  if (joined.kind === 'call') return undefined
  const { verdict } = joined
  if (verdict.kind !== 'dead' && verdict.kind !== 'discarded') return undefined
  return { outcome: verdict.kind, reason: verdict.reason }
}

/** @param due when, as it stands in a sentence; empty if that is not known */
export function endWords({ outcome, reason }: FutureEnd, due: string): string {
  const what = outcome === 'dead' ? 'becomes a dead letter' : 'is discarded'
  return `no call follows: it ${what}${due === '' ? '' : ` ${due}`}, since ${reasonWords(reason)}`
}

/** A time, and how far away it is. */
export function dueWords(dueAt: EpochMs, now: EpochMs): string {
  const wait = roughWait(Math.abs(dueAt - now))
  return `${timeText(dueAt)} (${dueAt >= now ? `in ${wait}` : `${wait} ago`})`
}

/** The same of what is waiting: what may start already waits for a process to take it, or for its turn there. */
export function dueNow(dueAt: EpochMs, now: EpochMs): string {
  return dueAt > now ? dueWords(dueAt, now) : 'now'
}
