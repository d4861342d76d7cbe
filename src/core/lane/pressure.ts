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
/** For so long after lanes have given something back, or while it is not known yet whether they will, they may help. */
const easingMs = 1_000

interface Felt {
  /** When it ends. */
  end: MonotonicMs
  /** Until when lanes may still give back what others need. */
  easingUntil: MonotonicMs
}

export class Pressure {
  readonly #tenants = new Map<TenantId, Felt>()

  get isNone(): boolean {
    return this.#tenants.size === 0
  }

  /** A hook of the tenant found no room. */
  felt(tenantId: TenantId, now: MonotonicMs): void {
    const felt = this.#tenants.get(tenantId)
    if (felt === undefined) {
      this.#tenants.set(tenantId, { end: now + lastsMs, easingUntil: now + easingMs })
    } else felt.end = now + lastsMs
  }

  /** A lane of the tenant has given something back. */
  eased(tenantId: TenantId, now: MonotonicMs): void {
    const felt = this.#tenants.get(tenantId)
    if (felt !== undefined) felt.easingUntil = now + easingMs
  }

  isOn(tenantId: TenantId, now: MonotonicMs): boolean {
    const felt = this.#tenants.get(tenantId)
    return felt !== undefined && now < felt.end
  }

  /** Whether lanes of the tenant give something back. In a crowd whose lanes hold little each, none does. */
  isEasing(tenantId: TenantId, now: MonotonicMs): boolean {
    const felt = this.#tenants.get(tenantId)
    return felt !== undefined && now < felt.easingUntil
  }

  /** Frees the memory of tenants that are not under pressure any more. */
  sweep(now: MonotonicMs): void {
    for (const [tenantId, { end }] of this.#tenants) {
      if (now >= end) this.#tenants.delete(tenantId)
    }
  }
}
