import { describe, expect, it } from 'vitest'
import { boundBy, seedOf, type Binding, type LaneSeed } from '../../../src/core/lane/seed.ts'
import type { Health } from '../../../src/core/health/record.ts'
import { healthOf } from '../../support/endpoints.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const timeoutMs = 15 * second
/** The monotonic clock is as far behind that of the epoch. */
const offset = 5_000 * day
const flowing = { kind: 'flowing' }

interface Read {
  readonly now?: number
  readonly spread?: number
  readonly instance?: string
}

type Report = Partial<Health> & { readonly at: number }

/** What reports mean that were read one after the other, each when it was written. */
function bindingAfter(reports: readonly Report[], spread = 0): Binding | undefined {
  return reports.reduce<Binding | undefined>(
    (before, { at, until, ...others }) =>
      boundBy(
        before,
        healthOf({ ...others, at: offset + at, until: until == null ? null : offset + until }),
        { instance: 'one', now: offset + at, monotonic: at, spread },
      ),
    undefined,
  )
}

/** For calls of 15 s. */
function seedAfter(reports: readonly Report[], spread = 0): LaneSeed {
  return seedOf(bindingAfter(reports, spread), timeoutMs)
}

function halfHour(fromMinute: number): Report & { readonly at: number } {
  return { state: 'open', at: fromMinute * minute, until: (fromMinute + 29) * minute }
}

/** Reports of a process that probes every half hour. */
const halfHours = [0, 29, 58].map(halfHour)

/** The same, all of them read at one time. */
function seedBy(reports: readonly Partial<Health>[], { now = 0, spread = 0, instance }: Read = {}) {
  const reading = { instance: instance ?? 'one', now: offset + now, monotonic: now, spread }
  const binding = reports
    .map(({ at = 0, until, ...others }) =>
      healthOf({ ...others, at: offset + at, until: until == null ? null : offset + until }),
    )
    .reduce<Binding | undefined>((before, report) => boundBy(before, report, reading), undefined)
  return seedOf(binding, timeoutMs)
}

function untilOf(seed: LaneSeed): number | undefined {
  return seed.kind === 'flowing' ? undefined : seed.until
}

const open = { state: 'open', at: 0, until: 30 * second } as const

describe('the report of another instance that an endpoint is open', () => {
  it('makes others wait for its probe, a call, a write, and at most as long again', () => {
    const seed = { kind: 'open', probeAt: 30 * second, until: 55 * second, level: 0 }
    expect(seedBy([open])).toEqual(seed)
    expect(untilOf(seedBy([open], { spread: 0.5 }))).toBe(67.5 * second)
  })

  it('makes no process wait for its own report', () => {
    expect(untilOf(seedBy([open], { instance: 'other', spread: 0.5 }))).toBe(30 * second)
  })

  it('makes no process wait when another one has succeeded since the failure', () => {
    const marked = { ...open, lastFailureAt: 5, lastSuccessAt: 6 }
    expect(untilOf(seedBy([marked]))).toBe(30 * second)
    expect(untilOf(seedBy([{ ...marked, lastFailureAt: 7 }]))).toBe(55 * second)
  })

  it('is waited for whichever process wrote it, each time a grace period longer', () => {
    expect(untilOf(seedAfter(halfHours.slice(0, 1)))).toBe(29 * minute + 25 * second)
    expect(untilOf(seedAfter(halfHours))).toBe(87 * minute + 25 * second)
    expect(untilOf(seedAfter([...halfHours, { ...halfHour(87), instance: 'third' }]))).toBe(
      116 * minute + 25 * second,
    )
  })

  it('counts until another report, a recovery, or the disabling of the endpoint', () => {
    const later = { ...open, until: 5 * minute }
    expect(seedBy([open, later])).toMatchObject({ until: 5 * minute + 25 * second, level: 1 })
    expect(seedBy([open, { state: 'healthy' }])).toEqual(flowing)
    expect(seedBy([open, { state: 'disabled' }])).toEqual(flowing)
    expect(seedBy([])).toEqual(flowing)
  })

  it('counts on when one whose lane is not open fails a few times', () => {
    expect(seedBy([open, { state: 'failing' }])).toEqual(seedBy([open]))
    expect(seedBy([{ state: 'failing' }])).toEqual(flowing)
  })

  it('says how long the breaker is open, though it is written some seconds late', () => {
    const levels = [20 * second, 30 * second, 290 * second, 25 * minute, 2 * hour].map((until) =>
      seedBy([{ ...open, until }]),
    )
    expect(levels).toMatchObject([0, 0, 1, 2, 2].map((level) => ({ level })))
  })

  it.each([
    ['ahead', { at: day, until: day + 5 * minute }, 0, 5 * minute],
    ['ahead, in a report that was read late', { at: day, until: day + minute }, minute, 2 * minute],
    ['behind', { at: -day, until: -day + minute }, 0, -day + minute],
    ['jumping', { at: 0, until: day }, 0, 30 * minute],
  ])('binds by a clock that is %s no longer than a breaker is open', (_, times, now, until) => {
    expect(untilOf(seedBy([{ ...open, ...times }], { now, instance: 'other' }))).toBe(until)
  })
})

describe('the report of another instance that an endpoint is paused', () => {
  it('counts until the time that the endpoint asked for, and at most a day', () => {
    const paused = { state: 'paused', until: hour } as const
    expect(seedBy([paused])).toEqual({ kind: 'paused', until: hour })
    expect(untilOf(seedBy([{ ...paused, until: 40 * day }]))).toBe(day)
  })
})

describe('a process that waits for another one’s probe', () => {
  const claimAtAfter = (reports: readonly Report[], spread = 0) =>
    (bindingAfter(reports, spread)?.claimAt ?? Number.NaN) / minute

  it('claims the next one after a probe of the longest period, when a tenth to half of its time has passed', () => {
    expect(claimAtAfter(halfHours.slice(0, 1))).toBeNaN()
    expect(claimAtAfter(halfHours.slice(0, 2))).toBeCloseTo(29 + 2.9, 6)
    expect(claimAtAfter(halfHours.slice(0, 2), 0.5)).toBeCloseTo(29 + 8.7, 6)
    expect(claimAtAfter(halfHours.slice(0, 2), 0.999)).toBeLessThan(29 + 14.5)
  })

  it('does not while the periods are short', () => {
    const reports = [0, 0.5, 5.5].map((min, nth) => ({
      state: 'open' as const,
      at: min * minute,
      until: ([0.5, 5.5, 29][nth] ?? 0) * minute,
    }))
    expect(claimAtAfter(reports)).toBeNaN()
  })

  it('does not when another one has claimed it, and waits for that one then', () => {
    const claim = { ...halfHour(29), at: 35 * minute, instance: 'third' }
    expect(claimAtAfter([...halfHours.slice(0, 2), claim])).toBeNaN()
    const next = { ...halfHour(58), instance: 'third' }
    expect(claimAtAfter([...halfHours.slice(0, 2), claim, next])).toBeGreaterThan(58)
  })

  it('does not claim what is its own, nor from one that fails where another succeeds', () => {
    const [first, next] = halfHours
    const own = { ...halfHour(29), instance: 'one' }
    if (first === undefined || next === undefined) throw new Error('there are three')
    expect(claimAtAfter([first, own])).toBeNaN()
    expect(claimAtAfter([first, { ...next, lastFailureAt: 5, lastSuccessAt: 6 }])).toBeNaN()
  })

  it('does not while the endpoint only asked for time', () => {
    const paused = { state: 'paused' as const, at: 0, until: 120 * minute }
    expect(claimAtAfter([paused])).toBeNaN()
  })
})
