import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deferBlocked,
  DeferredCounts,
  deferralSteps,
  deferToTurn,
  patienceMs,
} from '../../src/core/deferral.ts'

const second = 1_000
const minute = 60 * second
const now = 1_000_000_000
const runOf = (deferrals: number, ageMs = 0) => ({ deferrals, firstHandledAt: now - ageMs })
const exactly = { now, random: 0 }

function waitOf(verdict: ReturnType<typeof deferBlocked>): number {
  if (verdict.kind !== 'deferred') throw new Error(`it is ${verdict.kind}`)
  return verdict.dueAt - now
}

describe('a deferral by an open lane', () => {
  it.each([
    [0, 5 * second],
    [1, 5 * minute],
    [2, 30 * minute],
    [3, 30 * minute],
    [200, 30 * minute],
  ])('waits, after %i before it, at least %i ms', (deferrals, ms) => {
    expect(waitOf(deferBlocked(runOf(deferrals), { by: 'open', forMs: 0 }, exactly))).toBe(ms)
  })

  it('waits for the probe where that is later, but never longer than the longest time between probes', () => {
    const waits = [10 * minute, 30 * minute, 24 * 60 * minute].map((forMs) =>
      waitOf(deferBlocked(runOf(0), { by: 'open', forMs }, exactly)),
    )
    expect(waits).toEqual([10 * minute, 30 * minute, 30 * minute])
  })

  it('may be taken whenever a tier releases it, since the lane may have been closed sooner', () => {
    const verdict = deferBlocked(runOf(1), { by: 'open', forMs: minute }, { now, random: 0.5 })
    expect(verdict).toEqual({
      kind: 'deferred',
      dueAt: now + 5.5 * minute,
      earlyMs: 5.5 * minute,
      isBlocked: true,
    })
  })

  it('ends a run as endpoint-down when it is older than all waits of the default schedule together', () => {
    const blocked = { by: 'open', forMs: 0 } as const
    expect(deferBlocked(runOf(0, patienceMs), blocked, exactly).kind).toBe('deferred')
    expect(deferBlocked(runOf(0, patienceMs + 1), blocked, exactly)).toEqual({
      kind: 'dead',
      reason: 'endpoint-down',
    })
  })
})

describe('a deferral by a paused lane', () => {
  it('never lets its attempt start before the pause is over, and waits up to a fifth longer', () => {
    const deferrals = fc.nat({ max: 12 })
    const pause = fc.double({ min: 0, max: 30 * minute, noNaN: true })
    const random = fc.double({ min: 0, max: 0.999, noNaN: true })
    fc.assert(
      fc.property(deferrals, pause, random, (count, forMs, chance) => {
        const verdict = deferBlocked(runOf(count), { by: 'paused', forMs }, { now, random: chance })
        if (verdict.kind !== 'deferred') throw new Error('it was not deferred')
        const leastMs = Math.max(forMs, deferralSteps[Math.min(count, 2)] ?? 0)
        expect(Number.isInteger(verdict.dueAt)).toBe(true)
        expect(verdict.dueAt - verdict.earlyMs).toBeGreaterThanOrEqual(now + forMs - 1)
        expect(verdict.dueAt).toBeGreaterThanOrEqual(now + leastMs - 1)
        expect(verdict.dueAt).toBeLessThanOrEqual(now + leastMs * 1.2 + 1)
        expect(verdict.earlyMs).toBeLessThanOrEqual((verdict.dueAt - now) / 20)
      }),
    )
  })
})

describe('a deferral by a healthy lane', () => {
  it('may be taken whenever a tier releases it, and blames nobody', () => {
    expect(deferToTurn(12_345.6, now)).toEqual({
      kind: 'deferred',
      dueAt: now + 12_346,
      earlyMs: 12_346,
      isBlocked: false,
    })
  })
})

describe('counts of what is deferred', () => {
  const runFor = (hookId: string, tenantId = 'one') => ({ hookId, event: { tenantId } })

  it('are those whose due time has not passed, to 5 s, and that have not come back, per hook and tenant', () => {
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
        }
      }),
    )
  })

  it('never fall below nothing when more comes back than this instance wrote', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxPerTenant: 1 })
    for (let time = 0; time < 3; time += 1) counts.returned(runFor('a'), now + second)
    counts.add(runFor('a'), now + second)
    expect(counts.of('a', now)).toBe(1)
  })

  it('of hooks of which nothing waits are forgotten by a sweep, and begin anew', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxPerTenant: 1 })
    counts.add(runFor('a'), now + second)
    expect(counts.hasRoom(runFor('a'), now)).toBe(false)
    counts.sweep(now + minute)
    expect(counts.isEmpty).toBe(true)
    expect(counts.hasRoom(runFor('a'), now + minute)).toBe(true)
  })
})
