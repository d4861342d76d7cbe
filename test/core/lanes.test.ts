import { describe, expect, it } from 'vitest'
import type { LineName } from '../../src/core/lane.ts'
import {
  createLanes,
  fill,
  finishAll,
  openLane,
  second,
  sixteen,
  startAll,
  works,
} from '../support/lanes.ts'

describe('lanes', () => {
  it('serve hooks in turn, whatever the order of arrival', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 5)
    fill(lanes, 'b', 2)
    expect(works(startAll(lanes, 0))).toEqual(['a0', 'b0', 'a1', 'b1'])
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

  it('do not grow with failures', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 10)
    finishAll(lanes, startAll(lanes, 0).slice(0, 1), 'failure', 0)
    expect(startAll(lanes, 0)).toHaveLength(1)
  })

  it('never have more calls in flight than the cap over all', () => {
    const { lanes } = createLanes({ maxInFlight: 3 })
    fill(lanes, 'a', 5)
    fill(lanes, 'b', 5)
    expect(startAll(lanes, 0)).toHaveLength(3)
    expect(lanes.inFlight).toBe(3)
  })

  it('let only hooks without a slow call start one while the budget for slow calls is full', () => {
    const { lanes } = createLanes({ maxSlow: 2 })
    fill(lanes, 'slow', 5)
    const slow = startAll(lanes, 0)
    expect(slow).toHaveLength(2)
    fill(lanes, 'fast', 1)
    expect(works(startAll(lanes, 1_500))).toEqual(['fast0'])
    finishAll(lanes, slow.slice(0, 1), 'success', 1_500)
    expect(works(startAll(lanes, 1_500))).toEqual(['slow2', 'slow3'])
  })

  it('hold a slow hook when its turn comes with the budget full, and wake it when another slow call ends', () => {
    const { lanes } = createLanes({ maxSlow: 1 })
    fill(lanes, 'a', 1)
    const [a] = startAll(lanes, 0)
    lanes.next(2_000)
    fill(lanes, 'b', 4)
    const b = startAll(lanes, 2_000)
    lanes.next(4_000)
    expect(lanes.slow).toBe(3)
    finishAll(lanes, b.slice(0, 1), 'success', 4_000)
    expect(startAll(lanes, 4_000)).toEqual([])
    finishAll(lanes, b.slice(1), 'success', 4_000)
    expect(works(startAll(lanes, 4_000))).toEqual(['b2', 'b3'])
    if (a !== undefined) lanes.finish(a, { kind: 'success' }, 4_000)
    expect(lanes.slow).toBe(0)
  })

  it('start no call while bodies in flight hold too much, and few while those of slow calls do', () => {
    const { lanes } = createLanes({ maxBytes: 300, maxSlowBytes: 150 }, { sizeOf: 100 })
    fill(lanes, 'slow', 3)
    const slow = startAll(lanes, 0)
    lanes.next(2_000)
    fill(lanes, 'b', 5)
    expect(works(startAll(lanes, 2_000))).toEqual(['b0'])
    finishAll(lanes, slow, 'success', 2_000)
    expect(works(startAll(lanes, 2_000))).toHaveLength(2)
  })

  it('keep the order of what is left when some is dropped', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 4)
    expect(lanes.drop((work) => work === 'a0' || work === 'a2')).toEqual(['a0', 'a2'])
    expect(lanes.queued).toBe(2)
    expect(works(startAll(lanes, 0))).toEqual(['a1', 'a3'])
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

  it('forget a hook that has nothing queued and no call out, at once or after a quarter of an hour', () => {
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

  it('remember one that is open for a day, or it would be called as if it were healthy', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    lanes.sweep(24 * 3_600 * second)
    expect(lanes.size).toBe(1)
    lanes.sweep(24 * 3_600 * second + 30 * second + 1)
    expect(lanes.size).toBe(0)
  })
})

describe('first tries', () => {
  it('find slots that a crowd of later ones cannot take', () => {
    const { lanes } = createLanes({ maxInFlight: 8, maxLate: 6 })
    for (const hook of ['a', 'b', 'c', 'd']) fill(lanes, hook, 10, { name: 'late' })
    expect(startAll(lanes, 0)).toHaveLength(4)
    for (const hook of ['e', 'f', 'g', 'h']) fill(lanes, hook, 10, { name: 'late' })
    expect(startAll(lanes, 0)).toHaveLength(2)
    fill(lanes, 'z', 1)
    expect(works(startAll(lanes, 0))).toEqual(['z0'])
  })

  it('find a quarter of their own lane free of later ones, and never wait for more than one of them', () => {
    const { lanes } = createLanes({ initialConcurrency: 8 })
    fill(lanes, 'a', 10, { name: 'late' })
    expect(startAll(lanes, 0)).toHaveLength(6)
    fill(lanes, 'a', 5)
    expect(startAll(lanes, 0).map(({ line }) => line.name)).toEqual(['first', 'first'])
  })

  it('take turns with later ones, so that neither starves', () => {
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
