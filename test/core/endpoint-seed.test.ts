import { describe, expect, it } from 'vitest'
import { boundBy, seedOf, type Binding, type LaneSeed } from '../../src/core/endpoint-seed.ts'
import type { Health } from '../../src/core/endpoint-record.ts'
import { healthOf } from '../support/endpoints.ts'

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

/** What words mean that were read one after the other, each when it was written, for calls of 15 s. */
function seedAfter(words: readonly (Partial<Health> & { readonly at: number })[], spread = 0) {
  const binding = words.reduce<Binding | undefined>(
    (before, { at, until, ...others }) =>
      boundBy(
        before,
        healthOf({ ...others, at: offset + at, until: until == null ? null : offset + until }),
        { instance: 'one', now: offset + at, monotonic: at, spread },
      ),
    undefined,
  )
  return seedOf(binding, timeoutMs)
}

/** The same, all of them read at one time. */
function seedBy(words: readonly Partial<Health>[], { now = 0, spread = 0, instance }: Read = {}) {
  const reading = { instance: instance ?? 'one', now: offset + now, monotonic: now, spread }
  const binding = words
    .map(({ at = 0, until, ...others }) =>
      healthOf({ ...others, at: offset + at, until: until == null ? null : offset + until }),
    )
    .reduce<Binding | undefined>((before, word) => boundBy(before, word, reading), undefined)
  return seedOf(binding, timeoutMs)
}

function untilOf(seed: LaneSeed): number | undefined {
  return seed.kind === 'flowing' ? undefined : seed.until
}

const open = { state: 'open', at: 0, until: 30 * second } as const

describe('the word of another instance that an endpoint is open', () => {
  it('makes others wait for its probe: for a call and a write longer, and at most as long again', () => {
    expect(seedBy([open])).toEqual({ kind: 'open', until: 55 * second, level: 0 })
    expect(untilOf(seedBy([open], { spread: 0.5 }))).toBe(67.5 * second)
  })

  it('makes nobody wait when it is its own', () => {
    expect(untilOf(seedBy([open], { instance: 'other', spread: 0.5 }))).toBe(30 * second)
  })

  it('makes nobody wait when another one has succeeded since the failure', () => {
    const marked = { ...open, lastFailureAt: 5, lastSuccessAt: 6 }
    expect(untilOf(seedBy([marked]))).toBe(30 * second)
    expect(untilOf(seedBy([{ ...marked, lastFailureAt: 7 }]))).toBe(55 * second)
  })

  it('is waited for from one process for 45 to 55 min, and then from another for as long', () => {
    const rows = [0, 29, 58].map((min) => ({
      state: 'open' as const,
      at: min * minute,
      until: (min + 29) * minute,
    }))
    expect(untilOf(seedAfter(rows.slice(0, 1)))).toBe(29 * minute + 25 * second)
    expect(untilOf(seedAfter(rows))).toBe(45 * minute)
    expect(untilOf(seedAfter(rows, 0.5))).toBe(50 * minute)
    const changed = [
      ...rows.slice(0, 2),
      { ...open, at: 58 * minute, until: 87 * minute, instance: 'third' },
    ]
    expect(untilOf(seedAfter(changed))).toBe(87 * minute + 25 * second)
  })

  it('counts until another one, until all is well, or until nothing is sent at all', () => {
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
    ['ahead, in a word that was read late', { at: day, until: day + minute }, minute, 2 * minute],
    ['behind', { at: -day, until: -day + minute }, 0, -day + minute],
    ['jumping', { at: 0, until: day }, 0, 30 * minute],
  ])('binds by a clock that is %s no longer than a breaker is open', (_, times, now, until) => {
    expect(untilOf(seedBy([{ ...open, ...times }], { now, instance: 'other' }))).toBe(until)
  })
})

describe('the word of another instance that an endpoint is paused', () => {
  it('counts until the time that the endpoint asked for, and at most a day', () => {
    const paused = { state: 'paused', until: hour } as const
    expect(seedBy([paused])).toEqual({ kind: 'paused', until: hour })
    expect(untilOf(seedBy([{ ...paused, until: 40 * day }]))).toBe(day)
  })
})
