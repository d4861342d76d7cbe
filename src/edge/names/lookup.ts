/** One lookup of a name, shared by the calls that wait for it. */
import type { MonotonicMs, TenantId } from '../../core/model/model.ts'
import type { NameAddress, NameFailure } from './answer.ts'

/** Why there is no address to connect to. `not-a-name`: no name server can be asked for such a name. */
export type LookupFailure = NameFailure | 'not-a-name'

export type LookupResult =
  | { readonly kind: 'addresses'; readonly addresses: readonly NameAddress[] }
  | { readonly kind: 'failure'; readonly failure: LookupFailure }

export type Resolved = (result: LookupResult) => void

/** A call that waits for the lookup. */
interface Waiter {
  readonly resolved: Resolved
  /** Cancels the timer after which the call uses an address beyond its time to live. */
  cancelPatience: () => void
}

export class Lookup {
  readonly host: string
  /** The tenant of the first call that waited. */
  readonly tenantId: TenantId
  readonly startedAt: MonotonicMs
  /** It refreshes a name in use, so it continues without a call that waits. */
  isRefresh: boolean
  /** A call stopped waiting and used an address beyond its time to live. */
  hasOutlastedCalls = false
  readonly #waiters = new Set<Waiter>()
  readonly #endings: (() => void)[] = []
  isEnded = false

  constructor(fields: Pick<Lookup, 'host' | 'tenantId' | 'startedAt' | 'isRefresh'>) {
    this.host = fields.host
    this.tenantId = fields.tenantId
    this.startedAt = fields.startedAt
    this.isRefresh = fields.isRefresh
  }

  get isAwaited(): boolean {
    return this.#waiters.size > 0
  }

  /** @param end called when the lookup ends, such as to cancel a query or a timer */
  onEnd(end: () => void): void {
    if (this.isEnded) end()
    else this.#endings.push(end)
  }

  join(resolved: Resolved): Waiter {
    const waiter: Waiter = { resolved, cancelPatience: () => {} }
    this.#waiters.add(waiter)
    return waiter
  }

  /** @returns whether the waiter still waited */
  leave(waiter: Waiter): boolean {
    waiter.cancelPatience()
    return this.#waiters.delete(waiter)
  }

  /** @returns the calls that waited until now */
  end(): readonly Waiter[] {
    this.isEnded = true
    for (const end of this.#endings) end()
    const waiters = [...this.#waiters]
    for (const waiter of waiters) this.leave(waiter)
    return waiters
  }
}
