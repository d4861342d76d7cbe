import { describe, expect, it } from 'vitest'
import type { Lanes } from '../../../src/core/lane/lanes.ts'
import {
  createLanes,
  fill,
  finishAll,
  learn,
  ofTenant,
  second,
  sixteen,
  startAll,
  startSettled,
  warm,
  works,
} from '../../support/lanes.ts'

/**
 * Fills 990 hooks of each tenant, and starts what may start. A hook of each, `<tenant>-answers`, has answered just before.
 *
 * @param knownMs how long calls of the 990 took before; without it they have made none
 * @returns how many slots each tenant then holds, and when
 */
function fillCrowds(
  lanes: Lanes<string>,
  tenants: readonly string[],
  knownMs?: number,
): { readonly held: readonly number[]; readonly now: number } {
  const crowd = tenants.flatMap((tenant) =>
    Array.from({ length: 990 }, (_, hook) => ({
      hookId: `${tenant}-${hook}-`,
      limits: ofTenant(tenant),
    })),
  )
  let from = 0
  if (knownMs !== undefined) {
    for (const { hookId, limits } of crowd) {
      learn(lanes, hookId, limits, { from, to: from + knownMs })
      from += knownMs
    }
  }
  for (const id of tenants) learn(lanes, `${id}-answers`, ofTenant(id), { from, to: from + 1 })
  for (const { hookId, limits } of crowd) fill(lanes, hookId, 2, { limits, now: from })
  const { slots, now } = startSettled(lanes, from)
  return { now, held: tenants.map((id) => slots.filter(({ tenant }) => tenant.id === id).length) }
}

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
    'are held by %i tenants of many hooks that hang at S/(2+k) each, or 0.8 S/(1+k): another hook of theirs finds some',
    (count) => {
      const { lanes } = createLanes({ maxInFlight: 990 })
      const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
      const { held, now } = fillCrowds(lanes, tenants, 10 * second)
      const share = Math.min(990 / (2 + count), (0.8 * 990) / (1 + count))
      for (const each of held) expect(Math.abs(each - share)).toBeLessThanOrEqual(1)
      for (const tenant of tenants) {
        fill(lanes, `${tenant}-answers`, 1, { limits: ofTenant(tenant), now })
        expect(works(startAll(lanes, now))).toEqual([`${tenant}-answers0`])
        fill(lanes, `${tenant}-new`, 2, { limits: ofTenant(tenant), now })
        expect(works(startAll(lanes, now))).toEqual([`${tenant}-new0`])
      }
    },
  )

  it.each([1, 2, 3, 9])(
    'are held by %i tenants of many hooks that have made no call at S/(1.5+k) each, or 0.85 S/(0.75+k): a hook of theirs that answers finds some',
    (count) => {
      const { lanes } = createLanes({ maxInFlight: 990 })
      const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
      const { held, now } = fillCrowds(lanes, tenants)
      const share = Math.min(990 / (1.5 + count), (0.85 * 990) / (0.75 + count))
      for (const each of held) expect(Math.abs(each - share)).toBeLessThanOrEqual(1)
      for (const tenant of tenants) {
        fill(lanes, `${tenant}-answers`, 1, { limits: ofTenant(tenant), now })
        expect(works(startAll(lanes, now))).toEqual([`${tenant}-answers0`])
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
      lanes.isCrowdSlow(lanes.laneOf('unseen', sixteen, now), now, isLoopBusy)

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
      expect(lanes.longCallsOf(sixteen.tenantId, 6 * second)).toBeDefined()
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

    it('are measured while the event loop is busy, too', () => {
      const { lanes } = hanging()
      const measured = () => lanes.longCallsOf(sixteen.tenantId, second)
      expect(measured()).toMatchObject({ silentMs: second })
      expect(isSlow(lanes, second, true)).toBe(false)
      expect(measured()).toBeDefined()
    })

    it('are found to be held by slow calls while the event loop is busy only once these have lasted two seconds', () => {
      const { lanes } = hanging()
      expect(isSlow(lanes, 0.5 * second, true)).toBe(false)
      expect(isSlow(lanes, 0.5 * second)).toBe(true)
      expect(isSlow(lanes, 1.5 * second, true)).toBe(true)
      expect(isSlow(lanes, 1.5 * second + 1, true)).toBe(false)
      expect(isSlow(lanes, 2 * second, true)).toBe(true)
    })

    it('are held by slow calls for three seconds more while the event loop is busy, when these time out together and others begin', () => {
      const { lanes, slots } = hanging()
      expect(isSlow(lanes, 10 * second, true)).toBe(true)
      finishAll(lanes, slots, 'failure', 10 * second)
      startAll(lanes, 10 * second + 1)
      expect(isSlow(lanes, 10 * second + 400)).toBe(true)
      for (const time of [11, 12, 13]) expect(isSlow(lanes, time * second, true)).toBe(true)
    })

    it('are not held by slow calls any more, three seconds after these were found while the event loop is busy', () => {
      const { lanes, slots } = hanging()
      expect(isSlow(lanes, 10 * second, true)).toBe(true)
      finishAll(lanes, slots, 'success', 10 * second)
      fill(lanes, 'answers', 1, { now: 13 * second })
      startAll(lanes, 13 * second)
      expect(isSlow(lanes, 13 * second, true)).toBe(true)
      expect(isSlow(lanes, 13 * second + 1, true)).toBe(false)
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
    const { slots, now } = startSettled(lanes, 0)
    expect(slots.length).toBeGreaterThan(3_000)
    fill(lanes, 'other', 1, { limits: ofTenant('other'), now })
    expect(works(startAll(lanes, now))).toEqual(['other0'])
  })

  it('are there for a hook as soon as it has answered, however long the others are unknown', () => {
    const { lanes } = createLanes({ maxInFlight: 16 })
    fill(lanes, 'answers', 4)
    for (let index = 0; index < 20; index += 1) fill(lanes, `hangs-${index}-`, 1)
    const own = startAll(lanes, 0).filter(({ work }) => work.startsWith('answers'))
    expect(own.length).toBeGreaterThan(0)
    finishAll(lanes, own, 'success', 5)
    // More than a dozen of the others wait, each with nothing out, and for them there is no slot.
    expect(works(startAll(lanes, 5))).toEqual(['answers1', 'answers2', 'answers3'])
  })

  it('are left for a hook of which nothing is known either, and whose deliveries come moments after those of a crowd', () => {
    const { lanes } = createLanes({ maxInFlight: 900 })
    for (let hook = 0; hook < 900; hook += 1) fill(lanes, `hangs${hook}-`, 1)
    startAll(lanes, 0)
    fill(lanes, 'new', 2, { now: 400 })
    expect(works(startAll(lanes, 400))).toEqual([])
    expect(works(startAll(lanes, 500))[0]).toBe('new0')
  })

  it('are left for one of another tenant, where each hook of the crowd has a tenant of its own', () => {
    const { lanes } = createLanes({ maxInFlight: 900 })
    for (let hook = 0; hook < 900; hook += 1) {
      fill(lanes, `hangs${hook}-`, 1, { limits: ofTenant(`t${hook}`) })
    }
    startAll(lanes, 0)
    fill(lanes, 'new', 2, { limits: ofTenant('new'), now: 400 })
    expect(works(startAll(lanes, 400))).toEqual([])
    expect(works(startAll(lanes, 500))[0]).toBe('new0')
  })

  it('go first to the hook with the most deliveries, among those of which nothing is known', () => {
    const { lanes } = createLanes({ maxInFlight: 16 })
    for (let hook = 0; hook < 16; hook += 1) fill(lanes, `few${hook}-`, 2)
    fill(lanes, 'many', 3)
    expect(works(startAll(lanes, 0))[0]).toBe('many0')
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
    const { slots, now } = startSettled(lanes, 0)
    expect(slots).toHaveLength(225)
    const known = createLanes({ maxInFlight: 900, ...warm }).lanes
    learn(known, 'a', ofTenant('t', 1_000))
    fill(known, 'a', 1_000, { limits: ofTenant('t', 1_000) })
    expect(startAll(known, 2)).toHaveLength(300)
    fill(lanes, 'b', 1_000, { limits: ofTenant('t', 1_000), now })
    expect(startAll(lanes, now).length).toBeGreaterThanOrEqual(75)
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

describe('short calls', () => {
  /** Ten hooks of tenant `t` whose calls take ten seconds, with work and nothing in flight. */
  function fillCrowd(lanes: Lanes<string>): void {
    const crowd = Array.from({ length: 10 }, (_, hook) => `crowd-${hook}-`)
    for (const hookId of crowd) learn(lanes, hookId, ofTenant('t'), { to: 10 * second })
    for (const hookId of crowd) fill(lanes, hookId, 1, { limits: ofTenant('t') })
  }

  it.each(['t', 'u'])(
    'of tenant %s start before long ones of t that hold nothing, although theirs holds a slot already',
    (tenantId) => {
      const { lanes } = createLanes(warm)
      const limits = ofTenant(tenantId)
      learn(lanes, 'answers', limits)
      fill(lanes, 'answers', 1, { limits })
      startAll(lanes, 0)
      fillCrowd(lanes)
      fill(lanes, 'answers', 1, { limits })
      expect(lanes.next(0)?.work).toBe('answers0')
    },
  )

  it.each(['first', 'late'] as const)(
    'of %s lines leave one start in four to others that wait',
    (name) => {
      const { lanes } = createLanes(warm)
      learn(lanes, 'answers', ofTenant('t', 100))
      fill(lanes, 'answers', 40, { limits: ofTenant('t', 100), name })
      for (let hook = 0; hook < 5; hook += 1)
        fill(lanes, `new-${hook}-`, 1, { limits: ofTenant('t'), name })
      const started = works(startAll(lanes, 0)).slice(0, 16)
      expect(started.map((work) => work.startsWith('new'))).toEqual(
        Array.from({ length: 16 }, (_, index) => index % 4 === 3),
      )
    },
  )

  it('of both lines do so in each of them', () => {
    const { lanes } = createLanes(warm)
    learn(lanes, 'answers', ofTenant('t', 100))
    for (const name of ['first', 'late'] as const) {
      fill(lanes, 'answers', 40, { limits: ofTenant('t', 100), name })
      for (let hook = 0; hook < 5; hook += 1) {
        fill(lanes, `${name}-${hook}-`, 1, { limits: ofTenant('t'), name })
      }
    }
    const started = works(startAll(lanes, 0)).slice(0, 32)
    for (const name of ['first', 'late']) {
      expect(started.filter((work) => work.startsWith(name))).toHaveLength(4)
    }
  })
})
