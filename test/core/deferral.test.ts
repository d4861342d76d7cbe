import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defer, DeferredCounts, deferralSteps } from '../../src/core/deferral.ts'

const second = 1_000
const minute = 60 * second
const now = 1_000_000

describe('a deferral', () => {
  it('waits at least the step of the default schedule that its number has', () => {
    const waits = deferralSteps.map((_, deferrals) => {
      const verdict = defer({ deferrals }, 0, { now, random: 0 })
      return verdict.kind === 'deferred' ? verdict.dueAt - now : verdict.kind
    })
    expect(waits).toEqual(deferralSteps)
  })

  it('waits for its turn where that takes longer', () => {
    const verdict = defer({ deferrals: 0 }, 10 * minute, { now, random: 0 })
    expect(verdict).toEqual({
      kind: 'deferred',
      dueAt: now + 10 * minute,
      earlyMs: 0,
      isBlocked: true,
    })
  })

  it('ends a run that has used all steps as endpoint-down', () => {
    const verdict = defer({ deferrals: deferralSteps.length }, 0, { now, random: 0 })
    expect(verdict).toEqual({ kind: 'dead', reason: 'endpoint-down' })
  })

  it('never lets its attempt start before the turn, and waits up to a fifth longer', () => {
    const run = fc.record({ deferrals: fc.nat({ max: deferralSteps.length - 1 }) })
    const turn = fc.double({ min: 0, max: 86_400_000, noNaN: true })
    const random = fc.double({ min: 0, max: 0.999, noNaN: true })
    fc.assert(
      fc.property(run, turn, random, (one, turnMs, chance) => {
        const verdict = defer(one, turnMs, { now, random: chance })
        if (verdict.kind !== 'deferred') throw new Error('it was not deferred')
        const leastMs = Math.max(turnMs, deferralSteps[one.deferrals] ?? 0)
        expect(Number.isInteger(verdict.dueAt)).toBe(true)
        expect(verdict.dueAt - verdict.earlyMs).toBeGreaterThanOrEqual(now + turnMs - 1)
        expect(verdict.dueAt).toBeGreaterThanOrEqual(now + leastMs - 1)
        expect(verdict.dueAt).toBeLessThanOrEqual(now + leastMs * 1.2 + 1)
        expect(verdict.earlyMs).toBeLessThanOrEqual((verdict.dueAt - now) / 20)
      }),
    )
  })
})

describe('counts of what is deferred', () => {
  it('are those whose due time has not passed, to 5 s, per hook and in all', () => {
    const limits = { maxPerHook: 20, maxInAll: 30 }
    const addition = fc.record({
      hookId: fc.constantFrom('a', 'b', 'c'),
      waitMs: fc.nat({ max: 60 * second }),
      passMs: fc.nat({ max: 10 * second }),
    })
    fc.assert(
      fc.property(fc.array(addition, { maxLength: 100 }), (additions) => {
        const counts = new DeferredCounts(limits)
        const plain: { hookId: string; end: number }[] = []
        let time = now
        for (const { hookId, waitMs, passMs } of additions) {
          counts.add(hookId, time + waitMs)
          plain.push({ hookId, end: Math.ceil((time + waitMs) / 5_000) * 5_000 })
          time += passMs
          const waiting = plain.filter(({ end }) => end > time)
          for (const id of ['a', 'b', 'c']) {
            const own = waiting.filter((one) => one.hookId === id).length
            expect(counts.of(id, time)).toBe(own)
            expect(counts.hasRoom(id, time)).toBe(own < 20 && waiting.length < 30)
          }
          expect(counts.inAll(time)).toBe(waiting.length)
        }
      }),
    )
  })

  it('of hooks of which nothing waits are forgotten by a sweep, and begin anew', () => {
    const counts = new DeferredCounts({ maxPerHook: 1, maxInAll: 1 })
    counts.add('a', now + second)
    expect(counts.hasRoom('a', now)).toBe(false)
    counts.sweep(now + minute)
    expect(counts.hasRoom('a', now + minute)).toBe(true)
    expect(counts.of('a', now + minute)).toBe(0)
  })
})
