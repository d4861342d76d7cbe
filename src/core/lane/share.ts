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
import {
  freeFor,
  freeWhileHanging,
  weightOfLong,
  type CallLength,
  type Room,
} from './call-length.ts'

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

/** By the hooks of a tenant, or of all. */
interface HeldByMany extends Held {
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

export type Share = 'free' | 'kept' | 'none'

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
  readonly #shared = heldByMany()
  readonly #tenants = new Map<TenantId, HeldByMany>()
  readonly #hooks = new Map<HookId, Held>()

  constructor(capacity: Amount) {
    this.capacity = capacity
  }

  get total(): Amount {
    return this.#total
  }

  /**
   * Whether the hook may hold more, by number and by bytes. `kept`: it may unless calls hang.
   *
   * @param part which part of its share the hook may use
   */
  shareOf({ hookId, tenantId, length }: Asking, part = 1): Share {
    const hook = this.#hooks.get(hookId) ?? nothing
    const tenant = this.#tenants.get(tenantId) ?? noTenant
    const weight = weightOfLong(length, hook.count)
    const isBelow = (of: keyof Amount, free: number) =>
      mayHoldMore(hook[of], tenant[of] + tenant.long[of] * weight, free, part)
    const { capacity } = this
    const used = this.#shared
    if (!isBelow('count', capacity.count - used.count)) return 'none'
    if (!isBelow('bytes', capacity.bytes - used.bytes)) return 'none'
    if (length === 'short') return 'free'
    const isFree = (free: typeof freeFor) =>
      units.every((of) => isBelow(of, free(length, hook.count, this.#room(of))))
    if (!isFree(freeFor)) return 'none'
    return isFree(freeWhileHanging) ? 'free' : 'kept'
  }

  hold({ tenantId, isLong }: Holder, count: number, bytes: number): void {
    add(this.#total, count, bytes)
    if (tenantId === undefined) return
    let tenant = this.#tenants.get(tenantId)
    if (tenant === undefined) {
      tenant = heldByMany()
      this.#tenants.set(tenantId, tenant)
    }
    for (const held of [tenant, this.#shared]) {
      add(held, count, bytes)
      if (isLong) add(held.long, count, bytes)
    }
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

  #room(of: keyof Amount): Room {
    return { capacity: this.capacity[of], used: this.#shared[of], long: this.#shared.long[of] }
  }
}

const units = ['count', 'bytes'] as const
const nothing: Amount = { count: 0, bytes: 0 }
const noTenant = { ...nothing, long: nothing }

function heldByMany(): HeldByMany {
  return { count: 0, bytes: 0, long: { count: 0, bytes: 0 } }
}

function add(held: Held, count: number, bytes: number): void {
  held.count += count
  held.bytes += bytes
}
