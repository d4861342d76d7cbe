import { describe, expect, it } from 'vitest'
import type { LineName } from '../../../src/core/lane/lane.ts'
import type { Lanes } from '../../../src/core/lane/lanes.ts'
import {
  createLanes,
  fill,
  finishAll,
  learn,
  openLane,
  second,
  sixteen,
  startAll,
  works,
} from '../../support/lanes.ts'

const ofTenant = (tenantId: string, concurrency = 16) => ({ ...sixteen, tenantId, concurrency })
/** Every lane may make as many calls at once as its hook allows. */
const warm = { initialConcurrency: 1_000 }

/**
 * Fills 990 hooks of each tenant, and starts what may start.
 *
 * @param knownMs how long their calls took before; without it they have made none
 * @returns how many slots each tenant then holds
 */
function fillCrowds(
  lanes: Lanes<string>,
  tenants: readonly string[],
  knownMs?: number,
): readonly number[] {
  const crowd = tenants.flatMap((tenant) =>
    Array.from({ length: 990 }, (_, hook) => ({
      hookId: `${tenant}-${hook}-`,
      limits: ofTenant(tenant),
    })),
  )
  if (knownMs !== undefined) {
    for (const { hookId, limits } of crowd) learn(lanes, hookId, limits, knownMs)
  }
  for (const { hookId, limits } of crowd) fill(lanes, hookId, 2, { limits })
  const started = startAll(lanes, 0)
  return tenants.map((id) => started.filter(({ tenant }) => tenant.id === id).length)
}

describe('lanes', () => {
  it('serve hooks in turn, whatever the order of arrival', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 5)
    fill(lanes, 'b', 2)
    expect(works(startAll(lanes, 0))).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  it('serve tenants in turn, however many hooks one has', () => {
    const { lanes } = createLanes()
    for (const hook of ['a', 'b', 'c', 'd']) fill(lanes, hook, 5, { limits: ofTenant('many') })
    fill(lanes, 'z', 2, { limits: ofTenant('one') })
    expect(works(startAll(lanes, 0)).slice(0, 4)).toEqual(['a0', 'z0', 'b0', 'z1'])
  })

  it('serve the fastest lane first, among those with equally many calls in flight', () => {
    const { lanes } = createLanes({ initialConcurrency: 1 })
    const limits = ofTenant('default', 1)
    for (const [hook, ms] of [
      ['slow', 5_000],
      ['fast', 10],
    ] as const) {
      fill(lanes, hook, 1, { limits })
      finishAll(lanes, startAll(lanes, 0), 'success', ms)
    }
    fill(lanes, 'slow', 1, { limits, now: 6_000 })
    fill(lanes, 'unknown', 1, { limits, now: 6_000 })
    fill(lanes, 'fast', 1, { limits, now: 6_000 })
    expect(works(startAll(lanes, 6_000))).toEqual(['fast0', 'slow0', 'unknown0'])
  })

  it('start with two calls at once and grow by one with each success up to the limit', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 30, { limits: { ...sixteen, concurrency: 4 } })
    let running = [...startAll(lanes, 0)]
    const seen = [running.length]
    for (let round = 0; round < 4; round += 1) {
      finishAll(lanes, running.splice(0, 1), 'success', 0)
      running = [...running, ...startAll(lanes, 0)]
      seen.push(running.length)
    }
    expect(seen).toEqual([2, 3, 4, 4, 4])
  })

  it('make half as many calls at once after a failure', () => {
    const { lanes } = createLanes({ initialConcurrency: 4 })
    fill(lanes, 'a', 10)
    const [one, ...others] = startAll(lanes, 0)
    expect(others).toHaveLength(3)
    finishAll(lanes, one === undefined ? [] : [one], 'failure', 0)
    expect(startAll(lanes, 0)).toHaveLength(0)
    finishAll(lanes, others.slice(0, 2), 'success', 0)
    expect(startAll(lanes, 0)).toHaveLength(1)
  })

  it('never have more calls in flight than the cap over all', () => {
    const { lanes } = createLanes({ maxInFlight: 3 })
    for (const hook of ['a', 'b', 'c', 'd', 'e']) fill(lanes, hook, 5, { limits: ofTenant(hook) })
    expect(startAll(lanes, 0)).toHaveLength(3)
    expect(lanes.inFlight).toBe(3)
    expect(lanes.hasFreeSlots).toBe(false)
  })

  it('let a call through when there is only one slot', () => {
    const { lanes } = createLanes({ maxInFlight: 1 })
    fill(lanes, 'a', 2)
    fill(lanes, 'b', 2, { name: 'late' })
    const seen: string[] = []
    for (let round = 0; round < 4; round += 1) {
      const slots = startAll(lanes, round)
      expect(slots).toHaveLength(1)
      seen.push(...works(slots))
      finishAll(lanes, slots, 'success', round)
    }
    expect(seen.toSorted()).toEqual(['a0', 'a1', 'b0', 'b1'])
  })

  it('let a call through whose body is larger than the bound of all bodies, when no other is in flight', () => {
    const { lanes } = createLanes({ maxBytes: 100 }, { sizeOf: () => 500 })
    fill(lanes, 'a', 2)
    const slots = startAll(lanes, 0)
    expect(works(slots)).toEqual(['a0'])
    finishAll(lanes, slots, 'success', 0)
    expect(works(startAll(lanes, 0))).toEqual(['a1'])
  })

  it('keep the order of what is left when some is dropped', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 4)
    expect(lanes.drop((work) => work === 'a0' || work === 'a2')).toEqual(['a0', 'a2'])
    expect(lanes.queued).toBe(2)
    expect(works(startAll(lanes, 0))).toEqual(['a1', 'a3'])
  })

  it('give back what is removed from its place, once', () => {
    const { lanes } = createLanes()
    const lane = lanes.laneOf('a', sixteen, 0)
    const [x, y, z] = ['x', 'y', 'z'].map((work) => lanes.add(lane, 'first', work, 0))
    if (x === undefined || y === undefined || z === undefined) throw new Error('not added')
    expect([lanes.remove('a', 'first', y), lanes.remove('a', 'first', y)]).toEqual([true, false])
    expect(lanes.queued).toBe(2)
    expect(works(startAll(lanes, 0))).toEqual(['x', 'z'])
    expect(lanes.remove('a', 'first', x)).toBe(false)
    expect(lanes.remove('unknown', 'first', z)).toBe(false)
    expect(lanes.queued).toBe(0)
  })

  it('count a call once, however often it is finished', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 1)
    const slots = startAll(lanes, 0)
    finishAll(lanes, [...slots, ...slots], 'success', 0)
    expect(lanes.inFlight).toBe(0)
  })

  it('serve a thousand hooks with one call each before any gets its second', () => {
    const { lanes } = createLanes({ maxInFlight: 5_000 })
    for (let hook = 0; hook < 1_000; hook += 1) fill(lanes, `h${hook}-`, 2)
    const first = startAll(lanes, 0).slice(0, 1_000)
    expect(new Set(first.map(({ line }) => line.lane.hookId)).size).toBe(1_000)
  })

  it('forget a hook without queue and calls, at once or after a quarter of an hour', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 1)
    lanes.forget('a')
    expect(lanes.size).toBe(1)
    finishAll(lanes, startAll(lanes, 0), 'success', 0)
    lanes.sweep(15 * 60 * second)
    expect(lanes.size).toBe(1)
    lanes.sweep(15 * 60 * second + 1)
    expect(lanes.size).toBe(0)
    fill(lanes, 'a', 1)
    finishAll(lanes, startAll(lanes, 0), 'success', 0)
    lanes.forget('a')
    expect(lanes.size).toBe(0)
  })

  it('keep an open lane for a day, or it would be called as if it were healthy', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    lanes.sweep(24 * 3_600 * second)
    expect(lanes.size).toBe(1)
    lanes.sweep(24 * 3_600 * second + 30 * second + 1)
    expect(lanes.size).toBe(0)
  })
})

describe('slots', () => {
  it.each([1, 2, 3, 9])('are held by %i tenants of many hooks at S/(1+k) each', (count) => {
    const { lanes } = createLanes({ maxInFlight: 900 })
    const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
    for (const tenant of tenants) {
      for (let hook = 0; hook < 900; hook += 1) {
        learn(lanes, `${tenant}-${hook}-`, ofTenant(tenant))
      }
    }
    for (const tenant of tenants) {
      for (let hook = 0; hook < 900; hook += 1) {
        fill(lanes, `${tenant}-${hook}-`, 2, { limits: ofTenant(tenant) })
      }
    }
    const started = startAll(lanes, 0)
    const each = tenants.map((id) => started.filter(({ tenant }) => tenant.id === id).length)
    for (const held of each) expect(Math.abs(held - 900 / (1 + count))).toBeLessThanOrEqual(1)
  })

  it.each([1, 2, 3, 9])(
    'are held by %i tenants of many hooks that hang at S/(2+k) each: another hook of theirs finds some',
    (count) => {
      const { lanes } = createLanes({ maxInFlight: 990 })
      const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
      for (const tenant of tenants) learn(lanes, `${tenant}-answers`, ofTenant(tenant))
      const held = fillCrowds(lanes, tenants, 10 * second)
      for (const each of held) expect(Math.abs(each - 990 / (2 + count))).toBeLessThanOrEqual(1)
      for (const tenant of tenants) {
        fill(lanes, `${tenant}-answers`, 1, { limits: ofTenant(tenant) })
        expect(works(startAll(lanes, 0))).toEqual([`${tenant}-answers0`])
        fill(lanes, `${tenant}-new`, 2, { limits: ofTenant(tenant) })
        expect(works(startAll(lanes, 0))).toEqual([`${tenant}-new0`])
      }
    },
  )

  it.each([1, 2, 3, 9])(
    'are held by %i tenants of many hooks that have made no call at S/(1.5+k) each: a hook of theirs that answers finds some',
    (count) => {
      const { lanes } = createLanes({ maxInFlight: 990 })
      const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
      for (const tenant of tenants) learn(lanes, `${tenant}-answers`, ofTenant(tenant))
      const held = fillCrowds(lanes, tenants)
      for (const each of held) expect(Math.abs(each - 990 / (1.5 + count))).toBeLessThanOrEqual(1)
      for (const tenant of tenants) {
        fill(lanes, `${tenant}-answers`, 1, { limits: ofTenant(tenant) })
        expect(works(startAll(lanes, 0))).toEqual([`${tenant}-answers0`])
      }
    },
  )

  describe('of a tenant', () => {
    /** Ten hooks of it hang since 0. */
    function hanging() {
      const { lanes } = createLanes()
      for (let hook = 0; hook < 10; hook += 1) fill(lanes, `hangs${hook}-`, 3)
      return { lanes, slots: startAll(lanes, 0) }
    }
    const isSlow = (lanes: Lanes<string>, now: number, isLoopBusy = false) =>
      lanes.isTenantSlow(sixteen.tenantId, now, isLoopBusy)

    it('are held by slow calls once more than a quarter have lasted half a second', () => {
      const { lanes } = hanging()
      expect(isSlow(lanes, 400)).toBe(false)
      expect(isSlow(lanes, 500)).toBe(true)
    })

    it('are held by slow calls for a second more, when these time out together and others begin', () => {
      const { lanes, slots } = hanging()
      expect(isSlow(lanes, 5 * second)).toBe(true)
      finishAll(lanes, slots, 'failure', 5 * second)
      startAll(lanes, 5 * second + 1)
      expect(isSlow(lanes, 5 * second + 400)).toBe(true)
      expect(isSlow(lanes, 6 * second)).toBe(true)
      expect(lanes.longCallsOf(sixteen.tenantId, 6 * second, false)).toBeDefined()
    })

    it('are not held by slow calls any more, a second after these were answered', () => {
      const { lanes, slots } = hanging()
      expect(isSlow(lanes, 5 * second)).toBe(true)
      finishAll(lanes, slots, 'success', 5 * second)
      for (let time = 5; time < 7; time += 0.1) {
        fill(lanes, 'answers', 1, { now: time * second })
        finishAll(lanes, startAll(lanes, time * second), 'success', time * second + 10)
      }
      fill(lanes, 'answers', 1, { now: 7 * second })
      startAll(lanes, 7 * second)
      expect(isSlow(lanes, 7 * second)).toBe(false)
    })

    it('are not found to be held by slow calls while the event loop is busy', () => {
      const { lanes } = hanging()
      expect(isSlow(lanes, 2 * second, true)).toBe(false)
      expect(isSlow(lanes, 2 * second)).toBe(true)
      expect(isSlow(lanes, 3 * second, true)).toBe(true)
      expect(isSlow(lanes, 3 * second + 1, true)).toBe(false)
    })
  })

  it('of 4,500 hooks of one tenant that hang leave another tenant, and a hook that answers, no wait', () => {
    const { lanes } = createLanes({ maxInFlight: 4_096 })
    const greedy = ofTenant('greedy')
    learn(lanes, 'answers', greedy)
    for (let hook = 0; hook < 4_500; hook += 1) fill(lanes, `hangs${hook}-`, 5, { limits: greedy })
    expect(startAll(lanes, 0).length).toBeLessThanOrEqual(2_048)
    fill(lanes, 'other', 1, { limits: ofTenant('other'), now: 1 })
    fill(lanes, 'answers', 1, { limits: greedy, now: 1 })
    expect(works(startAll(lanes, 1)).toSorted()).toEqual(['answers0', 'other0'])
  })

  it.each([8, 64])('of %i tenants whose hooks hang leave another tenant no wait', (count) => {
    const { lanes } = createLanes({ maxInFlight: 4_096 })
    for (let tenant = 0; tenant < count; tenant += 1) {
      for (let hook = 0; hook < 1_000; hook += 1) {
        fill(lanes, `t${tenant}-${hook}-`, 2, { limits: ofTenant(`t${tenant}`) })
      }
    }
    expect(startAll(lanes, 0).length).toBeGreaterThan(3_000)
    fill(lanes, 'other', 1, { limits: ofTenant('other'), now: 1 })
    expect(works(startAll(lanes, 1))).toEqual(['other0'])
  })

  it('are there for a hook as soon as it has answered, however long the others are unknown', () => {
    const { lanes } = createLanes({ maxInFlight: 16 })
    fill(lanes, 'answers', 4)
    for (let index = 0; index < 20; index += 1) fill(lanes, `hangs-${index}-`, 1)
    const begun = startAll(lanes, 0)
    const own = begun.filter(({ work }) => work.startsWith('answers'))
    expect(own.length).toBeGreaterThan(0)
    finishAll(lanes, own, 'success', 5)
    // A dozen of the others wait, each with nothing out, and for them there is no slot.
    expect(works(startAll(lanes, 5))).toEqual(['answers1', 'answers2'])
  })

  it('of sixteen warmed hooks that hold 256 calls each leave others of their tenant some', () => {
    const { lanes } = createLanes({ maxInFlight: 4_096, ...warm })
    const limits = ofTenant('default', 256)
    for (let hook = 0; hook < 16; hook += 1) learn(lanes, `holds${hook}-`, limits)
    for (let hook = 0; hook < 16; hook += 1) fill(lanes, `holds${hook}-`, 400, { limits })
    expect(startAll(lanes, 2).length).toBeLessThanOrEqual(2_048)
    fill(lanes, 'new', 1, { now: 3 })
    fill(lanes, 'other', 1, { limits: ofTenant('other'), now: 3 })
    expect(works(startAll(lanes, 3)).toSorted()).toEqual(['new0', 'other0'])
  })

  it('are held up to a third by a lone hook, and up to a quarter by a lone unknown one', () => {
    const { lanes } = createLanes({ maxInFlight: 900, ...warm })
    learn(lanes, 'b', ofTenant('t', 1_000))
    fill(lanes, 'a', 1_000, { limits: ofTenant('t', 1_000) })
    expect(startAll(lanes, 0)).toHaveLength(225)
    const known = createLanes({ maxInFlight: 900, ...warm }).lanes
    learn(known, 'a', ofTenant('t', 1_000))
    fill(known, 'a', 1_000, { limits: ofTenant('t', 1_000) })
    expect(startAll(known, 2)).toHaveLength(300)
    fill(lanes, 'b', 1_000, { limits: ofTenant('t', 1_000) })
    expect(startAll(lanes, 0).length).toBeGreaterThanOrEqual(75)
  })

  it('are not kept from a hook whose tenant has its share, by another tenant whose lone hook has its own', () => {
    const { lanes } = createLanes({ maxInFlight: 100, ...warm })
    for (let hook = 0; hook < 26; hook += 1) learn(lanes, `hangs${hook}-`, ofTenant('many'))
    learn(lanes, 'quick', ofTenant('many'))
    // 25 calls of a hook, and 26 of another tenant: 49 are free.
    fill(lanes, 'lone', 100, { limits: ofTenant('one', 100) })
    for (let call = 0; call < 25; call += 1) lanes.next(0)
    for (let hook = 0; hook < 26; hook += 1) {
      fill(lanes, `hangs${hook}-`, 1, { limits: ofTenant('many') })
    }
    expect(startAll(lanes, 0).length).toBeGreaterThanOrEqual(26)
    fill(lanes, 'quick', 1, { limits: ofTenant('many') })
    expect(works(startAll(lanes, 0))).toContain('quick0')
  })

  it('of a hook that moved to another tenant are freed as its calls end', () => {
    const { lanes } = createLanes({ maxInFlight: 12, ...warm })
    learn(lanes, 'b', ofTenant('one'))
    fill(lanes, 'a', 20, { limits: ofTenant('one') })
    const before = startAll(lanes, 0)
    expect(before).toHaveLength(3)
    lanes.laneOf('a', ofTenant('two'), 0)
    fill(lanes, 'b', 20, { limits: ofTenant('one') })
    const between = startAll(lanes, 0)
    expect(between.filter(({ tenant }) => tenant.id === 'one').length).toBeGreaterThan(0)
    finishAll(lanes, before, 'success', 1)
    const later = [...between, ...startAll(lanes, 1)]
    expect(later.filter(({ tenant }) => tenant.id === 'two').length).toBeGreaterThan(1)
    expect(later.filter(({ tenant }) => tenant.id === 'one').length).toBeGreaterThan(1)
  })

  it('are found by both lines of a hook that moved to another tenant', () => {
    const { lanes } = createLanes({ maxInFlight: 1 })
    fill(lanes, 'other', 1, { limits: ofTenant('other') })
    const slots = startAll(lanes, 0)
    fill(lanes, 'a', 1, { limits: ofTenant('one') })
    fill(lanes, 'a', 1, { limits: ofTenant('one'), name: 'late' })
    lanes.laneOf('a', ofTenant('two'), 0)
    finishAll(lanes, slots, 'success', 1)
    const first = startAll(lanes, 1)
    finishAll(lanes, first, 'success', 1)
    const second = startAll(lanes, 1)
    expect([...first, ...second].map(({ line }) => line.name).toSorted()).toEqual(['first', 'late'])
  })
})

describe('bytes', () => {
  it('are shared out like slots', () => {
    const { lanes } = createLanes({ maxBytes: 900, ...warm }, { sizeOf: () => 100 })
    const hooks = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
    for (const hook of hooks) learn(lanes, hook, ofTenant('heavy'))
    for (const hook of hooks) fill(lanes, hook, 9, { limits: ofTenant('heavy') })
    expect(startAll(lanes, 0)).toHaveLength(5)
    fill(lanes, 'z', 9, { limits: ofTenant('other') })
    const others = startAll(lanes, 0)
    expect(others.length).toBeGreaterThanOrEqual(1)
    expect(lanes.inFlight).toBeLessThan(9)
  })

  it('that one tenant holds leave room for another, whose hook starts at once', () => {
    const { lanes } = createLanes(
      { maxBytes: 1_000, ...warm },
      { sizeOf: (work) => (work.startsWith('heavy') ? 300 : 1) },
    )
    fill(lanes, 'heavy', 9, { limits: ofTenant('heavy') })
    expect(startAll(lanes, 0)).toHaveLength(1)
    fill(lanes, 'light', 9, { limits: ofTenant('light') })
    expect(startAll(lanes, 0)).toHaveLength(9)
  })
})

describe('first attempts', () => {
  it('find slots that many late calls cannot take', () => {
    const { lanes } = createLanes({ maxInFlight: 8 })
    const hooks = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const hook of hooks) fill(lanes, hook, 10, { name: 'late', limits: ofTenant(hook) })
    expect(startAll(lanes, 0)).toHaveLength(6)
    fill(lanes, 'z', 1, { limits: ofTenant('z') })
    expect(works(startAll(lanes, 0))).toEqual(['z0'])
  })

  it('of a tenant find slots that many of its late calls cannot take', () => {
    const { lanes } = createLanes({ maxInFlight: 80 })
    for (let hook = 0; hook < 80; hook += 1) learn(lanes, `h${hook}-`)
    for (let hook = 0; hook < 80; hook += 1) learn(lanes, `f${hook}-`)
    for (let hook = 0; hook < 80; hook += 1) fill(lanes, `h${hook}-`, 10, { name: 'late' })
    const late = startAll(lanes, 0).length
    expect(late).toBeGreaterThanOrEqual(28)
    expect(late).toBeLessThanOrEqual(30)
    for (let hook = 0; hook < 80; hook += 1) fill(lanes, `f${hook}-`, 10)
    expect(startAll(lanes, 0)).toHaveLength(40 - late)
  })

  it('find a free place in their own lane when calls are long, and need none when they are short', () => {
    const { lanes } = createLanes({ initialConcurrency: 8 })
    fill(lanes, 'a', 20, { name: 'late' })
    const unknown = startAll(lanes, 0)
    expect(unknown).toHaveLength(7)
    fill(lanes, 'a', 5)
    expect(startAll(lanes, 0).map(({ line }) => line.name)).toEqual(['first'])

    fill(lanes, 'b', 20, { name: 'late' })
    finishAll(lanes, startAll(lanes, 0).slice(0, 1), 'success', 10)
    fill(lanes, 'b', 1, { name: 'late', now: 10 })
    startAll(lanes, 10)
    expect(lanes.get('b')?.inFlight).toBe(9)
  })

  it('leave the only call of a lane to late ones too', () => {
    const { lanes } = createLanes({ initialConcurrency: 1 })
    fill(lanes, 'a', 1, { name: 'late', limits: ofTenant('t', 1) })
    expect(startAll(lanes, 0)).toHaveLength(1)
  })

  it('take turns with late ones, so that neither starves', () => {
    const { lanes } = createLanes({ initialConcurrency: 1 })
    const limits = { ...sixteen, concurrency: 1 }
    fill(lanes, 'a', 10, { limits })
    fill(lanes, 'a', 10, { limits, name: 'late' })
    const order: LineName[] = []
    for (let round = 0; round < 8; round += 1) {
      const slots = startAll(lanes, round)
      order.push(...slots.map(({ line }) => line.name))
      finishAll(lanes, slots, 'success', round)
    }
    expect(order.filter((name) => name === 'first')).toHaveLength(4)
  })
})
