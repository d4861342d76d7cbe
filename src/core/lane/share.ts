/**
 * How much of a bounded resource one hook may hold, so that others always find room. The bounds are dynamic thresholds, as
 * network switches use them for the buffers of their ports (Choudhury and Hahne, "Dynamic Queue Length Thresholds for
 * Shared-Memory Packet Switches", 1998). A tenant may hold up to twice what is free, and a hook as much as its tenant may
 * still take. So a hook that is alone holds at most half, and a tenant of many hooks two thirds. The free part shrinks with
 * each further tenant, but never reaches zero.
 *
 * Hooks whose calls take long, or whose call length is not known, share a part of what their tenant may hold, by the same
 * rule, as they do with slots. Otherwise many hooks that hang would leave nothing to a hook of their tenant that answers.
 * {@link ./call-length.ts} says what a hook may use of the rest that has not made its first call.
 *
 * What only waits to be written takes no share: no endpoint keeps it waiting. Otherwise what is deferred for a crowd, while it
 * is being written, would use up the share of a hook of the same tenant that answers.
 */
import type { HookId, TenantId } from '../model/model.ts'
import { weightOfLong, type CallLength } from './call-length.ts'

/**
 * Whether a hook may hold one unit more of a bounded resource.
 *
 * @param hook what the hook holds
 * @param tenant what all hooks of its tenant hold together
 * @param free what nobody holds
 * @param part which part of its share the hook may use
 */
export function mayHoldMore(hook: number, tenant: number, free: number, part = 1): boolean {
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

interface HeldByTenant extends Held {
  /** What is held for calls that were thought to take long. */
  readonly long: Held
}

/** A record for which something is held. */
export interface Holder {
  /** The tenant whose share it takes; `undefined` if it takes none. */
  readonly tenantId: TenantId | undefined
  /** Whether a call of it was thought to take long when it was admitted. */
  readonly isLong: boolean
}

/** Who asks for more. */
export interface Asking {
  readonly hookId: HookId
  readonly tenantId: TenantId
  readonly length: CallLength
}

/** How much of a bounded resource each tenant and hook holds. */
export class Holdings {
  readonly capacity: Amount
  readonly #total: Held = { count: 0, bytes: 0 }
  /** What takes a share. */
  readonly #shared: Held = { count: 0, bytes: 0 }
  readonly #tenants = new Map<TenantId, HeldByTenant>()
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
   * @param part which part of its share the hook may use
   */
  hasShare({ hookId, tenantId, length }: Asking, part = 1): boolean {
    const hook = this.#hooks.get(hookId) ?? nothing
    const tenant = this.#tenants.get(tenantId) ?? noTenant
    const weight = weightOfLong(length, hook.count)
    const isBelow = (of: keyof Amount) => {
      const held = tenant[of] + tenant.long[of] * weight
      return mayHoldMore(hook[of], held, this.capacity[of] - this.#shared[of], part)
    }
    return isBelow('count') && isBelow('bytes')
  }

  hold({ tenantId, isLong }: Holder, count: number, bytes: number): void {
    add(this.#total, count, bytes)
    if (tenantId === undefined) return
    add(this.#shared, count, bytes)
    let tenant = this.#tenants.get(tenantId)
    if (tenant === undefined) {
      tenant = { count: 0, bytes: 0, long: { count: 0, bytes: 0 } }
      this.#tenants.set(tenantId, tenant)
    }
    add(tenant, count, bytes)
    if (isLong) add(tenant.long, count, bytes)
    if (tenant.count === 0 && tenant.bytes === 0) this.#tenants.delete(tenantId)
  }

  release(holder: Holder, count: number, bytes: number): void {
    this.hold(holder, -count, -bytes)
  }

  /** Counts a part of what the tenant holds for one hook. The same part may count for several hooks. */
  holdFor(hookId: HookId, count: number, bytes: number): void {
    const held = this.#hooks.get(hookId)
    if (held === undefined) {
      this.#hooks.set(hookId, { count, bytes })
      return
    }
    add(held, count, bytes)
    if (held.count === 0 && held.bytes === 0) this.#hooks.delete(hookId)
  }

  byHook(): Iterable<readonly [HookId, Amount]> {
    return this.#hooks
  }

  releaseFor(hookId: HookId, count: number, bytes: number): void {
    this.holdFor(hookId, -count, -bytes)
  }
}

const nothing: Amount = { count: 0, bytes: 0 }
const noTenant = { ...nothing, long: nothing }

function add(held: Held, count: number, bytes: number): void {
  held.count += count
  held.bytes += bytes
}
