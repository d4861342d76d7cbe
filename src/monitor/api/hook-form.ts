/** A hook as Logto's API answers it, without its secrets, and what hooktide adds beside. */
import { hookWithoutSecrets } from '../../commands/hooks/hidden-secrets.ts'
import { problemsOf, tenantOf, type StoredHook } from '../../commands/hooks/topic.ts'
import type { Health } from '../../core/health/record.ts'
import { healthFor } from '../../core/health/record.ts'
import { endpointStates } from '../../core/model/record-values.ts'
import { hiddenMark } from '../../core/text/hidden-text.ts'
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import type { Counts } from '../index/sums.ts'

/** @param counts of the last 24 hours; `undefined`: not asked for */
export function hookForm(stored: StoredHook, health: Health | undefined, counts?: Counts) {
  const { id, entry, isCaptured } = stored
  const { hook } = entry
  const shown = hookWithoutSecrets({ id, ...stored.members })
  return {
    id,
    tenantId: tenantOf(stored) ?? null,
    name: textOf(stored.members['name']),
    event: hook.event ?? null,
    events: [...hook.events],
    config: objectOf(shown['config']) ?? {},
    signingKey: hiddenMark,
    enabled: hook.enabled,
    createdAt: createdAtOf(stored.members),
    ...(counts === undefined
      ? {}
      : { executionStats: { requestCount: counts.calls, successCount: counts.delivered } }),
    delivery: objectOf(shown['delivery']) ?? null,
    state: entry.kind,
    problems: problemsOf(stored).map(({ field, message }) => ({ field, message })),
    isCaptured,
    configVersion: hook.configVersion,
    endpoint: endpointForm(stored, health),
  }
}

export type HookForm = ReturnType<typeof hookForm>

/** The state of a hook's endpoint. One of whose former URL something was said begins anew. */
export function endpointForm({ entry }: Pick<StoredHook, 'entry'>, health: Health | undefined) {
  const own = entry.kind === 'active' ? healthFor(entry.hook, health) : health
  if (own === undefined) {
    return { state: 'healthy' as const, reason: null, since: null, until: null, failures: 0 }
  }
  const { state, reason, since, until, failures } = own
  return { state, reason, since, until, failures }
}

/** How a hook does: the state of its endpoint, unless nothing is sent whatever that is. */
export const hookStates = [...endpointStates, 'hook-disabled', 'suspended'] as const
export type HookState = (typeof hookStates)[number]

export function hookStateOf(stored: StoredHook, health: Health | undefined): HookState {
  if (stored.entry.kind === 'suspended') return 'suspended'
  return stored.entry.hook.enabled ? endpointForm(stored, health).state : 'hook-disabled'
}

export function createdAtOf(members: JsonObject): number | null {
  const createdAt = members['createdAt']
  return typeof createdAt === 'number' && Number.isFinite(createdAt) ? createdAt : null
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function objectOf(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}
