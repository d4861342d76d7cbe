import { describe, expect, it } from 'vitest'
import { Lanes, type LaneLimits, type Slot } from '../../src/core/lanes.ts'

const limits: LaneLimits = {
  maxInFlight: 100,
  slowAfterMs: 1_000,
  maxSlow: 50,
  maxQueued: 10,
  initialConcurrency: 2,
}

function startAll(lanes: Lanes<string>, now: number): readonly Slot<string>[] {
  const slots: Slot<string>[] = []
  for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) slots.push(slot)
  return slots
}

function fill(lanes: Lanes<string>, hookId: string, count: number, limit = 16): void {
  for (let index = 0; index < count; index += 1) lanes.add(hookId, limit, `${hookId}${index}`)
}

describe('lanes', () => {
  it('serve hooks in turn, whatever the order of arrival', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 5)
    fill(lanes, 'b', 2)
    expect(startAll(lanes, 0).map((slot) => slot.work)).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  it('start with two calls at once and grow by one with each success up to the limit', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 30, 4)
    let running = [...startAll(lanes, 0)]
    const seen = [running.length]
    for (let round = 0; round < 4; round += 1) {
      const slot = running.shift()
      if (slot !== undefined) lanes.finish(slot, true)
      running = [...running, ...startAll(lanes, 0)]
      seen.push(running.length)
    }
    expect(seen).toEqual([2, 3, 4, 4, 4])
  })

  it('do not grow with failures', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 10)
    const [first] = startAll(lanes, 0)
    if (first !== undefined) lanes.finish(first, false)
    expect(startAll(lanes, 0)).toHaveLength(1)
  })

  it('never have more calls in flight than the cap over all', () => {
    const lanes = new Lanes<string>({ ...limits, maxInFlight: 3 })
    fill(lanes, 'a', 5)
    fill(lanes, 'b', 5)
    expect(startAll(lanes, 0)).toHaveLength(3)
    expect(lanes.inFlight).toBe(3)
  })

  it('let only hooks without a slow call start one while the budget for slow calls is full', () => {
    const lanes = new Lanes<string>({ ...limits, maxSlow: 2 })
    fill(lanes, 'slow', 5)
    const slow = startAll(lanes, 0)
    expect(slow).toHaveLength(2)
    fill(lanes, 'fast', 1)
    expect(startAll(lanes, 1_500).map((slot) => slot.work)).toEqual(['fast0'])
    const [first] = slow
    if (first !== undefined) lanes.finish(first, true)
    expect(startAll(lanes, 1_500).map((slot) => slot.work)).toEqual(['slow2', 'slow3'])
  })

  it('hold a slow hook when its turn comes with the budget full, and wake it when another slow call ends', () => {
    const lanes = new Lanes<string>({ ...limits, maxSlow: 1 })
    fill(lanes, 'a', 1)
    const [a] = startAll(lanes, 0)
    lanes.next(2_000)
    fill(lanes, 'b', 4)
    const [b, b2] = startAll(lanes, 2_000)
    lanes.next(4_000)
    expect(lanes.slow).toBe(3)
    if (b !== undefined) lanes.finish(b, true)
    expect(startAll(lanes, 4_000)).toEqual([])
    if (b2 !== undefined) lanes.finish(b2, true)
    expect(startAll(lanes, 4_000).map((slot) => slot.work)).toEqual(['b2', 'b3'])
    if (a !== undefined) lanes.finish(a, true)
    expect(lanes.slow).toBe(0)
  })

  it('say when a hook has no room, and have room again when work has started', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 10)
    expect(lanes.hasRoom('a')).toBe(false)
    expect(lanes.hasRoom('b')).toBe(true)
    lanes.next(0)
    expect(lanes.hasRoom('a')).toBe(true)
  })

  it('forget dropped work and keep the order of the rest', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 4)
    expect(lanes.drop((work) => work === 'a0' || work === 'a2')).toEqual(['a0', 'a2'])
    expect(lanes.queued).toBe(2)
    expect(startAll(lanes, 0).map((slot) => slot.work)).toEqual(['a1', 'a3'])
  })

  it('count a call once, however often it is finished', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 1)
    const slot = lanes.next(0)
    if (slot !== undefined) lanes.finish(slot, true)
    if (slot !== undefined) lanes.finish(slot, true)
    expect(lanes.inFlight).toBe(0)
  })

  it('serve a thousand hooks with one call each before any gets its second', () => {
    const lanes = new Lanes<string>({ ...limits, maxInFlight: 5_000 })
    for (let hook = 0; hook < 1_000; hook += 1) fill(lanes, `h${hook}-`, 2)
    const first = startAll(lanes, 0).slice(0, 1_000)
    expect(new Set(first.map((slot) => slot.lane.hookId)).size).toBe(1_000)
  })
})

describe('the lane of a deleted hook', () => {
  it('is forgotten once nothing is queued or in flight, and starts anew if the hook comes back', () => {
    const lanes = new Lanes<string>(limits)
    fill(lanes, 'a', 4)
    const [first, second] = startAll(lanes, 0)
    lanes.forget('a')
    if (first !== undefined) lanes.finish(first, true)
    if (second !== undefined) lanes.finish(second, true)
    for (const slot of startAll(lanes, 0)) lanes.finish(slot, true)
    lanes.forget('a')
    fill(lanes, 'a', 10)
    expect(startAll(lanes, 0)).toHaveLength(2)
  })
})
