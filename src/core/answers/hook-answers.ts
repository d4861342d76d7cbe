/** Which hooks match an event, and why others do not, decided by the same code as in the processor. */
import type { FilterFault } from '../filter/filter.ts'
import { passing, type Filtering } from '../hook/filter-match.ts'
import { HookTable, type HookEntry } from '../hook/table.ts'
import type { AuthEvent, HookId, TenantId } from '../model/model.ts'

export type HookAnswer =
  /** The hook matches. */
  | { readonly kind: 'matches' }
  /** The hook matches, but its record is not valid, so nothing is sent. */
  | { readonly kind: 'suspended' }
  /** The hook would match if it were enabled. */
  | { readonly kind: 'disabled' }
  | { readonly kind: 'filter-false' }
  /** The evaluation of the hook's filter failed. */
  | { readonly kind: 'filter-fault'; readonly fault: FilterFault }
  | { readonly kind: 'not-subscribed' }
  /** The hook is for events with this key, but of another tenant. */
  | { readonly kind: 'other-tenant'; readonly tenantId: TenantId }

/** Uses the current hooks. Earlier states of hooks are not known. */
export class HookAnswers {
  readonly #entries: ReadonlyMap<HookId, HookEntry>
  readonly #table = new HookTable()
  readonly #filters: Pick<Filtering, 'read' | 'isKept'>

  constructor(entries: Iterable<HookEntry>, filters: Pick<Filtering, 'read' | 'isKept'>) {
    this.#entries = new Map([...entries].map((entry) => [entry.hook.id, entry]))
    this.#filters = filters
    for (const entry of this.#entries.values()) this.#table.set(entry)
  }

  /** Answers for all hooks of the event's tenant, and for hooks of other tenants with its key. */
  of(event: AuthEvent): ReadonlyMap<HookId, HookAnswer> {
    const faults = new Map<HookId, FilterFault>()
    const matching = this.#table.matching(event)
    const passed = passing(matching, event, {
      ...{ read: this.#filters.read, isKept: this.#filters.isKept },
      onFault: (hookId, fault) => faults.set(hookId, fault),
    })
    const subscribed = new Set(matching.map(({ hook }) => hook.id))
    const admittedIds = new Set(passed.map(({ hook }) => hook.id))
    const answers = new Map<HookId, HookAnswer>()
    for (const entry of this.#entries.values()) {
      const { id } = entry.hook
      const fault = faults.get(id)
      if (admittedIds.has(id)) answers.set(id, matchOf(entry))
      else if (fault !== undefined) answers.set(id, { kind: 'filter-fault', fault })
      else if (subscribed.has(id)) answers.set(id, { kind: 'filter-false' })
      else {
        const answer = this.#refusalOf(entry, event)
        if (answer !== undefined) answers.set(id, answer)
      }
    }
    return answers
  }

  /** Why the hook does not match; `undefined` if it has neither the tenant nor the key. */
  #refusalOf({ hook }: HookEntry, event: AuthEvent): HookAnswer | undefined {
    const isFor = this.#table.isFor(hook.id, event.event)
    const { tenantId } = hook
    if (tenantId !== event.tenantId) {
      return isFor && tenantId !== undefined ? { kind: 'other-tenant', tenantId } : undefined
    }
    return isFor ? { kind: 'disabled' } : { kind: 'not-subscribed' }
  }
}

function matchOf({ kind }: HookEntry): HookAnswer {
  return kind === 'active' ? { kind: 'matches' } : { kind: 'suspended' }
}
