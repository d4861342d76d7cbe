import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HookLimits, LaneCondition, LineName } from '../../src/core/lane.ts'
import { Lanes, type LaneLimits, type Slot } from '../../src/core/lanes.ts'

const second = 1_000
const usual: LaneLimits = {
  maxInFlight: 100,
  maxLate: 75,
  maxBytes: 1_000_000,
  slowAfterMs: second,
  maxSlow: 50,
  maxSlowBytes: 1_000_000,
  maxQueued: 10,
  initialConcurrency: 2,
  maxWaitMs: 2 * second,
  evidenceMs: second,
}
const sixteen: HookLimits = { concurrency: 16, ratePerSecond: undefined }
const flowing: LaneCondition = { kind: 'flowing' }

interface Alarm {
  readonly at: number
  readonly again: () => void
}

/** Lanes of texts that weigh a byte each, with what they asked to be woken at. */
function createLanes(
  limits: Partial<LaneLimits> = {},
  options: { readonly sizeOf?: number; readonly seed?: LaneCondition } = {},
) {
  const alarms: Alarm[] = []
  const lanes = new Lanes<string>({
    limits: { ...usual, ...limits },
    sizeOf: () => options.sizeOf ?? 1,
    wakeAt: (at, again) => alarms.push({ at, again }),
    seedOf: () => options.seed ?? flowing,
  })
  return { lanes, alarms }
}

function startAll(lanes: Lanes<string>, now: number): readonly Slot<string>[] {
  const slots: Slot<string>[] = []
  for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) slots.push(slot)
  return slots
}

function works(slots: readonly Slot<string>[]): readonly string[] {
  return slots.map(({ work }) => work)
}

interface Filling {
  readonly name?: LineName
  readonly limits?: HookLimits
  readonly now?: number
}

function fill(lanes: Lanes<string>, hookId: string, count: number, filling: Filling = {}): void {
  const { name = 'first', limits = sixteen, now = 0 } = filling
  for (let index = 0; index < count; index += 1) {
    lanes.admission(hookId, name, limits, now)
    lanes.add(hookId, name, `${hookId}${index}`, now)
  }
}

function admission(lanes: Lanes<string>, now: number, filling: Filling = {}): string {
  return lanes.admission('a', filling.name ?? 'first', filling.limits ?? sixteen, now).kind
}

function finishAll(
  lanes: Lanes<string>,
  slots: readonly Slot<string>[],
  kind: 'success' | 'failure',
  now: number,
): void {
  for (const slot of slots) lanes.finish(slot, { kind }, now)
}

/** The lane of `a` opens at `now`. */
function open(lanes: Lanes<string>, now = 0): void {
  for (let failure = 0; failure < 5; failure += 1) {
    fill(lanes, 'a', 1, { now })
    finishAll(lanes, startAll(lanes, now), 'failure', now)
  }
}

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
    open(lanes)
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
    open(lanes)
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
    open(lanes)
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
    open(lanes)
    expect(admission(lanes, 1)).toBe('blocked')
    lanes.reset('a')
    expect(admission(lanes, 1)).toBe('room')
  })
})

describe('lanes under random work', () => {
  const hooks = ['a', 'b', 'c', 'd'] as const
  const step = fc.record({
    action: fc.constantFrom('add', 'add', 'add', 'start', 'start', 'end', 'end', 'crowds', 'drop'),
    hook: fc.constantFrom(...hooks),
    name: fc.constantFrom<LineName>('first', 'late'),
    outcome: fc.constantFrom('success', 'success', 'failure', 'unanswered', 'pause'),
    passMs: fc.constantFrom(0, 0, 10, 400, 1_500, 40_000),
    pick: fc.nat(),
  })

  it('lose nothing, hand out nothing twice, keep their counts and never stand still', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { lanes } = createLanes({ maxInFlight: 6, maxLate: 4, maxSlow: 3 })
        const added = new Set<string>()
        const left = new Set<string>()
        const out: Slot<string>[] = []
        let now = 0
        const leave = (work: string) => {
          expect(added.has(work) && !left.has(work)).toBe(true)
          left.add(work)
        }
        for (const [index, { action, hook, name, outcome, passMs, pick }] of steps.entries()) {
          now += passMs
          if (action === 'add' && lanes.admission(hook, name, sixteen, now).kind === 'room') {
            const work = `${hook} ${index}`
            added.add(work)
            lanes.add(hook, name, work, now)
          }
          if (action === 'start') {
            const slot = lanes.next(now)
            if (slot !== undefined) {
              leave(slot.work)
              out.push(slot)
            }
          }
          if (action === 'end' && out.length > 0) {
            const [slot] = out.splice(pick % out.length, 1)
            const ended =
              outcome === 'pause' ? { kind: outcome, until: now + 500 } : { kind: outcome }
            const move = slot && lanes.finish(slot, ended, now)
            for (const work of move?.evicted ?? []) leave(work)
          }
          if (action === 'crowds') {
            for (const { evicted } of lanes.takeCrowded(now, () => pick % 2 === 0)) {
              for (const work of evicted) leave(work)
            }
          }
          if (action === 'drop')
            for (const work of lanes.drop((one) => one.length % 3 === 0)) leave(work)
          expect(lanes.inFlight).toBe(out.length)
          expect(lanes.queued).toBe(added.size - left.size)
          expect([...lanes.queuedWork()]).toHaveLength(lanes.queued)
        }
        // Whatever happened, it all comes out in the end.
        for (let round = 0; round < 1_000 && lanes.queued + out.length > 0; round += 1) {
          now += 10
          for (const slot of startAll(lanes, now)) {
            leave(slot.work)
            out.push(slot)
          }
          for (const slot of out.splice(0)) lanes.finish(slot, { kind: 'success' }, now)
        }
        expect([lanes.inFlight, lanes.queued, lanes.slow]).toEqual([0, 0, 0])
      }),
      { numRuns: 300 },
    )
  })
})
