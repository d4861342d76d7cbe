import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LineName } from '../../../src/core/lane/lane.ts'
import type { Lanes, Slot } from '../../../src/core/lane/lanes.ts'
import type { Place } from '../../../src/core/collections/linked-queue.ts'
import { createLanes, sixteen, startAll } from '../../support/lanes.ts'

const actions = [
  ...['add', 'add', 'add', 'start', 'start', 'end', 'end'],
  ...['remove', 'drop', 'reset', 'move'],
] as const
type Action = 'add' | 'start' | 'end' | 'remove' | 'drop' | 'reset' | 'move'

interface Step {
  readonly action: Action
  readonly hook: string
  readonly name: LineName
  readonly outcome: 'success' | 'failure' | 'unanswered' | 'pause'
  readonly passMs: number
  readonly pick: number
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom(...(actions as readonly Action[])),
  hook: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  name: fc.constantFrom<LineName>('first', 'late'),
  outcome: fc.constantFrom('success', 'success', 'failure', 'unanswered', 'pause'),
  passMs: fc.constantFrom(0, 0, 10, 400, 1_500, 40_000),
  pick: fc.nat(),
})

const maxInFlight = 9
const ratePerSecond: Readonly<Record<string, number>> = { c: 200, d: 40, e: 3 }

/** Plays steps on lanes, and keeps its own account of all work. */
class Player {
  readonly lanes: Lanes<string> = createLanes({ maxInFlight, maxBytes: 30 }, { sizeOf: () => 2 })
    .lanes
  /** Work that came out though it was not in. */
  readonly twice: string[] = []
  readonly #added = new Set<string>()
  readonly #left = new Set<string>()
  readonly #tenants = new Map<string, string>()
  #queued: { readonly hook: string; readonly name: LineName; readonly place: Place<string> }[] = []
  #out: Slot<string>[] = []
  #now = 0

  play(one: Step): void {
    this.#now += one.passMs
    this[one.action](one)
  }

  /** The state of the lanes, and the expected one. */
  counts(): { readonly actual: readonly number[]; readonly kept: readonly number[] } {
    const { inFlight, queued } = this.lanes
    const left = this.#added.size - this.#left.size
    return {
      actual: [inFlight, queued, [...this.lanes.queuedWork()].length],
      kept: [this.#out.length, left, left],
    }
  }

  /** Whether somebody holds more than its share lets it take: with one call fewer it could not have started the last. */
  overdrawn(): readonly string[] {
    const held = (of: (slot: Slot<string>) => string) => {
      const counts = new Map<string, number>()
      for (const slot of this.#out) counts.set(of(slot), (counts.get(of(slot)) ?? 0) + 1)
      return counts
    }
    const found: string[] = []
    for (const [tenant, count] of held(({ tenant: { id } }) => id)) {
      if (count - 1 >= maxInFlight) found.push(`${tenant} holds ${count}`)
    }
    if (this.#out.length > maxInFlight) found.push(`${this.#out.length} are out`)
    return found
  }

  /** Every call succeeds from now on: all that is queued must come out. */
  settle(): void {
    for (let round = 0; round < 2_000 && this.lanes.queued + this.#out.length > 0; round += 1) {
      this.#now += 10
      for (const slot of startAll(this.lanes, this.#now)) this.#started(slot)
      for (const slot of this.#out.splice(0)) {
        this.#gone(this.lanes.finish(slot, { kind: 'success' }, this.#now)?.evicted ?? [])
      }
    }
  }

  add({ hook, name }: Step): void {
    const lane = this.lanes.laneOf(hook, this.#limitsOf(hook), this.#now)
    if (lane.blockedBy(this.#now) !== undefined) return
    const work = `${hook} ${this.#added.size}`
    this.#added.add(work)
    this.#queued.push({ hook, name, place: this.lanes.add(lane, name, work, this.#now) })
  }

  start(): void {
    const slot = this.lanes.next(this.#now)
    if (slot !== undefined) this.#started(slot)
  }

  end({ outcome, pick }: Step): void {
    const [slot] = this.#out.splice(pick % Math.max(1, this.#out.length), 1)
    if (slot === undefined) return
    const ended =
      outcome === 'pause' ? { kind: outcome, until: this.#now + 500 } : { kind: outcome }
    this.#gone(this.lanes.finish(slot, ended, this.#now)?.evicted ?? [])
  }

  remove({ pick }: Step): void {
    const [one] = this.#queued.splice(pick % Math.max(1, this.#queued.length), 1)
    if (one === undefined) return
    const wasQueued = !this.#left.has(one.place.item)
    if (this.lanes.remove(one.hook, one.name, one.place) !== wasQueued) {
      this.twice.push(`removed ${one.place.item}`)
    }
    if (wasQueued) this.#gone([one.place.item])
  }

  drop(): void {
    this.#gone(this.lanes.drop((work) => work.length % 2 === 0))
  }

  reset({ hook }: Step): void {
    this.lanes.reset(hook, this.#now)
  }

  /** The hook is another tenant's from now on. */
  move({ hook, pick }: Step): void {
    this.#tenants.set(hook, `tenant ${pick % 3}`)
    this.lanes.laneOf(hook, this.#limitsOf(hook), this.#now)
  }

  #limitsOf(hook: string) {
    const tenantId = this.#tenants.get(hook) ?? 'tenant 0'
    return { ...sixteen, tenantId, ratePerSecond: ratePerSecond[hook] }
  }

  #started(slot: Slot<string>): void {
    this.#gone([slot.work])
    this.#out.push(slot)
  }

  #gone(works: readonly string[]): void {
    for (const work of works) {
      if (!this.#added.has(work) || this.#left.has(work)) this.twice.push(work)
      this.#left.add(work)
    }
  }
}

describe('lanes under random work', () => {
  it('lose nothing, hand out nothing twice, keep their counts and never stand still', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const player = new Player()
        for (const one of steps) {
          player.play(one)
          const { actual, kept } = player.counts()
          expect(actual).toEqual(kept)
          expect(player.overdrawn()).toEqual([])
        }
        player.settle()
        const { inFlight, queued, hasFreeSlots } = player.lanes
        expect([inFlight, queued, hasFreeSlots, player.twice]).toEqual([0, 0, true, []])
      }),
      { numRuns: 300 },
    )
  })
})
