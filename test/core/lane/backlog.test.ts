import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deferralWaitMs,
  returnOf,
  sharedWaitMs,
  type BacklogFacts,
  type DeferredOfAll,
} from '../../../src/core/lane/backlog.ts'

const second = 1_000
const minute = 60 * second

/** A healthy lane of 400 ms and 16 calls at once: 40/s, with 400 in its queue. */
const healthy: BacklogFacts = {
  queued: 400,
  deferred: 0,
  silentMs: 0,
  perMs: 0.04,
  usualMs: 400,
  successMs: 400,
  concurrency: 16,
  limit: 16,
  hasFailed: false,
  ratePerSecond: undefined,
}

const amount = fc.nat({ max: 10_000_000 })
const duration = fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined })
const anyChance = fc.double({ min: 0, max: 0.999, noNaN: true })
const anyFacts: fc.Arbitrary<BacklogFacts> = fc.record({
  queued: amount,
  deferred: amount,
  silentMs: amount,
  perMs: fc.double({ min: 0, max: 100, noNaN: true }),
  usualMs: duration,
  successMs: duration,
  concurrency: fc.integer({ min: 1, max: 256 }),
  limit: fc.integer({ min: 1, max: 256 }),
  hasFailed: fc.boolean(),
  ratePerSecond: fc.option(fc.double({ min: 0.001, max: 1_000, noNaN: true }), { nil: undefined }),
})

describe('the wait of a deferral by a healthy lane', () => {
  const cases: readonly (readonly [string, Partial<BacklogFacts>, number])[] = [
    ['is half of the time that the queue takes', {}, 5 * second],
    ['counts what was deferred before it', { deferred: 1_600 }, 25 * second],
    ['is at least a second', { queued: 2 }, second],
    ['is at least a second, with nothing before it', { queued: 0 }, second],
    ['is at most half an hour, however many are deferred', { deferred: 10_000_000 }, 30 * minute],
    ['uses the rate that the lane can reach, not the current one', { perMs: 0.005 }, 5 * second],
    ['uses the measured rate, if it is higher', { perMs: 0.08 }, 2.5 * second],
    [
      'uses the current number of calls after a failure',
      { hasFailed: true, concurrency: 2 },
      40 * second,
    ],
    ['uses the length of successful calls, not of failed ones', { usualMs: 9_000 }, 5 * second],
    [
      'uses the length of all calls after a failure',
      { hasFailed: true, concurrency: 8, usualMs: 800 },
      20 * second,
    ],
    [
      'uses the length of all calls while none succeeded',
      { successMs: undefined, usualMs: 800, perMs: 0.02 },
      10 * second,
    ],
    ['ignores the measured rate after a failure', { hasFailed: true, perMs: 9 }, 5 * second],
    ['expects a silence to last as long again', { silentMs: 8 * second }, 9 * second],
    ['is hardly longer after a short silence', { silentMs: 500 }, 5.25 * second],
    ['goes by the owner’s limit, where that is less', { ratePerSecond: 4 }, 50 * second],
    ['uses the rate of the lane, if the limit is higher', { ratePerSecond: 400 }, 5 * second],
    [
      'uses the owner’s limit when nothing else is known',
      { usualMs: undefined, successMs: undefined, ratePerSecond: 4 },
      50 * second,
    ],
    ['expects no more than 500 calls/s', { successMs: 1, deferred: 9_600 }, 10 * second],
    [
      'uses a higher rate, if it was measured',
      { successMs: 1, perMs: 1, deferred: 9_600 },
      5 * second,
    ],
    ['accepts calls that took no time', { usualMs: 0, successMs: 0, perMs: 0 }, second],
  ]
  it.each(cases)('%s', (_, facts, expected) => {
    expect(deferralWaitMs({ ...healthy, ...facts }, 0, 0)).toBeCloseTo(expected, 6)
  })

  it.each([
    [0, 0, 25 * second],
    [0, 1, 25 * second],
    [1, 0, 5 * second],
    [1, 0.5, 15 * second],
    [9, 1, 25 * second],
  ])('after %i deferrals and with the random number %d is %i ms', (deferrals, random, ms) => {
    expect(deferralWaitMs({ ...healthy, deferred: 1_600 }, deferrals, random)).toBeCloseTo(ms, 6)
  })

  it.each([
    [0, second],
    [1, 2 * second],
    [2, 4 * second],
    [5, 32 * second],
    [8, 256 * second],
    [9, 5 * minute],
    [1_000_000, 5 * minute],
  ])('of an unknown lane after %i deferrals is %i ms', (deferrals, ms) => {
    const unknown = { usualMs: undefined, successMs: undefined, perMs: 0, silentMs: minute }
    expect(deferralWaitMs({ ...healthy, ...unknown }, deferrals, 0.5)).toBe(ms)
  })

  it('is a time between a second and half an hour, whatever the facts are', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(), anyChance, (some, deferrals, random) => {
        const ms = deferralWaitMs(some, deferrals, random)
        expect(ms).toBeGreaterThanOrEqual(second)
        expect(ms).toBeLessThanOrEqual(30 * minute)
      }),
    )
  })

  it('returns a backlog about once per halving, so 20,000 runs take few writes each', () => {
    let deferred = 20_000
    let writes = 0
    for (; deferred > 375; writes += 1) {
      const ms = deferralWaitMs({ ...healthy, queued: 375, deferred }, writes, 1)
      deferred -= Math.floor((ms / second) * 40)
    }
    expect(writes).toBeGreaterThanOrEqual(4)
    expect(writes).toBeLessThanOrEqual(7)
  })
})

/** A lane of 160 ms and 16 calls at once, 100/s, that is open: its calls fail after 10 s. */
const open: BacklogFacts = {
  ...healthy,
  queued: 0,
  deferred: 18_000,
  perMs: 0,
  usualMs: 10_000,
  successMs: 160,
  concurrency: 1,
  hasFailed: true,
}

describe('the return of what an open lane defers', () => {
  const alone = (deliveries: number) => ({ deliveries, hooks: 1 })
  const cases: readonly (readonly [string, Partial<BacklogFacts>, DeferredOfAll, number])[] = [
    ['takes half of the time at the rate before the failure', {}, alone(18_000), 90 * second],
    ['counts what is queued', { queued: 2_000 }, alone(18_000), 100 * second],
    ['is at least 5 s', { deferred: 100 }, alone(100), 5 * second],
    ['is at most half an hour', { deferred: 1_000_000 }, alone(1_000_000), 30 * minute],
    ['goes by the owner’s limit, if that is less', { ratePerSecond: 50 }, alone(1), 180 * second],
    ['is 1,000 per second', { deferred: 120_000, successMs: 1 }, alone(120_000), 120 * second],
    [
      'is 1,000 per second over all hooks, which return side by side',
      { successMs: 1 },
      { deliveries: 200_000, hooks: 10 },
      180 * second,
    ],
    [
      'takes no longer than all hooks need',
      { successMs: 1 },
      { deliveries: 20_000, hooks: 2_000 },
      20 * second,
    ],
    [
      'does not come after thousands of another hook',
      { deferred: 10, successMs: 1 },
      { deliveries: 500_010, hooks: 2 },
      5 * second,
    ],
    [
      'the same where nothing is known of the endpoint',
      { successMs: undefined },
      alone(18_000),
      18 * second,
    ],
    ['the same for an endpoint that takes no time', { successMs: 0 }, alone(18_000), 18 * second],
    [
      'uses the owner’s limit when nothing else is known',
      { successMs: undefined, ratePerSecond: 50 },
      alone(18_000),
      180 * second,
    ],
  ]
  it.each(cases)('%s', (_, facts, all, expected) => {
    expect(returnOf({ ...open, ...facts }, all, 0).spreadMs).toBeCloseTo(expected, 6)
  })

  it('is a time between 5 s and half an hour, whatever the facts are', () => {
    fc.assert(
      fc.property(anyFacts, amount, amount, (some, deliveries, hooks) => {
        const ms = returnOf(some, { deliveries, hooks }, 0).spreadMs
        expect(ms).toBeGreaterThanOrEqual(5 * second)
        expect(ms).toBeLessThanOrEqual(30 * minute)
      }),
    )
  })

  it('is in the order in which they were deferred, over this time', () => {
    const places = Array.from(
      { length: 20_000 },
      (_, deferred) => returnOf({ ...open, deferred }, alone(deferred), 0).placeMs,
    )
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(places[0]).toBe(0)
    expect(places.at(-1)).toBeCloseTo(100 * second - 5, 6)
  })

  it('is at any time of 5 s while hardly any wait', () => {
    const few = { ...open, deferred: 1 }
    expect(returnOf(few, alone(1), 0.5).placeMs).toBe(2.5 * second)
    expect(returnOf(few, alone(1), 0.999).placeMs).toBe(4_995)
  })
})

describe('the wait for slots that long calls of the tenant hold', () => {
  const hanging = { deferred: 3_000, silentMs: 4 * second, perMs: 0.1 }

  it.each([
    [0, 0, 17 * second],
    [0, 1, 17 * second],
    [1, 0, 2 * second],
    [1, 0.5, 9.5 * second],
  ])(
    'is half of the silence and of what was deferred before it, by the rate: after %i deferrals with the random number %d it is %i ms',
    (deferrals, random, ms) => {
      expect(sharedWaitMs(hanging, deferrals, random)).toBeCloseTo(ms, 6)
    },
  )

  it('is as long as the silence while none of these calls has ended', () => {
    expect(sharedWaitMs({ ...hanging, perMs: 0 }, 0, 0)).toBe(4 * second)
  })

  it('is at most five minutes', () => {
    expect(sharedWaitMs({ ...hanging, deferred: 10_000_000 }, 0, 0)).toBe(5 * minute)
    expect(sharedWaitMs({ deferred: 1, silentMs: 5e9, perMs: 0 }, 0, 0)).toBe(5 * minute)
  })
})
