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
import { keysOf, Subscribers } from './subscribers.ts'

/** A hook as a record of the topic has it. */
export type HookEntry =
  | { readonly kind: 'active'; readonly hook: Hook }
  | { readonly kind: 'suspended'; readonly hook: SuspendedHook }

type SuspendedEntry = Extract<TableEntry, { readonly kind: 'suspended' }>

export class HookTable {
  /** Active hooks are kept without their entries: an object for each would be a fifteenth of the memory. */
  readonly #entries = new Map<HookId, Hook | SuspendedEntry>()
  readonly #subscribers = new Subscribers()
  /**
   * The prints of the event keys of suspended hooks, by tenant. Whoever may write hooks may write many that are not valid,
   * each with hundreds of event keys of its own: each must take less than 4 KiB. So they have no subscriptions, and an
   * event asks all suspended hooks of its tenant, which takes a tenth of a microsecond for each.
   */
  readonly #suspended = new Map<TenantId, Map<HookId, readonly number[]>>()
  #suspendedCount = 0
  /** Hooks that are not enabled, as {@link #subscribers}, and how many hooks a tenant has, where that is asked for. */
  readonly #disabled = new Subscribers()
  readonly #tenants = new Map<TenantId, number>()
  readonly #keepsDisabled: boolean

  /** @param keepsDisabled whether {@link disabledFor} is to be asked; it takes memory for each hook that is not enabled */
  constructor({ keepsDisabled = false }: { readonly keepsDisabled?: boolean } = {}) {
    this.#keepsDisabled = keepsDisabled
  }

  get size(): number {
    return this.#entries.size
  }

  get suspendedCount(): number {
    return this.#suspendedCount
  }

  get(id: HookId): TableEntry | undefined {
    const kept = this.#entries.get(id)
    if (kept === undefined || 'kind' in kept) return kept
    return { kind: 'active', hook: kept }
  }

  /**
   * Adds a hook, or replaces it in its place. A key that is deleted leaves a hole in its map, and a map of a million keys is
   * copied as a whole when holes have filled it, which takes a fifth of a second.
   */
  set(entry: HookEntry): void {
    const { id, tenantId } = entry.hook
    const former = this.get(id)
    this.#count(tenantId, 1)
    if (former !== undefined) this.#count(former.hook.tenantId, -1)
    this.#subscribe(former, entry)
    if (former?.kind === 'suspended') this.#forgetSuspended(former.hook)
    if (entry.kind === 'suspended') this.#suspend(entry.hook)
    else this.#entries.set(id, entry.hook)
  }

  delete(id: HookId): void {
    const entry = this.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#count(entry.hook.tenantId, -1)
    this.#subscribe(entry, undefined)
    if (entry.kind === 'suspended') this.#forgetSuspended(entry.hook)
  }

  /** Every hook the event is for; suspended ones come last. */
  matching(event: Pick<AuthEvent, 'tenantId' | 'event'>): readonly TableEntry[] {
    const entries: TableEntry[] = []
    for (const id of this.#subscribers.of(event.tenantId, event.event)) {
      const entry = this.get(id)
      if (entry !== undefined) entries.push(entry)
    }
    if (this.#suspendedCount === 0) return entries
    for (const entry of this.#suspendedFor(event)) if (entry.hook.enabled) entries.push(entry)
    return entries
  }

  /** Hooks that the event would be for if they were enabled; only of a table that keeps them. */
  *disabledFor(event: Pick<AuthEvent, 'tenantId' | 'event'>): Generator<HookId> {
    yield* this.#disabled.of(event.tenantId, event.event)
    for (const { hook } of this.#suspendedFor(event)) if (!hook.enabled) yield hook.id
  }

  /** Whether any hook is the tenant's; only of a table that keeps those that are not enabled. */
  hasTenant(tenantId: TenantId): boolean {
    return this.#tenants.has(tenantId)
  }

  /** Whether the hook is for events of that key, enabled or not. */
  isFor(id: HookId, eventKey: string): boolean {
    const entry = this.get(id)
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

  /** Suspended hooks that are for the event, enabled or not. */
  #suspendedFor({ tenantId, event }: Pick<AuthEvent, 'tenantId' | 'event'>): readonly TableEntry[] {
    const hooks = this.#suspended.get(tenantId)
    if (hooks === undefined) return []
    const print = printOf(event)
    const entries: TableEntry[] = []
    for (const [id, prints] of hooks) {
      const entry = prints.includes(print) ? this.get(id) : undefined
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  #subscribe(former: TableEntry | undefined, entry: HookEntry | undefined): void {
    this.#subscribers.replace(activeIn(former, true), activeIn(entry, true))
    if (this.#keepsDisabled) {
      this.#disabled.replace(activeIn(former, false), activeIn(entry, false))
    }
  }

  #count(tenantId: TenantId | undefined, by: 1 | -1): void {
    if (!this.#keepsDisabled || tenantId === undefined) return
    const count = (this.#tenants.get(tenantId) ?? 0) + by
    if (count === 0) this.#tenants.delete(tenantId)
    else this.#tenants.set(tenantId, count)
  }
}

/** The hook of an entry that is active, and enabled or not as wanted. */
function activeIn(entry: TableEntry | HookEntry | undefined, enabled: boolean): Hook | undefined {
  return entry?.kind === 'active' && entry.hook.enabled === enabled ? entry.hook : undefined
}

/** An event key in eight bytes, whatever its length: 48 bits, so that no two keys that anybody uses are alike. */
function printOf(eventKey: string): number {
  return hash('sha256', eventKey, 'buffer').readUIntBE(0, 6)
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
