import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../src/core/durations.ts'
import { mustHop, nextDue, tierFor, tierOf } from '../../src/core/schedule.ts'

const minute = 60_000
const hour = 60 * minute
const tiers = [5_000, 30_000, 5 * minute, 30 * minute, 2 * hour].map((delayMs) => ({
  topic: `t.${formatDuration(delayMs)}`,
  delayMs,
}))
const schedule = [5_000, 5 * minute, 30 * minute]

describe('the next due time', () => {
  it.each([
    [1, 0, 5_000],
    [1, 0.5, 5_500],
    [2, 0, 5 * minute],
    [3, 1, 36 * minute],
    [7, 0, 30 * minute],
  ])('after %i attempts with chance %f is %i ms away', (attempts, random, expected) => {
    const due = nextDue(schedule, attempts, { now: 1_000, random, retryAfterMs: 0 })
    expect(due.dueAt - 1_000).toBe(expected)
    expect(due.earlyMs).toBe(Math.floor(expected / 20))
  })

  it('is not before Retry-After, and then not a moment early', () => {
    const due = nextDue(schedule, 1, { now: 0, random: 0, retryAfterMs: minute })
    expect(due).toEqual({ dueAt: minute, earlyMs: 0 })
  })

  it('stays with the schedule when Retry-After is shorter, and may be early only down to it', () => {
    expect(nextDue(schedule, 2, { now: 0, random: 0, retryAfterMs: minute })).toEqual({
      dueAt: 5 * minute,
      earlyMs: 15_000,
    })
    expect(nextDue(schedule, 2, { now: 0, random: 0, retryAfterMs: 5 * minute - 10 })).toEqual({
      dueAt: 5 * minute,
      earlyMs: 10,
    })
  })

  it('believes Retry-After for a day at most', () => {
    const due = nextDue(schedule, 1, { now: 0, random: 0, retryAfterMs: 400 * hour })
    expect(due.dueAt).toBe(24 * hour)
  })
})

describe('a tier', () => {
  it.each([
    [1_000, 't.5s'],
    [5_000, 't.5s'],
    [29_999, 't.5s'],
    [30_000, 't.30s'],
    [24 * hour, 't.2h'],
  ])('for a wait of %i ms is %s', (waitMs, topic) => {
    expect(tierFor(tiers, waitMs).topic).toBe(topic)
  })

  it('is read from its topic name only when that is the prefix and a duration', () => {
    expect(tierOf('auth.webhook.retry.30s', 'auth.webhook.retry.')).toEqual({
      topic: 'auth.webhook.retry.30s',
      delayMs: 30_000,
    })
    for (const topic of [
      'auth.webhook.retry.',
      'auth.webhook.retry.x',
      'other.retry.5s',
      'auth.webhook.retry.0s',
    ]) {
      expect(tierOf(topic, 'auth.webhook.retry.')).toBeUndefined()
    }
  })
})

describe('hopping', () => {
  it('brings any wait to its attempt, never earlier than allowed, and at most one smallest tier late', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 * hour }), fc.boolean(), (waitMs, isExact) => {
        const due = { dueAt: waitMs, earlyMs: isExact ? 0 : Math.floor(waitMs / 20) }
        let now = tierFor(tiers, waitMs).delayMs
        let hops = 1
        for (; mustHop(due, now); hops += 1) now += tierFor(tiers, due.dueAt - now).delayMs
        expect(now).toBeGreaterThanOrEqual(due.dueAt - due.earlyMs)
        expect(now).toBeLessThan(due.dueAt + 5_000)
        expect(hops).toBeLessThanOrEqual(40)
      }),
    )
  })
})

describe('a duration', () => {
  it('is read back from its text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (durationMs) => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs)
      }),
    )
  })

  it.each(['', '5', '5 s', '-5s', '1.5h', '5w', '5S', '99999999999s'])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})
