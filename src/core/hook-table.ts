/**
 * The hook table: what `auth.hooks` says now (design section 4). The newest record of a hook counts, tenant included.
 * Matching is Logto's: same tenant, enabled, and `events` contains the key, or `event` equals it when `events` is empty.
 */
import type { AuthEvent, HookId, TableEntry, TenantId } from './model.ts'

export class HookTable {
  readonly #entries = new Map<HookId, TableEntry>()
  /** Hooks by tenant and event key, so that an event with no hook costs one look-up. */
  readonly #subscribers = new Map<TenantId, Map<string, Set<HookId>>>()
  #suspended = 0

  get size(): number {
    return this.#entries.size
  }

  get suspendedCount(): number {
    return this.#suspended
  }

  get(id: HookId): TableEntry | undefined {
    return this.#entries.get(id)
  }

  set(entry: TableEntry): void {
    this.delete(entry.hook.id)
    this.#entries.set(entry.hook.id, entry)
    if (entry.kind === 'suspended') this.#suspended += 1
    for (const [tenantId, key] of subscriptionsOf(entry)) {
      const byKey = this.#subscribers.get(tenantId) ?? new Map<string, Set<HookId>>()
      this.#subscribers.set(tenantId, byKey)
      const ids = byKey.get(key) ?? new Set<HookId>()
      byKey.set(key, ids)
      ids.add(entry.hook.id)
    }
  }

  delete(id: HookId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    if (entry.kind === 'suspended') this.#suspended -= 1
    for (const [tenantId, key] of subscriptionsOf(entry)) {
      const byKey = this.#subscribers.get(tenantId)
      const ids = byKey?.get(key)
      ids?.delete(id)
      if (ids?.size === 0) byKey?.delete(key)
      if (byKey?.size === 0) this.#subscribers.delete(tenantId)
    }
  }

  /** Every hook the event is for, in the order of their ids' last change. Suspended ones are among them. */
  matching(event: Pick<AuthEvent, 'tenantId' | 'event'>): readonly TableEntry[] {
    const ids = this.#subscribers.get(event.tenantId)?.get(event.event)
    if (ids === undefined) return []
    const entries: TableEntry[] = []
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }
}

function subscriptionsOf(entry: TableEntry): readonly (readonly [TenantId, string])[] {
  const { tenantId, enabled, events, event } = entry.hook
  if (!enabled || tenantId === undefined) return []
  const keys = events.length > 0 ? events : event === undefined ? [] : [event]
  return keys.map((key) => [tenantId, key] as const)
}
