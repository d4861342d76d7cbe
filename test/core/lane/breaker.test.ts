import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  advanceBreaker,
  freshBreaker,
  openUntil,
  type BreakerInput,
  type BreakerState,
} from '../../../src/core/lane/breaker.ts'

const second = 1_000
const minute = 60 * second
const halfOpen = { kind: 'half-open', level: 0 } as const

function after(inputs: readonly BreakerInput[], from: BreakerState, now = 0): BreakerState {
  return inputs.reduce((state, input) => advanceBreaker(state, input, now), from)
}

const failures = (count: number) => Array<BreakerInput>(count).fill('failure')
const successes = (count: number) => Array<BreakerInput>(count).fill('success')

describe('a breaker', () => {
  it.each<[BreakerState, BreakerInput, number, BreakerState['kind']]>([
    [freshBreaker, 'success', 0, 'closed'],
    [freshBreaker, 'failure', 0, 'closed'],
    [freshBreaker, 'unanswered', 0, 'closed'],
    [freshBreaker, 'probe-started', 0, 'closed'],
    [openUntil(10, 0), 'success', 20, 'open'],
    [openUntil(10, 0), 'failure', 20, 'open'],
    [openUntil(10, 0), 'unanswered', 20, 'open'],
    [openUntil(10, 0), 'probe-started', 9, 'open'],
    [openUntil(10, 0), 'probe-started', 10, 'half-open'],
    [halfOpen, 'success', 0, 'closed'],
    [halfOpen, 'failure', 0, 'open'],
    [halfOpen, 'unanswered', 0, 'open'],
    [halfOpen, 'probe-started', 0, 'half-open'],
  ])('that is %j moves by %s at %d to %s', (state, input, now, kind) => {
    expect(advanceBreaker(state, input, now).kind).toBe(kind)
  })

  it('opens for 30 s after five failures in a row', () => {
    expect(after(failures(4), freshBreaker).kind).toBe('closed')
    expect(after(failures(5), freshBreaker, 7)).toEqual({ kind: 'open', level: 0, until: 30_007 })
    expect(after([...failures(4), 'success', ...failures(4)], freshBreaker).kind).toBe('closed')
  })

  it('opens after fifteen failures among the newest twenty outcomes', () => {
    const threeOfFour: readonly BreakerInput[] = ['success', ...failures(3)]
    const mixed = Array.from({ length: 5 }, () => threeOfFour).flat()
    expect(after(mixed.slice(0, 19), freshBreaker).kind).toBe('closed')
    expect(after(mixed, freshBreaker).kind).toBe('open')
  })

  it('ignores failures that are five minutes old', () => {
    const state = after(failures(4), freshBreaker, 0)
    expect(advanceBreaker(state, 'failure', 5 * minute).kind).toBe('open')
    expect(advanceBreaker(state, 'failure', 5 * minute + 1).kind).toBe('closed')
  })

  it('stays open longer each time its probe fails: 30 s, 5 min, 30 min, and not longer', () => {
    let state = after(failures(5), freshBreaker)
    const opened: number[] = []
    let now = 0
    for (let round = 0; round < 4; round += 1) {
      if (state.kind !== 'open') throw new Error('it is not open')
      opened.push(state.until - now)
      now = state.until
      state = advanceBreaker(advanceBreaker(state, 'probe-started', now), 'failure', now)
    }
    expect(opened).toEqual([30 * second, 5 * minute, 30 * minute, 30 * minute])
  })

  it('stays open longer when it opens again soon, and not after it was closed for as long', () => {
    const closed = advanceBreaker({ kind: 'half-open', level: 1 }, 'success', 0)
    const soon = after(failures(5), closed, 5 * minute - 1)
    expect(soon).toEqual({ kind: 'open', level: 2, until: 35 * minute - 1 })
    const later = after(failures(5), closed, 5 * minute)
    expect(later).toEqual({ kind: 'open', level: 0, until: 5 * minute + 30 * second })
  })

  it('may be probed again at once when a probe was aborted', () => {
    const state = advanceBreaker({ kind: 'half-open', level: 1 }, 'unanswered', 7)
    expect(state).toEqual({ kind: 'open', level: 1, until: 7 })
    expect(advanceBreaker(state, 'probe-started', 7).kind).toBe('half-open')
  })

  it('costs no memory while all calls succeed', () => {
    const state = after(successes(20), freshBreaker)
    expect(advanceBreaker(state, 'success', 1)).toBe(state)
  })

  it('does what a plain model does, whatever happens', () => {
    const input = fc.constantFrom<BreakerInput>(
      'success',
      'failure',
      'failure',
      'failure',
      'unanswered',
      'probe-started',
    )
    const wait = fc.constantFrom(0, 1, second, 30 * second, 5 * minute, 31 * minute)
    const steps = fc.array(fc.tuple(input, wait), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (history) => {
        const model = new PlainBreaker()
        let state: BreakerState = freshBreaker
        let now = 0
        for (const [one, waitMs] of history) {
          now += waitMs
          state = advanceBreaker(state, one, now)
          model.happen(one, now)
          expect([state.kind, state.kind === 'open' ? state.until : 0]).toEqual([
            model.kind,
            model.kind === 'open' ? model.until : 0,
          ])
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** Keeps every outcome with its time, and judges from those. */
class PlainBreaker {
  kind: 'closed' | 'open' | 'half-open' = 'closed'
  until = 0
  #outcomes: { isFailure: boolean; at: number }[] = []
  /** How long it was open last, and when it closed. */
  #openedFor = 0
  #closedAt: number | undefined

  happen(input: BreakerInput, now: number): void {
    if (this.kind === 'closed') this.#whileClosed(input, now)
    else if (this.kind === 'open') {
      if (input === 'probe-started' && now >= this.until) this.kind = 'half-open'
    } else if (input === 'success') {
      this.kind = 'closed'
      this.#closedAt = now
      this.#outcomes = [{ isFailure: false, at: now }]
    } else if (input === 'failure') {
      this.#open(this.#longer(), now)
    } else if (input === 'unanswered') {
      this.kind = 'open'
      this.until = now
    }
  }

  #whileClosed(input: BreakerInput, now: number): void {
    if (input !== 'success' && input !== 'failure') return
    const newestFailure = this.#outcomes.findLast(({ isFailure }) => isFailure)
    if (newestFailure !== undefined && now - newestFailure.at > 5 * minute) {
      this.#outcomes = this.#outcomes.map(({ at }) => ({ isFailure: false, at }))
    }
    this.#outcomes.push({ isFailure: input === 'failure', at: now })
    if (input === 'success') return
    const lastFive = this.#outcomes.slice(-5)
    const lastTwenty = this.#outcomes.slice(-20)
    const isRow = lastFive.length === 5 && lastFive.every(({ isFailure }) => isFailure)
    const failed = lastTwenty.filter(({ isFailure }) => isFailure).length
    if (!isRow && !(lastTwenty.length === 20 && failed >= 15)) return
    const isSoon = this.#closedAt !== undefined && now < this.#closedAt + this.#openedFor
    this.#open(isSoon ? this.#longer() : 30 * second, now)
  }

  #open(forMs: number, now: number): void {
    this.kind = 'open'
    this.#openedFor = forMs
    this.until = now + forMs
    this.#outcomes = []
  }

  #longer(): number {
    return this.#openedFor === 30 * second ? 5 * minute : 30 * minute
  }
}
