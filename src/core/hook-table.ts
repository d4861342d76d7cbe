/**
 * The hook table: what `auth.hooks` says now (design section 4). The newest record of a hook counts, tenant included.
 * Matching is Logto's: same tenant, enabled, and `events` contains the key, or `event` equals it when `events` is empty.
 */
import type { AuthEvent, EpochMs, HookId, InboundRecord, TableEntry, TenantId } from './model.ts'

export class HookTable {
  readonly #entries = new Map<HookId, TableEntry>()
  /**
   * Hooks by tenant and event key, so that an event with no hook costs one look-up. Most have one: a set, or a map per
   * tenant, would take more memory than the hooks themselves where there are many tenants.
   */
  readonly #subscribers = new Map<string, HookId | Set<HookId>>()
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
    for (const subscription of subscriptionsOf(entry)) this.#add(subscription, entry.hook.id)
  }

  delete(id: HookId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    if (entry.kind === 'suspended') this.#suspended -= 1
    for (const subscription of subscriptionsOf(entry)) this.#remove(subscription, id)
  }

  /** Every hook the event is for, in the order of their ids' last change. Suspended ones are among them. */
  matching(event: Pick<AuthEvent, 'tenantId' | 'event'>): readonly TableEntry[] {
    const ids = this.#subscribers.get(subscriptionOf(event.tenantId, event.event))
    if (ids === undefined) return []
    const entries: TableEntry[] = []
    for (const id of typeof ids === 'string' ? [ids] : ids) {
      const entry = this.#entries.get(id)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  #add(subscription: string, id: HookId): void {
    const others = this.#subscribers.get(subscription)
    if (others === undefined) this.#subscribers.set(subscription, id)
    else if (typeof others === 'string') this.#subscribers.set(subscription, new Set([others, id]))
    else others.add(id)
  }

  #remove(subscription: string, id: HookId): void {
    const ids = this.#subscribers.get(subscription)
    if (typeof ids === 'object') ids.delete(id)
    if (ids === id || (typeof ids === 'object' && ids.size === 0)) {
      this.#subscribers.delete(subscription)
    }
  }
}

function subscriptionsOf(entry: TableEntry): readonly string[] {
  const { tenantId, enabled, events, event } = entry.hook
  if (!enabled || tenantId === undefined) return []
  const keys = events.length > 0 ? events : event === undefined ? [] : [event]
  return keys.map((key) => subscriptionOf(tenantId, key))
}

/** Neither tenant ids nor event keys have white space in them. */
function subscriptionOf(tenantId: TenantId, eventKey: string): string {
  return `${tenantId} ${eventKey}`
}

/**
 * Which record of a hook is the newest, while a topic is read from its beginning. Within a partition it is the last. Two
 * partitions are read in no order: where writers placed a hook's records in both, it is the one with the later timestamp,
 * or of the higher partition when those are equal, so that all instances agree. Timestamps of one partition are taken not
 * to go back.
 */
export class NewestRecords {
  readonly #newest = new Map<HookId, { readonly partition: number; readonly timestamp: EpochMs }>()

  /** Whether the record replaces what was read of the hook before; a tombstone does as well. */
  admits(id: HookId, { partition, timestamp }: InboundRecord): boolean {
    const newest = this.#newest.get(id)
    if (newest !== undefined && newest.partition !== partition) {
      const isOlder = timestamp < newest.timestamp
      if (isOlder || (timestamp === newest.timestamp && partition < newest.partition)) return false
    }
    this.#newest.set(id, { partition, timestamp })
    return true
  }
}
