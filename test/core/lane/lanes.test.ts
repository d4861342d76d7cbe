import { queryObjects } from 'node:v8'
import { describe, expect, it } from 'vitest'
import type { LineName } from '../../../src/core/lane/lane.ts'
import { YoungCalls } from '../../../src/core/lane/young-calls.ts'
import {
  createLanes,
  fill,
  finishAll,
  learn,
  ofTenant,
  openLane,
  second,
  sixteen,
  startAll,
  startSettled,
  warm,
  works,
} from '../../support/lanes.ts'

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

  it('keep nothing of a tenant whose only lane is forgotten, if it was emptied when it could start a call', () => {
    const { lanes } = createLanes()
    const before = queryObjects(YoungCalls, { format: 'count' })
    for (let number = 0; number < 20; number += 1) {
      const hook = `hook${number}`
      fill(lanes, hook, 3, { limits: ofTenant(`tenant${number}`) })
      const [one, other] = startAll(lanes, 0)
      if (one !== undefined) lanes.finish(one, { kind: 'success' }, 0)
      if (other !== undefined) lanes.finish(other, { kind: 'pause', until: 5 * second }, 0)
      expect(startAll(lanes, 0)).toEqual([])
      lanes.forget(hook)
    }
    expect(queryObjects(YoungCalls, { format: 'count' }) - before).toBeLessThan(10)
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
    expect(startSettled(lanes, 0).slots).toHaveLength(3)
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
    const { slots, now } = startSettled(lanes, 0)
    expect(slots).toHaveLength(6)
    fill(lanes, 'z', 1, { limits: ofTenant('z'), now })
    expect(works(startAll(lanes, now))).toEqual(['z0'])
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
