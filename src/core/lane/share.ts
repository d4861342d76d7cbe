/**
 * How much of a bounded resource one hook may hold, so that others always find room. These are dynamic thresholds, as
 * network switches use them for the buffers of their ports (Choudhury and Hahne, "Dynamic Queue Length Thresholds for
 * Shared-Memory Packet Switches", 1998). A tenant may hold up to twice what is free, and a hook as much as its tenant may
 * still take. So a hook that is alone holds at most half, and a tenant of many hooks two thirds. The free part shrinks with
 * each further tenant, but never reaches zero.
 */
import type { HookId, TenantId } from '../model/model.ts'

/**
 * Whether a hook may hold one unit more of a bounded resource.
 *
 * @param hook what the hook holds
 * @param tenant what all hooks of its tenant hold together
 * @param free what nobody holds
 * @param part of its share that the hook may use for this
 */
export function share(hook: number, tenant: number, free: number, part = 1): boolean {
  return hook < (2 * free - tenant) * part
}

/** A number of things, and their bytes. */
export interface Amount {
  readonly count: number
  readonly bytes: number
}

interface Held {
  count: number
  bytes: number
}

/** How much of a bounded resource each tenant and hook holds. */
export class Holdings {
  readonly capacity: Amount
  readonly #total: Held = { count: 0, bytes: 0 }
  readonly #tenants = new Map<TenantId, Held>()
  readonly #hooks = new Map<HookId, Held>()

  constructor(capacity: Amount) {
    this.capacity = capacity
  }

  get total(): Amount {
    return this.#total
  }

  /**
   * Whether the hook may hold more, by number and by bytes.
   *
   * @param part of its share that it may use for this
   */
  hasShare(hookId: HookId, tenantId: TenantId, part = 1): boolean {
    const hook = this.#hooks.get(hookId) ?? nothing
    const tenant = this.#tenants.get(tenantId) ?? nothing
    const { capacity } = this
    const { count, bytes } = this.#total
    return (
      share(hook.count, tenant.count, capacity.count - count, part) &&
      share(hook.bytes, tenant.bytes, capacity.bytes - bytes, part)
    )
  }

  /** @param tenantId `undefined` where no tenant could be read */
  hold(tenantId: TenantId | undefined, count: number, bytes: number): void {
    this.#total.count += count
    this.#total.bytes += bytes
    if (tenantId !== undefined) change(this.#tenants, tenantId, count, bytes)
  }

  release(tenantId: TenantId | undefined, count: number, bytes: number): void {
    this.hold(tenantId, -count, -bytes)
  }

  /** Counts a part of what the tenant holds for one hook. The same part may count for several hooks. */
  holdFor(hookId: HookId, count: number, bytes: number): void {
    change(this.#hooks, hookId, count, bytes)
  }

  byHook(): Iterable<readonly [HookId, Amount]> {
    return this.#hooks
  }

  releaseFor(hookId: HookId, count: number, bytes: number): void {
    change(this.#hooks, hookId, -count, -bytes)
  }
}

const nothing: Amount = { count: 0, bytes: 0 }

function change<Key>(holders: Map<Key, Held>, key: Key, count: number, bytes: number): void {
  const held = holders.get(key)
  if (held === undefined) {
    holders.set(key, { count, bytes })
    return
  }
  held.count += count
  held.bytes += bytes
  if (held.count === 0 && held.bytes === 0) holders.delete(key)
}
