/** One lookup of a name, shared by the calls that wait for it. */
import type { MonotonicMs, TenantId } from '../../core/model/model.ts'
import type { NameAddress, NameFailure } from './answer.ts'

/** Why there is no address to connect to; `not-a-name` cannot even be asked for. */
export type LookupFailure = NameFailure | 'not-a-name'

export type LookupResult =
  | { readonly kind: 'addresses'; readonly addresses: readonly NameAddress[] }
  | { readonly kind: 'failure'; readonly failure: LookupFailure }

export type Resolved = (result: LookupResult) => void

/** A call that waits, and what to do when its patience ends. */
interface Waiter {
  readonly resolved: Resolved
  cancelPatience: () => void
}

export class Lookup {
  readonly host: string
  /** Of the call that it was begun for. */
  readonly tenantId: TenantId
  readonly startedAt: MonotonicMs
  /** For a name in use: no call need wait for it. */
  isRefresh: boolean
  /** A call that had no patience left uses an address beyond its time. */
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

  /** @param end what its end has to undo: a query, a timer */
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

  /** @returns those who wait, who do so no more */
  end(): readonly Waiter[] {
    this.isEnded = true
    for (const end of this.#endings) end()
    const waiters = [...this.#waiters]
    for (const waiter of waiters) this.leave(waiter)
    return waiters
  }
}
