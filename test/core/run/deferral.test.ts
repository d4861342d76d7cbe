import { queryObjects } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deferBlocked,
  DeferredCounts,
  deferBehindBacklog,
  maxBlockedMs,
  type Blocked,
} from '../../../src/core/run/deferral.ts'
import { tierFor } from '../../../src/core/run/schedule.ts'
import type { Tier } from '../../../src/core/model/model.ts'
import { chance } from '../../support/chance.ts'

const second = 1_000
const minute = 60 * second
const now = 1_000_000_000
const tiersOf = (...delays: readonly number[]): readonly Tier[] =>
  delays.map((delayMs) => ({ topic: String(delayMs), delayMs }))
const tiers = tiersOf(second, 5 * second, 30 * second, 5 * minute, 30 * minute, 120 * minute)

interface Situation {
  readonly by?: Blocked['by']
  readonly forMs: number
  readonly spreadMs?: number
  readonly placeMs?: number
  readonly deferrals?: number
  readonly ageMs?: number
  readonly random?: number
  readonly tiers?: readonly Tier[]
}

function deferredIn({ by = 'open', forMs, ...situation }: Situation) {
  const { spreadMs = 90 * second, deferrals = 0, ageMs = 0, random = 0 } = situation
  const run = { deferrals, firstHandledAt: now - ageMs }
  // Without a place of its own, a run returns at any time of the spread.
  const placeMs = situation.placeMs ?? random * spreadMs
  const returning = { spreadMs, placeMs, tiers: situation.tiers ?? tiers }
  return deferBlocked(run, { by, forMs }, returning, { now, random })
}

function waitIn(situation: Situation): number {
  const verdict = deferredIn(situation)
  if (verdict.kind !== 'deferred') throw new Error(`it is ${verdict.kind}`)
  return verdict.dueAt - now
}

describe('a deferral by an open lane', () => {
  it.each([
    [0, 10 * minute],
    [0.5, 10 * minute + 45 * second],
    [0.999, 10 * minute + 89_910],
  ])(
    'waits for the next probe, and where there is no place for it, by chance (%d) a part of the spread longer',
    (random, ms) => {
      expect(waitIn({ forMs: 10 * minute, random, placeMs: 91 * second })).toBe(ms)
    },
  )

  it('waits for the next probe and for those before it', () => {
    for (const random of [0, 0.5, 0.999]) {
      expect(waitIn({ forMs: 10 * minute, placeMs: 0, random })).toBe(10 * minute)
      expect(waitIn({ forMs: 10 * minute, placeMs: 70 * second, random })).toBe(670 * second)
    }
  })

  it('has its place in the spread, also at its end, whatever the fractions of milliseconds', () => {
    const situation = fc.record({
      forMs: fc.double({ min: 0.001, max: 15 * minute, noNaN: true }),
      spreadMs: fc.double({ min: 5 * second, max: 15 * minute, noNaN: true }),
    })
    fc.assert(
      fc.property(situation, ({ forMs, spreadMs }) => {
        const ms = waitIn({ forMs, spreadMs, placeMs: spreadMs, random: 0 })
        expect(Math.abs(ms - (forMs + spreadMs))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('has no place among the others after the first time', () => {
    const again = { deferrals: 1, tiers: tiersOf(30 * minute), random: 0.5 }
    expect(waitIn({ ...again, forMs: 10 * minute, placeMs: 0 })).toBe(10 * minute + 45 * second)
  })

  it('never waits longer than the longest time between probes', () => {
    const waits = [29 * minute, 30 * minute, 24 * 60 * minute].map((forMs) =>
      waitIn({ forMs, random: 0.999 }),
    )
    waits.forEach((ms) => expect(ms).toBeLessThanOrEqual(30 * minute))
    expect(waits.slice(1)).toEqual([30 * minute, 30 * minute])
  })

  it('waits 5 s for the outcome of a probe that is out, and a part of the spread longer', () => {
    expect(waitIn({ forMs: 0 })).toBe(5 * second)
    expect(waitIn({ forMs: 0, random: 0.5 })).toBe(50 * second)
  })

  it.each<[string, Situation, number]>([
    ['one of 30 min', { forMs: 30 * minute - 40 * second }, 30 * minute],
    ['one of 5 min', { forMs: 5 * minute - 40 * second }, 5 * minute],
    ['one of 30 s', { forMs: 25 * second }, 30 * second],
    [
      'six of 5 min where there is none of 30 min',
      {
        forMs: 30 * minute - 40 * second,
        tiers: tiersOf(second, 5 * second, 30 * second, 5 * minute),
      },
      30 * minute,
    ],
  ])(
    'of a run that returned keeps its position behind the probe, with the fewest hops: %s',
    (_, situation, ms) => {
      for (const random of [0, 0.5, 0.999]) {
        expect(waitIn({ ...situation, deferrals: 1, random })).toBe(ms)
      }
    },
  )

  it('of a run that returned late returns earlier next time', () => {
    const late = { spreadMs: 5 * second, deferrals: 1 }
    expect(waitIn({ ...late, forMs: 30 * minute - 5 * second })).toBe(30 * minute)
    expect(waitIn({ ...late, forMs: 30 * minute - 6 * second })).toBe(30 * minute - 5 * second)
  })

  it('takes any position when no multiple of a tier’s delay fits', () => {
    const few = { deferrals: 1, tiers: tiersOf(30 * minute), random: 0.5 }
    expect(waitIn({ ...few, forMs: 10 * minute })).toBe(10 * minute + 45 * second)
  })

  it('may be called whenever a tier releases it, since the breaker may have closed earlier', () => {
    expect(deferredIn({ forMs: minute, random: 0.5 })).toEqual({
      kind: 'deferred',
      dueAt: now + 105 * second,
      earlyMs: 105 * second,
      isBlocked: true,
    })
  })

  it('ends a run as endpoint-down when it is older than all waits of the default schedule together', () => {
    expect(deferredIn({ forMs: 0, ageMs: maxBlockedMs }).kind).toBe('deferred')
    expect(deferredIn({ forMs: 0, ageMs: maxBlockedMs + 1 })).toEqual({
      kind: 'dead',
      reason: 'endpoint-down',
    })
  })

  it.each([1_000, 100_000])(
    'costs each of %d that wait about one write for each probe, and these come back evenly after it',
    (waiting) => {
      const random = chance(1)
      const spreadMs = waiting * 5
      const probesAt = [1, 2, 3, 4].map((nth) => nth * 30 * minute)
      let writes = 0
      const places: number[] = []
      for (let nth = 0; nth < waiting; nth += 1) {
        // They come evenly before the first probe.
        let at = (nth / waiting) * 30 * minute
        for (let deferrals = 0; at < 4 * 30 * minute; deferrals += 1) {
          const nextProbe = probesAt.find((time) => time > at) ?? 0
          const wait = waitIn({ forMs: nextProbe - at, spreadMs, deferrals, random: random() })
          const dueAt = at + wait
          // The first wait is made of several hops; it is those after it that go on for ever.
          for (; dueAt - at > second; at += tierFor(tiers, dueAt - at).delayMs) {
            if (deferrals > 0) writes += 1
          }
          if (deferrals === 0) places.push(at - 30 * minute)
        }
      }
      expect(writes / waiting / 3).toBeLessThan(1.1)
      const [first, half, last] = [0.05, 0.5, 0.99].map(
        (share) => places.toSorted((a, b) => a - b)[Math.floor(share * waiting)] ?? 0,
      )
      expect(first).toBeLessThan(0.15 * spreadMs + second)
      expect(half).toBeGreaterThan(0.35 * spreadMs)
      expect(last).toBeLessThanOrEqual(spreadMs + second)
    },
  )
})

describe('a deferral by a paused lane', () => {
  it('never lets its attempt start before the end of the pause, and returns within the spread after it', () => {
    const situation = fc.record({
      deferrals: fc.nat({ max: 12 }),
      forMs: fc.double({ min: 0.001, max: 30 * minute, noNaN: true }),
      spreadMs: fc.double({ min: 5 * second, max: 30 * minute, noNaN: true }),
      placeMs: fc.double({ min: 0, max: 60 * minute, noNaN: true }),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    })
    fc.assert(
      fc.property(situation, (some) => {
        const verdict = deferredIn({ by: 'paused', ...some })
        if (verdict.kind !== 'deferred') throw new Error('it was not deferred')
        const { forMs, spreadMs } = some
        expect(Number.isInteger(verdict.dueAt)).toBe(true)
        expect(verdict.dueAt - verdict.earlyMs).toBeGreaterThanOrEqual(now + forMs)
        expect(verdict.dueAt).toBeGreaterThanOrEqual(now + forMs)
        expect(verdict.dueAt).toBeLessThanOrEqual(now + forMs + spreadMs + 1)
        expect(verdict.earlyMs).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('asks again every half hour where the pause is longer', () => {
    expect(deferredIn({ by: 'paused', forMs: 24 * 60 * minute })).toEqual({
      kind: 'deferred',
      dueAt: now + 30 * minute,
      earlyMs: 0,
      isBlocked: true,
    })
  })
})

describe('a deferral by a healthy lane', () => {
  it('may be called whenever a tier releases it, and blames nobody', () => {
    expect(
      deferBehindBacklog({ deferrals: 0 }, { waitMs: 12_345.6, isShared: false }, tiers, now),
    ).toEqual({
      kind: 'deferred',
      dueAt: now + 12_346,
      earlyMs: 12_346,
      isBlocked: false,
    })
  })

  it.each([
    [0, 22 * second, 22 * second],
    [1, 22 * second, 30 * second],
    [1, 16 * second, 20 * second],
    [1, 250 * second, 5 * minute],
    [1, 100 * second, 2 * minute],
    [9, 12 * minute, 15 * minute],
    [1, 30 * minute, 30 * minute],
    [1, 1_100, 1_100],
  ])(
    'after %i before it waits, with its turn in %i ms, as long as takes few hops: %i',
    (deferrals, backlogWaitMs, ms) => {
      const verdict = deferBehindBacklog(
        { deferrals },
        { waitMs: backlogWaitMs, isShared: false },
        tiers,
        now,
      )
      expect(verdict).toMatchObject({ dueAt: now + ms, earlyMs: ms })
    },
  )
})

it('a deferral by what a tenant’s hooks do together takes few hops from the first time on', () => {
  const shared = { waitMs: 22 * second, isShared: true }
  expect(deferBehindBacklog({ deferrals: 0 }, shared, tiers, now)).toMatchObject({
    dueAt: now + 30 * second,
  })
})

describe('counts of what is deferred', () => {
  const runFor = (hookId: string, tenantId = 'one') => ({ hookId, event: { tenantId } })

  it('are the runs per hook and tenant that are not due, to 5 s, and have not returned', () => {
    const limits = { maxPerHook: 20, maxPerTenant: 30 }
    const addition = fc.record({
      hookId: fc.constantFrom('a', 'b', 'c'),
      waitMs: fc.nat({ max: 60 * second }),
      passMs: fc.nat({ max: 10 * second }),
      comesBack: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(addition, { maxLength: 100 }), (additions) => {
        const counts = new DeferredCounts(limits)
        let plain: { hookId: string; dueAt: number; end: number }[] = []
        let time = now
        for (const { hookId, waitMs, passMs, comesBack } of additions) {
          const dueAt = time + waitMs
          counts.add(runFor(hookId), dueAt)
          plain.push({ hookId, dueAt, end: Math.ceil(dueAt / 5_000) * 5_000 })
          const [back] = plain
          if (comesBack && back !== undefined && back.end > time) {
            counts.returned(runFor(back.hookId), back.dueAt)
            plain = plain.slice(1)
          }
          time += passMs
          plain = plain.filter(({ end }) => end > time)
          for (const id of ['a', 'b', 'c']) {
            const own = plain.filter((one) => one.hookId === id).length
            expect(counts.of(id, time)).toBe(own)
            expect(counts.hasRoom(runFor(id), time)).toBe(own < 20 && plain.length < 30)
          }
          expect(counts.hasRoom(runFor('z', 'another'), time)).toBe(true)
          expect(counts.all(time)).toBe(plain.length)
        }
      }),
    )
  })

  it('never become negative when more runs return than this instance wrote', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxPerTenant: 1 })
    for (let time = 0; time < 3; time += 1) counts.returned(runFor('a'), now + second)
    counts.add(runFor('a'), now + second)
    expect(counts.of('a', now)).toBe(1)
  })

  it('keep nothing of times that are over, if they are swept', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxPerTenant: 1 })
    const usedBytes = () => {
      // Collects garbage first.
      queryObjects(DeferredCounts, { format: 'count' })
      return process.memoryUsage().heapUsed
    }
    const before = usedBytes()
    for (let time = now; time < now + 14 * 24 * 60 * minute; time += 5 * second) {
      counts.add(runFor('a'), time)
      counts.sweep(time)
    }
    expect(usedBytes() - before).toBeLessThan(4_000_000)
    expect(counts.isEmpty).toBe(true)
  })

  it('of hooks without deferred runs are removed by a sweep, and start again from 0', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxPerTenant: 1 })
    counts.add(runFor('a'), now + second)
    expect(counts.hasRoom(runFor('a'), now)).toBe(false)
    counts.sweep(now + minute)
    expect(counts.isEmpty).toBe(true)
    expect(counts.hasRoom(runFor('a'), now + minute)).toBe(true)
  })
})
