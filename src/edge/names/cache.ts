/**
 * The states of a bounded number of host names. When it is full, the tenant that holds the most names loses the one that it
 * used least recently. So a tenant with very many names displaces its own names, and not those of others. A name that
 * several tenants use is held by the tenant that used it last.
 */
import type { MonotonicMs, TenantId } from '../../core/model/model.ts'
import { rotated, type NameAnswer } from './answer.ts'
import { adviceOn, askable, learned, type NameAdvice, type NameState } from './state.ts'

interface Entry {
  tenantId: TenantId
  state: NameState
  /** How often its addresses were given out. */
  uses: number
  /** When its addresses were first used beyond their time to live; `undefined` while they are fresh. */
  staleSince: MonotonicMs | undefined
}

export class NameCache {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  readonly #holders = new Holders()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** What to do about a name that is about to be used. Each use starts with another one of its addresses. */
  consult(name: string, tenantId: TenantId, now: MonotonicMs): NameAdvice {
    const entry = this.#entries.get(name)
    const advice = adviceOn(entry?.state, now)
    if (entry === undefined) return advice
    this.#hold(name, entry, tenantId)
    if (advice.kind !== 'use') return advice
    entry.uses += 1
    return { ...advice, addresses: rotated(advice.addresses, entry.uses - 1) }
  }

  /**
   * Notes that a name's addresses are used beyond their time to live.
   *
   * @returns whether that is new
   */
  markStale(name: string, now: MonotonicMs): boolean {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.staleSince !== undefined) return false
    entry.staleSince = now
    return true
  }

  /** @returns since when addresses were used beyond their time to live, if this answer ends that */
  learn(
    name: string,
    tenantId: TenantId,
    answer: NameAnswer,
    now: MonotonicMs,
  ): MonotonicMs | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined) {
      this.#makeRoom()
      const state = learned(undefined, answer, now)
      this.#entries.set(name, { tenantId, state, uses: 0, staleSince: undefined })
      this.#holders.add(tenantId, name)
      return undefined
    }
    entry.state = learned(entry.state, answer, now)
    if (entry.state.kind === 'unanswered') return undefined
    const { staleSince } = entry
    entry.staleSince = undefined
    return staleSince
  }

  /** Other name servers are to be asked from now on. */
  serversChanged(now: MonotonicMs): void {
    for (const entry of this.#entries.values()) entry.state = askable(entry.state, now)
  }

  #hold(name: string, entry: Entry, tenantId: TenantId): void {
    this.#holders.remove(entry.tenantId, name)
    entry.tenantId = tenantId
    this.#holders.add(tenantId, name)
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#capacity) return
    const victim = this.#holders.leastUsedOfLargest()
    if (victim === undefined) return
    this.#holders.remove(victim.tenantId, victim.name)
    this.#entries.delete(victim.name)
  }
}

/** Which tenant holds which names, least recently used first, and which tenant holds the most. Each step is O(1). */
class Holders {
  readonly #names = new Map<TenantId, Set<string>>()
  /** Tenants by the number of names that they hold. */
  readonly #bySize: Set<TenantId>[] = []

  add(tenantId: TenantId, name: string): void {
    const names = this.#names.get(tenantId) ?? new Set()
    this.#names.set(tenantId, names)
    const before = names.size
    names.add(name)
    this.#resized(tenantId, before, names.size)
  }

  remove(tenantId: TenantId, name: string): void {
    const names = this.#names.get(tenantId)
    if (names === undefined) return
    const before = names.size
    names.delete(name)
    if (names.size === 0) this.#names.delete(tenantId)
    this.#resized(tenantId, before, names.size)
  }

  leastUsedOfLargest(): { readonly tenantId: TenantId; readonly name: string } | undefined {
    const [tenantId] = this.#bySize.at(-1) ?? []
    if (tenantId === undefined) return undefined
    const [name] = this.#names.get(tenantId) ?? []
    return name === undefined ? undefined : { tenantId, name }
  }

  /** A size changes by one at a time, so the list of sizes grows and shrinks by one at its end. */
  #resized(tenantId: TenantId, before: number, after: number): void {
    if (before > 0) this.#bySize[before - 1]?.delete(tenantId)
    if (after > 0) (this.#bySize[after - 1] ??= new Set()).add(tenantId)
    while (this.#bySize.at(-1)?.size === 0) this.#bySize.pop()
  }
}
