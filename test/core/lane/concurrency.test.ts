import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cutTo,
  freshConcurrency,
  withFailure,
  withSuccess,
  type Concurrency,
} from '../../../src/core/lane/concurrency.ts'

const second = 1_000
const minute = 60 * second
const limit = 16

/** Outcomes of calls that all began after the last cut. */
function after(
  outcomes: readonly ('success' | 'failure')[],
  from: Concurrency,
  { now = 0, most = limit } = {},
): Concurrency {
  return outcomes.reduce<Concurrency>((state, outcome) => {
    const ended = { limit: most, cuts: state.cuts, now }
    return outcome === 'success' ? withSuccess(state, ended) : withFailure(state, ended)
  }, from)
}

const successes = (count: number) => Array<'success'>(count).fill('success')

describe('the concurrency of a lane', () => {
  it('without failures grows by one with each success, up to its limit', () => {
    expect(after(successes(5), freshConcurrency(2)).current).toBe(7)
    const full = after(successes(30), freshConcurrency(2))
    expect(full.current).toBe(limit)
    expect(after(['success'], full)).toBe(full)
  })

  it('is halved by a failure, and never below one', () => {
    const full = after(successes(30), freshConcurrency(2))
    expect(after(['failure'], full).current).toBe(8)
    expect(after(['failure', 'failure'], full).current).toBe(4)
    expect(after(Array<'failure'>(9).fill('failure'), full).current).toBe(1)
  })

  it('grows by one per round after a failure; a round is as many successes as calls may be in flight', () => {
    const halved = after([...successes(30), 'failure'], freshConcurrency(2))
    expect(after(successes(7), halved).current).toBe(8)
    expect(after(successes(8), halved).current).toBe(9)
    expect(after(successes(8 + 8), halved).current).toBe(9)
    expect(after(successes(8 + 9), halved).current).toBe(10)
  })

  it('is halved once by all failed calls of a round, and successes of that round do not count afterwards', () => {
    const full = after(successes(30), freshConcurrency(2))
    const before = { limit, cuts: full.cuts, now: 0 }
    const once = withFailure(full, before)
    expect(once.current).toBe(8)
    expect(withFailure(once, before)).toBe(once)
    expect(withSuccess(once, before)).toBe(once)
    expect(withFailure(once, { ...before, cuts: once.cuts }).current).toBe(4)
  })

  it('grows by one a round after a recovery too', () => {
    const recovered = cutTo(freshConcurrency(2), 2, 0)
    expect(after(successes(2), recovered).current).toBe(3)
    expect(after(successes(5), recovered).current).toBe(4)
  })

  it('grows with each success again once it has reached its limit', () => {
    const most = 4
    const back = after(successes(2 + 3), cutTo(freshConcurrency(2), 2, 0), { most })
    expect(back.current).toBe(4)
    expect(after(successes(3), back, { most: 7 }).current).toBe(7)
  })

  it('grows with each success again when nothing failed for five minutes', () => {
    const recovered = cutTo(freshConcurrency(2), 2, 0)
    expect(after(successes(2), recovered, { now: 5 * minute }).current).toBe(3)
    expect(after(successes(2), recovered, { now: 5 * minute + 1 }).current).toBe(4)
  })

  it('is halved from the owner’s limit when that was lowered meanwhile', () => {
    const full = after(successes(30), freshConcurrency(2))
    expect(after(['failure'], full, { most: 6 }).current).toBe(3)
  })

  it('stays between one and its limit, and falls only by failures of calls that began after the last cut', () => {
    const step = fc.record({
      isFailure: fc.boolean(),
      isOld: fc.boolean(),
      passMs: fc.constantFrom(0, second, 6 * minute),
    })
    const holds = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let state = freshConcurrency(2)
      let now = 0
      for (const { isFailure, isOld, passMs } of steps) {
        now += passMs
        const before = state
        const ended = { limit, cuts: isOld ? state.cuts - 1 : state.cuts, now }
        state = isFailure ? withFailure(state, ended) : withSuccess(state, ended)
        expect(state.current).toBeGreaterThanOrEqual(1)
        expect(state.current).toBeLessThanOrEqual(limit)
        if (isOld) expect(state).toBe(before)
        if (state.current < before.current) expect(isFailure).toBe(true)
        expect(state.current - before.current).toBeLessThanOrEqual(1)
      }
    })
    fc.assert(holds, { numRuns: 300 })
  })
})

/** How many calls may be out, and what follows from their outcomes. */
interface Rule {
  readonly current: number
  readonly begin: () => (outcome: 'success' | 'failure', now: number) => void
}

/** Grows with each success and never shrinks. */
function eager(): Rule {
  let current = 2
  return {
    get current() {
      return current
    },
    begin: () => (outcome) => {
      if (outcome === 'success') current = Math.min(64, current + 1)
    },
  }
}

function ours(): Rule {
  let state = cutTo(freshConcurrency(2), 2, 0)
  return {
    get current() {
      return state.current
    },
    begin() {
      const { cuts } = state
      return (outcome, now) => {
        const ended = { limit: 64, cuts, now }
        state = outcome === 'success' ? withSuccess(state, ended) : withFailure(state, ended)
      }
    },
  }
}

/**
 * Works off `total` calls on an endpoint that has recovered, answers in 100 ms and can take 12 at once: what comes beyond
 * fails after 20 ms and is called for again. Returns how many failed, and how long all took.
 */
function workedOff(rule: Rule, total: number): { readonly errors: number; readonly ms: number } {
  type Out = { readonly endsAt: number; readonly isFailure: boolean; readonly end: () => void }
  let out: Out[] = []
  let now = 0
  let done = 0
  let errors = 0
  for (; done < total; now += 5) {
    for (const { end } of out.filter(({ endsAt }) => endsAt <= now)) end()
    out = out.filter(({ endsAt }) => endsAt > now)
    while (out.length < rule.current) {
      const isFailure = out.filter((call) => !call.isFailure).length >= 12
      const tell = rule.begin()
      const endsAt = now + (isFailure ? 20 : 100)
      const end = () => {
        tell(isFailure ? 'failure' : 'success', endsAt)
        if (isFailure) errors += 1
        else done += 1
      }
      out.push({ endsAt, isFailure, end })
    }
  }
  return { errors, ms: now }
}

describe('an endpoint that recovers and can take twelve calls at once', () => {
  it('fails far fewer than when each success adds a call, and is worked off nearly as fast', () => {
    const before = workedOff(eager(), 3_000)
    const now = workedOff(ours(), 3_000)
    expect(before.errors).toBeGreaterThan(10_000)
    expect(now.errors).toBeLessThan(before.errors / 100)
    expect(now.ms).toBeLessThan(before.ms * 1.5)
  })
})
