import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/core/model/durations.ts'
import {
  nextDue,
  releaseOf,
  tierFor,
  tierOf,
  tierRead,
  type Due,
} from '../../../src/core/run/schedule.ts'

const minute = 60_000
const hour = 60 * minute
const tiers = [1_000, 5_000, 30_000, 5 * minute, 30 * minute, 2 * hour].map((delayMs) => ({
  topic: `t.${formatDuration(delayMs)}`,
  delayMs,
}))
const schedule = [5_000, 5 * minute, 30 * minute]

describe('the next due time', () => {
  const rules = { schedule, smallestTierMs: 1_000 }

  it.each([
    // The jitter of a short wait is what an attempt may be early: it adds no hop of its own.
    [1, 0, 0, { waitMs: 5_000, earlyMs: 0 }],
    [1, 0.5, 0, { waitMs: 5_500, earlyMs: 500 }],
    [1, 0.999, 0, { waitMs: 5_999, earlyMs: 999 }],
    // Of a longer wait it is a twentieth, or as much as the smallest tier waits.
    [2, 0, 0, { waitMs: 5 * minute, earlyMs: 0 }],
    [2, 0.01, 0, { waitMs: 300_600, earlyMs: 600 }],
    [2, 0.1, 0, { waitMs: 306_000, earlyMs: 6_000 }],
    [2, 0.5, 0, { waitMs: 330_000, earlyMs: 16_500 }],
    [3, 0.999, 0, { waitMs: 2_159_640, earlyMs: 107_982 }],
    // The last step is that of all attempts after it.
    [7, 0, 0, { waitMs: 30 * minute, earlyMs: 0 }],
    // Retry-After within the step changes nothing.
    [1, 0.5, 4_000, { waitMs: 5_500, earlyMs: 500 }],
    [1, 0.5, 5_000, { waitMs: 5_500, earlyMs: 500 }],
    // Within the jitter, it bounds what an attempt may be early.
    [1, 0.5, 5_200, { waitMs: 5_500, earlyMs: 300 }],
    [2, 0.5, 329_990, { waitMs: 330_000, earlyMs: 10 }],
    // Beyond it, it is when the attempt is due, and not a moment early.
    [1, 0.5, 5_500, { waitMs: 5_500, earlyMs: 0 }],
    [1, 0.999, minute, { waitMs: minute, earlyMs: 0 }],
    [2, 0, 5 * minute + 1, { waitMs: 5 * minute + 1, earlyMs: 0 }],
  ])(
    'after %i attempts, with chance %f and Retry-After of %i ms, is %o',
    (attempts, random, retryAfterMs, { waitMs, earlyMs }) => {
      const due = nextDue(rules, attempts, { now: 1_000, random, retryAfterMs })
      expect(due).toEqual({ dueAt: 1_000 + waitMs, earlyMs })
    },
  )

  it('of a wait that is no longer than the smallest tier is early by its jitter at most', () => {
    const due = nextDue({ schedule: [5_000], smallestTierMs: 30_000 }, 1, {
      now: 0,
      random: 0.5,
      retryAfterMs: 0,
    })
    expect(due).toEqual({ dueAt: 5_500, earlyMs: 500 })
  })

  it('never lets an attempt start before the step or Retry-After, nor later than a fifth after them', () => {
    const chance = fc.double({ min: 0, max: 0.999, noNaN: true })
    const wait = fc.nat({ max: 24 * hour })
    fc.assert(
      fc.property(wait, wait, wait, chance, (step, retryAfterMs, smallestTierMs, random) => {
        const own = { schedule: [step], smallestTierMs }
        const { dueAt, earlyMs } = nextDue(own, 1, { now: 0, random, retryAfterMs })
        expect(dueAt - earlyMs).toBeGreaterThanOrEqual(Math.max(step, retryAfterMs))
        expect(dueAt).toBeLessThanOrEqual(Math.max(step * 1.2 + 1, retryAfterMs))
        expect(earlyMs).toBeGreaterThanOrEqual(0)
        expect([dueAt, earlyMs].every(Number.isInteger)).toBe(true)
      }),
    )
  })

  it('makes no more hops than the step without jitter, where the jitter is below the smallest tier', () => {
    const chance = fc.double({ min: 0, max: 0.999, noNaN: true })
    const hopsOf = (random: number) => {
      const due = nextDue(rules, 1, { now: 0, random, retryAfterMs: 0 })
      return startOf(due).hops
    }
    fc.assert(
      fc.property(chance, (random) => {
        expect(hopsOf(random)).toBe(hopsOf(0))
      }),
    )
  })
})

describe('a tier', () => {
  it.each([
    [1, 't.1s'],
    [1_000, 't.1s'],
    [4_749, 't.1s'],
    [5_000, 't.5s'],
    [29_749, 't.5s'],
    // A wait runs down while its record is made.
    [29_750, 't.30s'],
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

describe('a topic that is read as a tier', () => {
  it('has the delay of its name', () => {
    expect(tierRead('auth.webhook.retry.30s', 'auth.webhook.retry.').delayMs).toBe(30_000)
  })

  it('is an error if its name has no delay, instead of a tier without a delay', () => {
    expect(() => tierRead('auth.other', 'auth.webhook.retry.')).toThrow(
      'topic auth.other is read as a retry topic, but is not named auth.webhook.retry.<delay>',
    )
  })
})

/** When the attempt starts at the earliest, and after how many hops. */
function startOf(due: Due): { readonly at: number; readonly hops: number } {
  let at = 0
  for (let hops = 1; ; hops += 1) {
    at += tierFor(tiers, due.dueAt - at).delayMs
    const release = releaseOf(due, at, at)
    if (release.kind !== 'hop') return { at: release.kind === 'wait' ? release.until : at, hops }
  }
}

describe('a release', () => {
  const due = { dueAt: 5_500, earlyMs: 500 }

  it.each([
    [5_000, 5_000, { kind: 'start' }],
    [4_000, 5_000, { kind: 'start' }],
    [4_999, 4_999, { kind: 'wait', until: 5_000 }],
    [4_750, 4_999, { kind: 'wait', until: 5_000 }],
    [4_749, 4_749, { kind: 'hop' }],
    // It would hold up others for longer than since its release.
    [4_000, 4_999, { kind: 'hop' }],
  ])('at %i, seen at %i, leads to %o', (releasedAt, now, expected) => {
    expect(releaseOf(due, releasedAt, now)).toEqual(expected)
  })
})

describe('hopping', () => {
  it('brings any wait to its attempt, never earlier than allowed, and at most one smallest tier late', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 * hour }), fc.boolean(), (waitMs, isExact) => {
        const due = { dueAt: waitMs, earlyMs: isExact ? 0 : Math.floor(waitMs / 20) }
        const { at, hops } = startOf(due)
        expect(at).toBeGreaterThanOrEqual(due.dueAt - due.earlyMs)
        expect(at).toBeLessThan(due.dueAt + 1_000)
        expect(hops).toBeLessThanOrEqual(45)
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
