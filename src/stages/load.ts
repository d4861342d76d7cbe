/** The deliveries and bytes that a process has admitted and not completed, over all of its groups. */
import type { LineName } from '../core/lane/lane.ts'
import { Holdings, type Amount, type Holder } from '../core/lane/share.ts'

/** The largest share of the process that one kind of deliveries may take, so that the other kind always finds room. */
const shareOfOneKind = 0.75

export class Load {
  /** Deliveries and bytes, by tenant and hook. */
  readonly admitted: Holdings
  /** Deliveries and bytes, by kind: first attempts, or late ones. */
  readonly #kinds = { first: { count: 0, bytes: 0 }, late: { count: 0, bytes: 0 } }

  constructor(capacity: Amount) {
    this.admitted = new Holdings(capacity)
  }

  /** An empty process always has room. Otherwise a record that causes more than the bound could never be admitted. */
  hasRoom(name: LineName): boolean {
    const { total, capacity } = this.admitted
    const own = this.#kinds[name]
    const isBelow = (of: keyof Amount) =>
      total[of] === 0 || (total[of] < capacity[of] && own[of] < capacity[of] * shareOfOneKind)
    return isBelow('count') && isBelow('bytes')
  }

  add(name: LineName, holder: Holder, { count, bytes }: Amount): void {
    this.admitted.hold(holder, count, bytes)
    this.#kinds[name].count += count
    this.#kinds[name].bytes += bytes
  }

  remove(name: LineName, holder: Holder, { count, bytes }: Amount): void {
    this.add(name, holder, { count: -count, bytes: -bytes })
  }
}
