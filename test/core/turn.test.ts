import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { turn, type TurnFacts } from '../../src/core/turn.ts'

const second = 1_000
const minute = 60 * second

/** A healthy lane of 400 ms and 16 calls at once: 40/s, with 400 in its queue. */
const healthy: TurnFacts = {
  queued: 400,
  away: 0,
  silentMs: 0,
  perMs: 0.04,
  usualMs: 400,
  concurrency: 16,
  limit: 16,
  hasFailed: false,
  ratePerSecond: undefined,
}

describe('the turn of what is put off', () => {
  const cases: readonly (readonly [string, Partial<TurnFacts>, number])[] = [
    ['is half of what is queued by the rate', {}, 5 * second],
    ['counts what was put off before it', { away: 1_600 }, 25 * second],
    ['takes at least a second', { queued: 2 }, second],
    ['takes at least a second, with nothing before it', { queued: 0 }, second],
    ['takes at most half an hour', { away: 10_000_000 }, 30 * minute],
    ['goes by what it can reach, not by what it has come to', { perMs: 0.005 }, 5 * second],
    ['goes by what is measured, where that is more', { perMs: 0.08 }, 2.5 * second],
    [
      'goes by the calls that it makes, once one failed',
      { hasFailed: true, concurrency: 2 },
      40 * second,
    ],
    ['does not trust what is measured, once one failed', { hasFailed: true, perMs: 9 }, 5 * second],
    ['expects a silence to last as long again', { silentMs: 8 * second }, 9 * second],
    ['of a short silence is hardly longer', { silentMs: 500 }, 5.25 * second],
    ['goes by the owner’s limit, where that is less', { ratePerSecond: 4 }, 50 * second],
    ['goes by the lane, where the limit allows more', { ratePerSecond: 400 }, 5 * second],
    ['is known by the owner’s limit alone', { usualMs: undefined, ratePerSecond: 4 }, 50 * second],
    ['expects no more than 500 calls/s', { usualMs: 1, away: 9_600 }, 10 * second],
    ['goes by more, where that is measured', { usualMs: 1, perMs: 1, away: 9_600 }, 5 * second],
    ['bears a call that took no time', { usualMs: 0, perMs: 0 }, second],
  ]
  it.each(cases)('%s', (_, facts, expected) => {
    expect(turn({ ...healthy, ...facts }, 0)).toBeCloseTo(expected, 6)
  })

  it.each([
    [0, 5 * second],
    [1, 10 * second],
    [2, 20 * second],
    [5, 160 * second],
    [6, 5 * minute],
    [1_000_000, 5 * minute],
  ])('of a lane of which nothing is known, put off %i times before, is %i ms', (deferrals, ms) => {
    expect(turn({ ...healthy, usualMs: undefined, perMs: 0, silentMs: minute }, deferrals)).toBe(ms)
  })

  it('is a time between a second and half an hour, whatever the facts are', () => {
    const amount = fc.nat({ max: 10_000_000 })
    const facts: fc.Arbitrary<TurnFacts> = fc.record({
      queued: amount,
      away: amount,
      silentMs: amount,
      perMs: fc.double({ min: 0, max: 100, noNaN: true }),
      usualMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined }),
      concurrency: fc.integer({ min: 1, max: 256 }),
      limit: fc.integer({ min: 1, max: 256 }),
      hasFailed: fc.boolean(),
      ratePerSecond: fc.option(fc.double({ min: 0.001, max: 1_000, noNaN: true }), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(facts, fc.nat(), (some, deferrals) => {
        const ms = turn(some, deferrals)
        expect(ms).toBeGreaterThanOrEqual(second)
        expect(ms).toBeLessThanOrEqual(30 * minute)
      }),
    )
  })

  it('asks a backlog back about once per halving: 20,000 waiting take few writes each', () => {
    let away = 20_000
    let writes = 0
    for (; away > 375; writes += 1) {
      const ms = turn({ ...healthy, queued: 375, away }, writes)
      away -= Math.floor((ms / second) * 40)
    }
    expect(writes).toBeGreaterThanOrEqual(4)
    expect(writes).toBeLessThanOrEqual(7)
  })
})
