/** What a process has admitted and not completed, over all of its groups. */
import type { LineName } from '../core/lane/lane.ts'
import type { TenantId } from '../core/model/model.ts'
import { Holdings, type Amount } from '../core/lane/share.ts'

/** Neither kind takes more of a process than this share: a crowd of one must leave room for the other. */
const shareOfOneKind = 0.75

export class Load {
  /** Deliveries and bytes, by whose they are. */
  readonly admitted: Holdings
  /** By what they are: first tries, or what comes later. */
  readonly #kinds = { first: { count: 0, bytes: 0 }, late: { count: 0, bytes: 0 } }

  constructor(capacity: Amount) {
    this.admitted = new Holdings(capacity)
  }

  /** Something always passes where nothing is, or a bound below what one record causes would stop it for ever. */
  hasRoom(name: LineName): boolean {
    const { total, capacity } = this.admitted
    const own = this.#kinds[name]
    const isBelow = (of: keyof Amount) =>
      total[of] === 0 || (total[of] < capacity[of] && own[of] < capacity[of] * shareOfOneKind)
    return isBelow('count') && isBelow('bytes')
  }

  add(name: LineName, tenantId: TenantId | undefined, { count, bytes }: Amount): void {
    this.admitted.hold(tenantId, count, bytes)
    this.#kinds[name].count += count
    this.#kinds[name].bytes += bytes
  }

  remove(name: LineName, tenantId: TenantId | undefined, { count, bytes }: Amount): void {
    this.add(name, tenantId, { count: -count, bytes: -bytes })
  }
}
