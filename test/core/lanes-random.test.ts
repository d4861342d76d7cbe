import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LineName } from '../../src/core/lane.ts'
import type { Lanes, Slot } from '../../src/core/lanes.ts'
import { createLanes, sixteen, startAll } from '../support/lanes.ts'

const actions = ['add', 'add', 'add', 'start', 'start', 'end', 'end', 'take', 'drop'] as const

interface Step {
  readonly action: (typeof actions)[number]
  readonly hook: string
  readonly name: LineName
  readonly outcome: 'success' | 'failure' | 'unanswered' | 'pause'
  readonly passMs: number
  readonly pick: number
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom(...actions),
  hook: fc.constantFrom('a', 'b', 'c', 'd'),
  name: fc.constantFrom<LineName>('first', 'late'),
  outcome: fc.constantFrom('success', 'success', 'failure', 'unanswered', 'pause'),
  passMs: fc.constantFrom(0, 0, 10, 400, 1_500, 40_000),
  pick: fc.nat(),
})

/** Plays steps on lanes, and keeps its own account of all work. */
class Player {
  readonly lanes: Lanes<string> = createLanes({ maxInFlight: 6, maxLate: 4, maxSlow: 3 }).lanes
  /** Work that came out though it was not in. */
  readonly twice: string[] = []
  readonly #added = new Set<string>()
  readonly #left = new Set<string>()
  #out: Slot<string>[] = []
  #now = 0

  play(one: Step): void {
    this.#now += one.passMs
    this[one.action](one)
  }

  /** What lanes say of themselves, and what the account says. */
  counts(): { readonly told: readonly number[]; readonly kept: readonly number[] } {
    const { inFlight, queued } = this.lanes
    const left = this.#added.size - this.#left.size
    return {
      told: [inFlight, queued, [...this.lanes.queuedWork()].length],
      kept: [this.#out.length, left, left],
    }
  }

  /** Every call succeeds from now on: all that is queued must come out. */
  settle(): void {
    for (let round = 0; round < 1_000 && this.lanes.queued + this.#out.length > 0; round += 1) {
      this.#now += 10
      for (const slot of startAll(this.lanes, this.#now)) this.#started(slot)
      for (const slot of this.#out.splice(0)) {
        this.lanes.finish(slot, { kind: 'success' }, this.#now)
      }
    }
  }

  add({ hook, name }: Step): void {
    if (this.lanes.admission(hook, name, sixteen, this.#now).kind !== 'room') return
    const work = `${hook} ${this.#added.size}`
    this.#added.add(work)
    this.lanes.add(hook, name, work, this.#now)
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

  take({ pick }: Step): void {
    const crowds = this.lanes.takeCrowded(this.#now, () => pick % 2 === 0)
    for (const { evicted } of crowds) this.#gone(evicted)
  }

  drop(): void {
    this.#gone(this.lanes.drop((work) => work.length % 2 === 0))
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
          const { told, kept } = player.counts()
          expect(told).toEqual(kept)
        }
        player.settle()
        const { inFlight, queued, slow } = player.lanes
        expect([inFlight, queued, slow, player.twice]).toEqual([0, 0, 0, []])
      }),
      { numRuns: 300 },
    )
  })
})
