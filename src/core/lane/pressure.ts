/**
 * Tenants in which a hook finds no room because others hold more than they can call soon.
 *
 * A hook gets its share when its deliveries come. If they take long, those that are queued keep their room, perhaps for
 * minutes. So a hook whose deliveries come later may find nothing left of what its tenant may hold for long calls. While such
 * a tenant is under pressure, its lanes queue no more than they can call soon, and the rest is deferred.
 */
import type { MonotonicMs, TenantId } from '../model/model.ts'

/** How long it lasts after the last time that a hook found no room. Most of what was deferred has returned by then. */
const lastsMs = 60_000

export class Pressure {
  /** When it ends, by tenant. */
  readonly #ends = new Map<TenantId, MonotonicMs>()

  get isNone(): boolean {
    return this.#ends.size === 0
  }

  /** A hook of the tenant found no room. */
  felt(tenantId: TenantId, now: MonotonicMs): void {
    this.#ends.set(tenantId, now + lastsMs)
  }

  isOn(tenantId: TenantId, now: MonotonicMs): boolean {
    const end = this.#ends.get(tenantId)
    return end !== undefined && now < end
  }

  /** Frees the memory of tenants that are not under pressure any more. */
  sweep(now: MonotonicMs): void {
    for (const [tenantId, end] of this.#ends) if (now >= end) this.#ends.delete(tenantId)
  }
}
