/**
 * The hook table: what `auth.hooks` says now (docs/architecture.md, Join). The newest record of a hook counts, tenant included.
 * Matching is Logto's: same tenant, enabled, and `events` contains the key, or `event` equals it when `events` is empty.
 */
import { hash } from 'node:crypto'
import type {
  AuthEvent,
  EpochMs,
  Hook,
  HookId,
  InboundRecord,
  SuspendedHook,
  TableEntry,
  TenantId,
} from '../model/model.ts'

/** A hook as a record of the topic has it. */
export type HookEntry =
  | { readonly kind: 'active'; readonly hook: Hook }
  | { readonly kind: 'suspended'; readonly hook: SuspendedHook }

export class HookTable {
  readonly #entries = new Map<HookId, TableEntry>()
  /**
   * Hooks by tenant and event key, so that an event with no hook costs one look-up. Most have one: a set, or a map per
   * tenant, would take more memory than the hooks themselves where there are many tenants.
   */
  readonly #subscribers = new Map<string, HookId | Set<HookId>>()
  /**
   * The prints of the event keys of suspended hooks, by tenant. Whoever may write hooks may write many that are not valid,
   * each with hundreds of event keys of its own: each must take less than 4 KiB. So they have no subscriptions, and an
   * event asks all suspended hooks of its tenant, which takes a tenth of a microsecond for each.
   */
  readonly #suspended = new Map<TenantId, Map<HookId, readonly number[]>>()
  #suspendedCount = 0

  get size(): number {
    return this.#entries.size
  }

  get suspendedCount(): number {
    return this.#suspendedCount
  }

  get(id: HookId): TableEntry | undefined {
    return this.#entries.get(id)
  }

  set(entry: HookEntry): void {
    this.delete(entry.hook.id)
    if (entry.kind === 'suspended') return this.#suspend(entry.hook)
    this.#entries.set(entry.hook.id, entry)
    for (const subscription of subscriptionsOf(entry.hook)) this.#add(subscription, entry.hook.id)
  }

  delete(id: HookId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    if (entry.kind === 'suspended') return this.#forgetSuspended(entry.hook)
    for (const subscription of subscriptionsOf(entry.hook)) this.#remove(subscription, id)
  }

  /** Every hook the event is for; suspended ones come last. */
  matching(event: Pick<AuthEvent, 'tenantId' | 'event'>): readonly TableEntry[] {
    const ids = this.#subscribers.get(subscriptionOf(event.tenantId, event.event))
    const entries: TableEntry[] = []
    for (const id of typeof ids === 'string' ? [ids] : (ids ?? [])) {
      const entry = this.#entries.get(id)
      if (entry !== undefined) entries.push(entry)
    }
    if (this.#suspendedCount > 0) this.#addSuspended(event, entries)
    return entries
  }

  /** Whether the hook is for events of that key, enabled or not. */
  isFor(id: HookId, eventKey: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    if (entry.kind === 'active') return keysOf(entry.hook).includes(eventKey)
    const { tenantId } = entry.hook
    const hooks = tenantId === undefined ? undefined : this.#suspended.get(tenantId)
    return hooks?.get(id)?.includes(printOf(eventKey)) === true
  }

  #suspend({ id, tenantId, enabled, configVersion, ...hook }: SuspendedHook): void {
    this.#entries.set(id, { kind: 'suspended', hook: { id, tenantId, enabled, configVersion } })
    this.#suspendedCount += 1
    if (tenantId === undefined) return
    const prints = [...new Set(keysOf(hook))].map(printOf)
    const others = this.#suspended.get(tenantId)
    if (others === undefined) this.#suspended.set(tenantId, new Map([[id, prints]]))
    else others.set(id, prints)
  }

  #forgetSuspended({ id, tenantId }: Pick<SuspendedHook, 'id' | 'tenantId'>): void {
    this.#suspendedCount -= 1
    if (tenantId === undefined) return
    const others = this.#suspended.get(tenantId)
    others?.delete(id)
    if (others?.size === 0) this.#suspended.delete(tenantId)
  }

  #addSuspended(
    { tenantId, event }: Pick<AuthEvent, 'tenantId' | 'event'>,
    entries: TableEntry[],
  ): void {
    const hooks = this.#suspended.get(tenantId)
    if (hooks === undefined) return
    const print = printOf(event)
    for (const [id, prints] of hooks) {
      const entry = prints.includes(print) ? this.#entries.get(id) : undefined
      if (entry?.hook.enabled === true) entries.push(entry)
    }
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

function subscriptionsOf({ tenantId, enabled, ...hook }: Hook): readonly string[] {
  return enabled ? keysOf(hook).map((key) => subscriptionOf(tenantId, key)) : []
}

function keysOf({ events, event }: Pick<Hook, 'events' | 'event'>): readonly string[] {
  if (events.length > 0) return events
  return event === undefined ? [] : [event]
}

/** An event key in eight bytes, whatever its length: 48 bits, so that no two keys that anybody uses are alike. */
function printOf(eventKey: string): number {
  return hash('sha256', eventKey, 'buffer').readUIntBE(0, 6)
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
