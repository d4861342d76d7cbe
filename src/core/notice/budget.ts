/** How many notices may be written: a failure of our own network would otherwise make one for every endpoint at once. */
import type { EpochMs, TenantId } from '../model/model.ts'
import type { NoticeCause } from '../signal/signal.ts'

const windowMs = 60_000
/** Notices in a minute, of one tenant and of all. */
export const noticeBounds = { perTenant: 60, total: 3_000 } as const

export class NoticeBudget {
  readonly #byTenant = new Map<TenantId, number>()
  #total = 0
  #beganAt = Number.NEGATIVE_INFINITY

  /** Why one more notice of the tenant is left out; `undefined` if it may be written, and counts. */
  refusal(tenantId: TenantId, now: EpochMs): NoticeCause | undefined {
    if (now < this.#beganAt || now - this.#beganAt >= windowMs) {
      this.#byTenant.clear()
      this.#total = 0
      this.#beganAt = now
    }
    const count = this.#byTenant.get(tenantId) ?? 0
    if (count >= noticeBounds.perTenant) return 'tenant-rate'
    if (this.#total >= noticeBounds.total) return 'total-rate'
    this.#byTenant.set(tenantId, count + 1)
    this.#total += 1
    return undefined
  }
}
