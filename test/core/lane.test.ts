import { describe, expect, it } from 'vitest'
import type { LaneCondition } from '../../src/core/lane.ts'
import { Lanes } from '../../src/core/lanes.ts'
import {
  admission,
  createLanes,
  fill,
  finishAll,
  flowing,
  openLane,
  sixteen,
  startAll,
  usual,
  works,
} from '../support/lanes.ts'

describe('a rate limit', () => {
  const limits = { concurrency: 16, ratePerSecond: 10 }

  it('starts one call, and asks to be woken for the next', () => {
    const { lanes, alarms } = createLanes({ initialConcurrency: 4 })
    fill(lanes, 'a', 3, { limits, now: 1_000 })
    expect(works(startAll(lanes, 1_000))).toEqual(['a0', 'a1'])
    expect(startAll(lanes, 1_050)).toEqual([])
    expect(alarms.map(({ at }) => at)).toEqual([1_100])
    alarms[0]?.again()
    expect(works(startAll(lanes, 1_100))).toEqual(['a2'])
  })

  it('that is changed counts at once', () => {
    const { lanes, alarms } = createLanes()
    const slow = { concurrency: 16, ratePerSecond: 0.01 }
    fill(lanes, 'a', 3, { limits: slow, now: 1_000 })
    startAll(lanes, 1_000)
    expect(alarms).toHaveLength(1)
    lanes.admission('a', 'first', sixteen, 1_001)
    expect(startAll(lanes, 1_001)).toHaveLength(1)
  })

  it('is known to be slow without having been seen', () => {
    const { lanes } = createLanes({ maxQueued: 100 })
    fill(lanes, 'a', 21, { limits })
    expect(lanes.admission('a', 'first', limits, 0)).toEqual({
      kind: 'crowded',
      perMs: 0.01,
      isFull: false,
    })
  })
})

describe('a lane', () => {
  it('that is healthy is full at its bound, in each of its lines', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 10)
    expect(admission(lanes, 0)).toBe('full')
    expect(admission(lanes, 0, { name: 'late' })).toBe('room')
    lanes.next(0)
    expect(admission(lanes, 0)).toBe('room')
  })

  it('is crowded after a second of silence when it has more than two seconds of work', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 8)
    startAll(lanes, 0)
    expect(admission(lanes, 999)).toBe('room')
    expect(lanes.admission('a', 'first', sixteen, 1_000)).toEqual({
      kind: 'crowded',
      perMs: 0.002,
      isFull: false,
    })
    expect(admission(lanes, 1_000, { name: 'late' })).toBe('room')
  })

  it('is crowded by what it was seen to do within a second of calls', () => {
    const { lanes } = createLanes({ maxQueued: 100 })
    fill(lanes, 'a', 50)
    let running = [...startAll(lanes, 0)]
    for (let now = 500; now <= 1_000; now += 500) {
      finishAll(lanes, running, 'failure', now)
      running = [...startAll(lanes, now)]
    }
    // Four calls in a second of which two are left to come in each of the two seconds.
    expect(admission(lanes, 1_000)).toBe('crowded')
  })

  it('that works is not judged by a pause of its endpoint, and takes more meanwhile', () => {
    const { lanes } = createLanes({ maxQueued: 10, maxQueuedSilent: 20 })
    fill(lanes, 'a', 10)
    let running = startAll(lanes, 0)
    for (let now = 10; now <= 1_000; now += 10) {
      finishAll(lanes, running.slice(0, 1), 'success', now)
      fill(lanes, 'a', 1, { now })
      running = [...running.slice(1), ...startAll(lanes, now)]
    }
    const now = 1_000
    fill(lanes, 'a', 20, { now })
    expect(admission(lanes, now + 999)).toBe('full')
    lanes.drop((work) => work === 'a0')
    fill(lanes, 'a', 1, { now })
    expect(admission(lanes, now + 2_999)).not.toBe('crowded')
    expect(admission(lanes, now + 3_000)).toBe('crowded')
  })

  it('gives back what would wait too long, but for the oldest that fit and what may not be taken', () => {
    const { lanes } = createLanes({ maxQueued: 100 })
    fill(lanes, 'a', 10)
    startAll(lanes, 0)
    expect(lanes.mayCrowd).toBe(true)
    expect(lanes.takeCrowded(999, () => true)).toEqual([])
    const [crowd] = lanes.takeCrowded(1_001, (work) => work !== 'a7')
    expect(crowd?.evicted).toEqual(['a5', 'a6', 'a8', 'a9'])
    expect(lanes.queued).toBe(4)
  })

  it('opens by five failures, gives back what is queued, and takes nothing until its time is over', () => {
    const { lanes } = createLanes()
    for (let failure = 0; failure < 4; failure += 1) {
      fill(lanes, 'a', 1)
      finishAll(lanes, startAll(lanes, 0), 'failure', 0)
    }
    fill(lanes, 'a', 4)
    fill(lanes, 'a', 2, { name: 'late' })
    const [slot] = startAll(lanes, 0)
    const move = slot && lanes.finish(slot, { kind: 'failure' }, 10)
    expect(move?.condition).toEqual({ kind: 'open', until: 30_010 })
    expect(move?.evicted).toHaveLength(4)
    expect(lanes.queued).toBe(0)
    expect(lanes.admission('a', 'first', sixteen, 20)).toEqual({ kind: 'blocked', until: 30_010 })
  })

  it('that is open takes one probe when its time is over, and the rest waits for its outcome', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    expect(admission(lanes, 30_000)).toBe('room')
    fill(lanes, 'a', 1, { now: 30_000 })
    expect(admission(lanes, 30_000)).toBe('blocked')
    const [probe] = startAll(lanes, 30_000)
    expect(admission(lanes, 31_000, { name: 'late' })).toBe('blocked')
    const move = probe && lanes.finish(probe, { kind: 'success' }, 32_000)
    expect(move).toEqual({ condition: flowing, evicted: [] })
    fill(lanes, 'a', 5, { now: 32_000 })
    expect(startAll(lanes, 32_000)).toHaveLength(2)
  })

  it('does not hear of calls that began before it opened', () => {
    const { lanes } = createLanes({ initialConcurrency: 6 })
    fill(lanes, 'a', 6)
    const slots = startAll(lanes, 0)
    finishAll(lanes, slots.slice(0, 5), 'failure', 0)
    const [last] = slots.slice(5)
    fill(lanes, 'a', 1, { now: 30_000 })
    const [probe] = startAll(lanes, 30_000)
    if (last !== undefined) lanes.finish(last, { kind: 'success' }, 30_001)
    expect(admission(lanes, 30_001)).toBe('blocked')
    const move = probe && lanes.finish(probe, { kind: 'failure' }, 30_002)
    expect(move?.condition).toEqual({ kind: 'open', until: 330_002 })
  })

  it('may be probed again at once when a probe came to nothing', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    fill(lanes, 'a', 1, { now: 30_000 })
    const [probe] = startAll(lanes, 30_000)
    if (probe !== undefined) lanes.finish(probe, { kind: 'unanswered' }, 30_001)
    expect(admission(lanes, 30_001)).toBe('room')
  })

  it('pauses until the time that its endpoint asked for, gives back its queue, and begins slowly after', () => {
    const { lanes } = createLanes({ initialConcurrency: 2 })
    fill(lanes, 'a', 9)
    const first = startAll(lanes, 0)
    finishAll(lanes, first, 'success', 0)
    const [one, ...others] = startAll(lanes, 0)
    expect(others).toHaveLength(3)
    const move = one && lanes.finish(one, { kind: 'pause', until: 5_000 }, 10)
    expect(move).toEqual({
      condition: { kind: 'paused', until: 5_000 },
      evicted: ['a6', 'a7', 'a8'],
    })
    finishAll(lanes, others, 'success', 20)
    expect(lanes.admission('a', 'first', sixteen, 4_999)).toEqual({ kind: 'blocked', until: 5_000 })
    expect(admission(lanes, 5_000)).toBe('room')
  })

  it('of which nothing is known begins as another instance says, until then', () => {
    const seed = { kind: 'open', until: 10_000 } as const
    const { lanes } = createLanes({}, { seed })
    expect(lanes.admission('a', 'first', sixteen, 0)).toEqual({ kind: 'blocked', until: 10_000 })
    expect(admission(lanes, 10_000)).toBe('room')
    fill(lanes, 'a', 1, { now: 10_000 })
    finishAll(lanes, startAll(lanes, 10_000), 'success', 10_001)
    expect(admission(lanes, 10_001)).toBe('room')
  })

  it('that has samples of its own does not listen to another instance', () => {
    let seed: LaneCondition = flowing
    const lanes = new Lanes<string>({
      limits: usual,
      sizeOf: () => 1,
      wakeAt: () => undefined,
      seedOf: () => seed,
    })
    fill(lanes, 'a', 1)
    finishAll(lanes, startAll(lanes, 0), 'success', 0)
    seed = { kind: 'paused', until: 10_000 }
    expect(admission(lanes, 1)).toBe('room')
    lanes.reset('a')
    expect(admission(lanes, 2)).toBe('blocked')
  })

  it('that is reset is called at once, as if nothing were known', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    expect(admission(lanes, 1)).toBe('blocked')
    lanes.reset('a')
    expect(admission(lanes, 1)).toBe('room')
  })
})
