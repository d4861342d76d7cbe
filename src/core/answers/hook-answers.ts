/** What each hook says of an event: whether it is for it, and why not. Decided by the code that the processor joins with. */
import type { FilterFault } from '../filter/filter.ts'
import { admitted, type Filtering } from '../hook/filter-match.ts'
import { HookTable, type HookEntry } from '../hook/table.ts'
import type { AuthEvent, HookId, TenantId } from '../model/model.ts'

export type HookAnswer =
  /** The event is for the hook. */
  | { readonly kind: 'matches' }
  /** It is for it, and nothing is sent since the hook's record is not valid. */
  | { readonly kind: 'suspended' }
  /** It would be for it if the hook were enabled. */
  | { readonly kind: 'disabled' }
  | { readonly kind: 'filter-false' }
  /** The hook's filter has no value for the event. */
  | { readonly kind: 'filter-fault'; readonly fault: FilterFault }
  | { readonly kind: 'not-subscribed' }
  /** The hook is for events with that key, of another tenant. */
  | { readonly kind: 'other-tenant'; readonly tenantId: TenantId }

/** As hooks are now; what they were when the event was handled is not kept. */
export class HookAnswers {
  readonly #entries: ReadonlyMap<HookId, HookEntry>
  readonly #table = new HookTable()
  readonly #filters: Pick<Filtering, 'read' | 'isKept'>

  constructor(entries: Iterable<HookEntry>, filters: Pick<Filtering, 'read' | 'isKept'>) {
    this.#entries = new Map([...entries].map((entry) => [entry.hook.id, entry]))
    this.#filters = filters
    for (const entry of this.#entries.values()) this.#table.set(entry)
  }

  /** Of all hooks of the event's tenant, and of those of others that are for its key. */
  of(event: AuthEvent): ReadonlyMap<HookId, HookAnswer> {
    const faults = new Map<HookId, FilterFault>()
    const matching = this.#table.matching(event)
    const passed = admitted(matching, event, {
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

  /** Why the table does not have the event for it; `undefined`: it has nothing to do with the event. */
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
