import { describe, expect, it } from 'vitest'
import type { LaneSeed } from '../../../src/core/lane/seed.ts'
import {
  blocked,
  createLanes,
  fill,
  finishAll,
  flowing,
  learn,
  openLane,
  second,
  sixteen,
  startAll,
  startSettled,
  works,
} from '../../support/lanes.ts'

describe('a rate limit', () => {
  const limits = { ...sixteen, ratePerSecond: 10 }

  it('starts one call, and gives the time of the next one', () => {
    const { lanes } = createLanes({ initialConcurrency: 4 })
    fill(lanes, 'a', 3, { limits, now: 1_000 })
    expect(works(startAll(lanes, 1_000))).toEqual(['a0', 'a1'])
    expect(startAll(lanes, 1_050)).toEqual([])
    expect(lanes.limitedUntil).toBe(1_100)
    expect(works(startAll(lanes, 1_100))).toEqual(['a2'])
    expect(lanes.limitedUntil).toBeUndefined()
  })

  it('that is changed counts at once', () => {
    const { lanes } = createLanes()
    const slow = { ...sixteen, ratePerSecond: 0.01 }
    fill(lanes, 'a', 3, { limits: slow, now: 1_000 })
    startAll(lanes, 1_000)
    expect(lanes.limitedUntil).toBeGreaterThan(10_000)
    lanes.laneOf('a', sixteen, 1_001)
    expect(lanes.limitedUntil).toBeUndefined()
    expect(startAll(lanes, 1_001)).toHaveLength(1)
  })

  it('of one lane does not delay a lane whose time comes first', () => {
    const { lanes } = createLanes({ initialConcurrency: 4 })
    fill(lanes, 'a', 3, { limits: { ...sixteen, ratePerSecond: 0.1 }, now: 1_000 })
    fill(lanes, 'b', 3, { limits, now: 1_000 })
    expect(startAll(lanes, 1_000)).toHaveLength(3)
    expect(lanes.limitedUntil).toBe(1_100)
    expect(works(startAll(lanes, 1_100))).toEqual(['b2'])
    expect(lanes.limitedUntil).toBeGreaterThan(10_000)
  })
})

describe('what is known of a lane', () => {
  it('is nothing before its first call', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 3)
    expect(lane.facts(0)).toEqual({ busyMs: 0, perMs: 0, slotWaitMs: 0, ratePerSecond: undefined })
    expect(lane.backlogFacts(7, 0)).toEqual({
      queued: 3,
      deferred: 7,
      silentMs: 0,
      perMs: 0,
      usualMs: undefined,
      successMs: undefined,
      concurrency: 2,
      limit: 16,
      hasFailed: false,
      ratePerSecond: undefined,
    })
  })

  it('is its rate and the mean of its calls, where these end', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 50)
    let running = startAll(lanes, 0)
    for (let now = 500; now <= 1_000; now += 500) {
      finishAll(lanes, running, 'success', now)
      running = startAll(lanes, now)
    }
    // 2 calls in the first half second, and 4 in the second.
    expect(lane.facts(second)).toMatchObject({ busyMs: second, perMs: 0.006 })
    expect(lane.backlogFacts(0, second)).toMatchObject({
      usualMs: 500,
      concurrency: 8,
      perMs: 0.006,
      hasFailed: false,
    })
  })

  it('is its silence after a second: its rate is that of calls that end now', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 8)
    startAll(lanes, 0)
    expect(lane.facts(999)).toMatchObject({ busyMs: 999, perMs: 0 })
    expect(lane.facts(4_000)).toMatchObject({ busyMs: 4_000, perMs: 2 / 4_000 })
    expect(lane.backlogFacts(0, 4_000)).toMatchObject({ silentMs: 4_000 })
  })

  it('is what its calls took before a silence, as long as no more is known', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 50)
    finishAll(lanes, startAll(lanes, 0), 'success', 40)
    finishAll(lanes, startAll(lanes, 40), 'success', 4_040)
    expect(lane.backlogFacts(0, 4_040)).toMatchObject({ usualMs: 40 })
    expect(lane.length(4_040)).toBe('long')
  })

  it('is how many deliveries it needs in its queue: what it calls in ten seconds, and four at least', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 8)
    expect(lane.needs(0)).toBe(4)
    startAll(lanes, 0)
    expect(lane.needs(2_000)).toBe(10)
    expect(lane.needs(60 * second)).toBe(4)
  })

  /** A lane whose calls last since 0, and another one with short calls and a full queue. */
  function lastingBesideQuick() {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 8)
    startAll(lanes, 0)
    learn(lanes, 'quick')
    fill(lanes, 'quick', 100)
    return { lanes, lane }
  }

  it('is that it has more than it needs, only where calls take over a second', () => {
    const { lanes, lane } = lastingBesideQuick()
    expect([...lanes.overfull(999, false)]).toEqual([])
    expect([...lanes.overfull(2_000, false)]).toEqual([])
    expect([...lanes.overfull(60 * second, false)]).toEqual([lane])
  })

  it('is that it needs nothing more once such calls do not start any more', () => {
    const { lanes, lane } = lastingBesideQuick()
    expect([...lanes.overfull(999, true)]).toEqual([])
    expect([...lanes.overfull(2_000, true)]).toEqual([lane])
    expect(lane.spare(2_000, true)).toBe(lane.queued)
  })

  it('gives back the newest of what it does not need, fresh deliveries before late ones', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 5)
    fill(lanes, 'a', 5, { name: 'late' })
    const relieve = (most: number, now: number) =>
      lanes.relieve(lane, Math.min(most, lane.spare(now, false)), (work) => work !== 'a3')
    const spare = (more: number) => lane.spare(60 * second, false, more)
    startAll(lanes, 0)
    expect(relieve(100, 0)).toEqual([])
    expect(relieve(1, 60 * second)).toEqual(['a4'])
    expect(relieve(100, 60 * second)).toEqual(['a2', 'a1', 'a4'])
    expect([lanes.queued, spare(0), spare(1)]).toEqual([4, 0, 1])
  })

  it('is that it has failed, until its failures are forgotten', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 40)
    finishAll(lanes, startAll(lanes, 0).slice(0, 1), 'failure', 0)
    expect(lane.backlogFacts(0, 0)).toMatchObject({ hasFailed: true, concurrency: 1, limit: 16 })
    expect(lane.backlogFacts(0, 5 * 60 * second + 1)).toMatchObject({ hasFailed: false })
  })

  it('is how long calls take that succeed, also while it is open and calls fail otherwise', () => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', 1)
    finishAll(lanes, startAll(lanes, 0), 'success', 160)
    for (let failure = 0; failure < 5; failure += 1) {
      fill(lanes, 'a', 1, { now: 200 })
      finishAll(lanes, startAll(lanes, 200), 'failure', 10_200)
    }
    expect(blocked(lanes, 10_200)).toMatchObject({ kind: 'open' })
    const { usualMs, successMs } = lane.backlogFacts(0, 10_200)
    expect(successMs).toBe(160)
    expect(usualMs).toBeGreaterThan(3_000)
  })

  it('is how long it waited for a slot, until it gets one', () => {
    const { lanes } = createLanes({ maxInFlight: 2 })
    fill(lanes, 'b', 1, { limits: { ...sixteen, tenantId: 'other' } })
    fill(lanes, 'c', 1, { limits: { ...sixteen, tenantId: 'third' } })
    const { slots, now } = startSettled(lanes, 0)
    expect(slots).toHaveLength(2)
    const lane = fill(lanes, 'a', 1, { now })
    expect(startAll(lanes, now)).toEqual([])
    expect(lane.facts(now + 1_500).slotWaitMs).toBe(1_500)
    finishAll(lanes, slots, 'success', now + 1_500)
    expect(works(startAll(lanes, now + 1_500))).toContain('a0')
    expect(lane.facts(9_000).slotWaitMs).toBe(0)
  })

  it('has no wait for a slot when its work was dropped meanwhile', () => {
    const { lanes } = createLanes({ maxInFlight: 1 })
    fill(lanes, 'b', 1, { limits: { ...sixteen, tenantId: 'other' } })
    const slots = startAll(lanes, 0)
    const lane = fill(lanes, 'a', 1)
    lanes.drop((work) => work === 'a0')
    finishAll(lanes, slots, 'success', 10)
    expect(startAll(lanes, 10)).toEqual([])
    expect(lane.facts(60 * second).slotWaitMs).toBe(0)
  })

  it.each([
    ['it has work', (count: number) => count === 1, false],
    ['it has none and calls fewer than it may', (count: number) => count === 0, true],
  ])('is whether it is idle: %s', (_, hasWork, expected) => {
    const { lanes } = createLanes()
    const lane = fill(lanes, 'a', hasWork(1) ? 1 : 0)
    expect(lane.isIdle(0)).toBe(expected)
  })

  it('is not idle while it makes as many calls as it may, or waits for its rate limit', () => {
    const { lanes } = createLanes()
    const full = fill(lanes, 'a', 2)
    const limited = fill(lanes, 'b', 1, { limits: { ...sixteen, ratePerSecond: 1 } })
    startAll(lanes, 0)
    expect([full.isIdle(0), limited.isIdle(0), limited.isIdle(second)]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('a lane', () => {
  it('takes whatever is added, however much', () => {
    const { lanes } = createLanes()
    fill(lanes, 'a', 5_000)
    expect(lanes.queued).toBe(5_000)
    expect(blocked(lanes, 0)).toBeUndefined()
  })

  it('opens after five failures, returns its queue, and takes nothing until its time is over', () => {
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
    expect(move?.evicted).toHaveLength(5)
    expect(lanes.queued).toBe(0)
    expect(blocked(lanes, 20)).toEqual({ kind: 'open', until: 30_010 })
  })

  it('that is open takes one probe when its time is over, and the rest waits for its outcome', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    expect(blocked(lanes, 30_000)).toBeUndefined()
    fill(lanes, 'a', 1, { now: 30_000 })
    expect(blocked(lanes, 30_000)).toEqual({ kind: 'open', until: 30_000 })
    const [probe] = startAll(lanes, 30_000)
    expect(blocked(lanes, 31_000)).toEqual({ kind: 'open', until: 31_000 })
    const move = probe && lanes.finish(probe, { kind: 'success' }, 32_000)
    expect(move).toEqual({ condition: flowing, evicted: [] })
    fill(lanes, 'a', 5, { now: 32_000 })
    expect(startAll(lanes, 32_000)).toHaveLength(2)
  })

  it('ignores calls that started before it opened', () => {
    const { lanes } = createLanes({ initialConcurrency: 6 })
    fill(lanes, 'a', 6)
    const slots = startAll(lanes, 0)
    finishAll(lanes, slots.slice(0, 5), 'failure', 0)
    const [last] = slots.slice(5)
    fill(lanes, 'a', 1, { now: 30_000 })
    const [probe] = startAll(lanes, 30_000)
    if (last !== undefined) lanes.finish(last, { kind: 'success' }, 30_001)
    expect(blocked(lanes, 30_001)).toMatchObject({ kind: 'open' })
    const move = probe && lanes.finish(probe, { kind: 'failure' }, 30_002)
    expect(move?.condition).toEqual({ kind: 'open', until: 330_002 })
  })

  it('may be probed again at once when a probe was unanswered', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    fill(lanes, 'a', 1, { now: 30_000 })
    finishAll(lanes, startAll(lanes, 30_000), 'unanswered', 30_001)
    expect(blocked(lanes, 30_001)).toBeUndefined()
  })

  it('pauses until the time that its endpoint asked for, returns its queue, and then starts slowly', () => {
    const { lanes } = createLanes({ initialConcurrency: 2 })
    fill(lanes, 'a', 9)
    finishAll(lanes, startAll(lanes, 0), 'success', 0)
    const [one, ...others] = startAll(lanes, 0)
    expect(others).toHaveLength(3)
    const move = one && lanes.finish(one, { kind: 'pause', until: 5_000 }, 10)
    expect(move).toEqual({
      condition: { kind: 'paused', until: 5_000 },
      evicted: ['a6', 'a7', 'a8'],
    })
    finishAll(lanes, others, 'success', 20)
    expect(blocked(lanes, 4_999)).toEqual({ kind: 'paused', until: 5_000 })
    expect(blocked(lanes, 5_000)).toBeUndefined()
    fill(lanes, 'a', 20, { now: 5_000 })
    expect(startAll(lanes, 5_000).length).toBeLessThan(6)
  })

  it('without measurements starts in the state that another instance reported, until its time', () => {
    const seed = { kind: 'open', probeAt: 10_000, until: 10_000, level: 0 } as const
    const { lanes } = createLanes({}, { seedOf: () => seed })
    expect(blocked(lanes, 0)).toEqual({ kind: 'open', until: 10_000 })
    expect(blocked(lanes, 10_000)).toBeUndefined()
    fill(lanes, 'a', 1, { now: 10_000 })
    finishAll(lanes, startAll(lanes, 10_000), 'success', 10_001)
    expect(blocked(lanes, 10_001)).toBeUndefined()
  })

  it.each(['of which nothing is known', 'that is open'])(
    '%s and waits for the probe of another instance knows when that is, and is then as if its own were out',
    (what) => {
      const seed = { kind: 'open', probeAt: 40_000, until: 60_000, level: 0 } as const
      const { lanes } = createLanes({}, { seedOf: () => seed })
      if (what === 'that is open') openLane(lanes)
      expect(blocked(lanes, 35_000)).toEqual({ kind: 'open', until: 40_000 })
      expect(blocked(lanes, 45_000)).toEqual({ kind: 'open', until: 45_000 })
      expect(blocked(lanes, 60_000)).toBeUndefined()
    },
  )

  it('that got the report of a recovery makes its probe, though another instance then reports a failure', () => {
    let seed: LaneSeed = { kind: 'open', probeAt: 1_800_000, until: 1_820_000, level: 2 }
    const { lanes } = createLanes({}, { seedOf: () => seed })
    openLane(lanes)
    expect(blocked(lanes, 31_000)).toMatchObject({ kind: 'open' })
    lanes.probeSoon('a', 40_000)
    seed = { kind: 'open', probeAt: 1_839_000, until: 1_860_000, level: 2 }
    expect(blocked(lanes, 39_000)).toEqual({ kind: 'open', until: 40_000 })
    fill(lanes, 'a', 1, { now: 40_000 })
    finishAll(lanes, startAll(lanes, 40_000), 'failure', 40_001)
    expect(blocked(lanes, 50_000)).toEqual({ kind: 'open', until: 1_839_000 })
  })

  it('with samples of its own ignores reports of another instance', () => {
    let seed: LaneSeed = flowing
    const { lanes } = createLanes({}, { seedOf: () => seed })
    fill(lanes, 'a', 1)
    finishAll(lanes, startAll(lanes, 0), 'success', 0)
    seed = { kind: 'paused', until: 10_000 }
    expect(blocked(lanes, 1)).toBeUndefined()
    lanes.reset('a', 2)
    expect(blocked(lanes, 2)).toEqual({ kind: 'paused', until: 10_000 })
  })

  it('with queued work uses its own experience, whatever another instance reports', () => {
    let seed: LaneSeed = flowing
    const { lanes } = createLanes({}, { seedOf: () => seed })
    fill(lanes, 'a', 3)
    seed = { kind: 'open', probeAt: 30_000, until: 30_000, level: 0 }
    expect(blocked(lanes, 1)).toBeUndefined()
    expect(startAll(lanes, 1)).toHaveLength(2)
  })

  it('that is reset is called at once, as if nothing were known', () => {
    const { lanes } = createLanes()
    openLane(lanes)
    expect(blocked(lanes, 1)).toMatchObject({ kind: 'open' })
    lanes.reset('a', 1)
    expect(blocked(lanes, 1)).toBeUndefined()
  })

  it('whose hook allows more calls makes them at once', () => {
    const { lanes } = createLanes({ initialConcurrency: 8 })
    fill(lanes, 'a', 20, { limits: { ...sixteen, concurrency: 1 } })
    expect(startAll(lanes, 0)).toHaveLength(1)
    lanes.laneOf('a', sixteen, 1)
    expect(startAll(lanes, 1)).toHaveLength(7)
  })
})
