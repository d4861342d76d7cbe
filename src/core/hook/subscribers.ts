/** Which hooks are for which events of their tenants, so that an event with no hook costs two look-ups. */
import type { Hook, HookId, TenantId } from '../model/model.ts'

/** Most event keys of a tenant have one hook, and a set for each would take more memory than the hooks. */
type IdsByKey = Map<string, HookId | Set<HookId>>

export class Subscribers {
  /** A tenant's only hook stands for itself: where there are a million tenants, a map for each would be the larger part. */
  readonly #byTenant = new Map<TenantId, Hook | IdsByKey>()

  /** The hooks of the tenant that are for events of that key. */
  of(tenantId: TenantId, eventKey: string): Iterable<HookId> {
    const known = this.#byTenant.get(tenantId)
    if (known === undefined) return []
    if (!(known instanceof Map)) return keysOf(known).includes(eventKey) ? [known.id] : []
    const ids = known.get(eventKey)
    return typeof ids === 'string' ? [ids] : (ids ?? [])
  }

  /**
   * Takes one form of a hook out and puts another in. Keys that stay are not touched: a key that is deleted leaves a hole
   * in its map, and a map is copied as a whole when holes have filled it.
   *
   * @param former what was put in of the same hook; `undefined` if nothing was
   * @param next `undefined` if nothing is to stay of it
   */
  replace(former: Hook | undefined, next: Hook | undefined): void {
    if (former === next) return
    if (former?.tenantId !== next?.tenantId) {
      if (next !== undefined) this.#add(next, [])
      if (former !== undefined) this.#remove(former, [])
      return
    }
    // They are not both undefined, and have the same tenant.
    if (former === undefined || next === undefined) return
    this.#add(next, keysOf(former))
    this.#remove(former, keysOf(next))
  }

  /** @param had keys under which it is already found */
  #add(hook: Hook, had: readonly string[]): void {
    const { id, tenantId } = hook
    const known = this.#byTenant.get(tenantId)
    if (known === undefined || (!(known instanceof Map) && known.id === id)) {
      this.#byTenant.set(tenantId, hook)
      return
    }
    const ids = known instanceof Map ? known : idsOf(known)
    if (ids !== known) this.#byTenant.set(tenantId, ids)
    for (const key of keysOf(hook)) if (!had.includes(key)) addTo(ids, key, id)
  }

  /** @param kept keys under which it is still to be found */
  #remove(hook: Hook, kept: readonly string[]): void {
    const { id, tenantId } = hook
    const known = this.#byTenant.get(tenantId)
    if (known === undefined) return
    if (!(known instanceof Map)) {
      // What replaced it is for itself now.
      if (known === hook) this.#byTenant.delete(tenantId)
      return
    }
    for (const key of keysOf(hook)) if (!kept.includes(key)) removeFrom(known, key, id)
    if (known.size === 0) this.#byTenant.delete(tenantId)
  }
}

function idsOf(hook: Hook): IdsByKey {
  return new Map(keysOf(hook).map((key) => [key, hook.id]))
}

function addTo(ids: IdsByKey, key: string, id: HookId): void {
  const others = ids.get(key)
  if (others === undefined || others === id) ids.set(key, id)
  else if (typeof others === 'string') ids.set(key, new Set([others, id]))
  else others.add(id)
}

function removeFrom(all: IdsByKey, key: string, id: HookId): void {
  const ids = all.get(key)
  if (typeof ids === 'object') ids.delete(id)
  if (ids === id || (typeof ids === 'object' && ids.size === 0)) all.delete(key)
}

/** The keys of the events that a hook is for. Its single `event` counts if `events` is empty, as in Logto. */
export function keysOf({ events, event }: Pick<Hook, 'events' | 'event'>): readonly string[] {
  if (events.length > 0) return events
  return event === undefined ? [] : [event]
}
