import { describe, expect, it } from 'vitest'
import type { NameAddress, NameAnswer } from '../../../src/edge/names/answer.ts'
import { adviceOn, askable, learned, type NameState } from '../../../src/edge/names/state.ts'

const old: readonly NameAddress[] = [{ address: '192.0.2.1', family: 4 }]
const moved: readonly NameAddress[] = [{ address: '192.0.2.2', family: 4 }]
const answer: NameAnswer = { kind: 'addresses', addresses: old, ttlMs: 60_000 }
const hourMs = 3_600_000

/** What is known after answers at their times. */
function after(...answers: readonly (readonly [at: number, answer: NameAnswer])[]): NameState {
  let state: NameState | undefined
  for (const [at, given] of answers) state = learned(state, given, at)
  if (state === undefined) throw new Error('no answer was given')
  return state
}

const silent: NameAnswer = { kind: 'silent' }
const refused: NameAnswer = { kind: 'refused' }
const noName: NameAnswer = { kind: 'no-name' }

describe('a name of which nothing is known', () => {
  it('is asked for, and its call waits', () => {
    expect(adviceOn(undefined, 0)).toEqual({ kind: 'ask', fallback: undefined })
  })
})

describe('a name with an answer', () => {
  const state = after([0, answer])

  it.each([
    [0, { kind: 'use', addresses: old, isStale: false, isRefreshDue: false }],
    [44_999, { kind: 'use', addresses: old, isStale: false, isRefreshDue: false }],
    [45_000, { kind: 'use', addresses: old, isStale: false, isRefreshDue: true }],
    [59_999, { kind: 'use', addresses: old, isStale: false, isRefreshDue: true }],
    [60_000, { kind: 'ask', fallback: old }],
    [60_000 + hourMs - 1, { kind: 'ask', fallback: old }],
    [60_000 + hourMs, { kind: 'ask', fallback: undefined }],
  ])('after %d ms', (now, advice) => {
    expect(adviceOn(state, now)).toEqual(advice)
  })

  it('has the next answer instead', () => {
    const next = after([0, answer], [50_000, { ...answer, addresses: moved }])
    expect(adviceOn(next, 70_000)).toMatchObject({ kind: 'use', addresses: moved, isStale: false })
  })
})

describe('a name that has no address', () => {
  it.each([
    ['never had one', [[0, noName]]],
    [
      'had one',
      [
        [-9, answer],
        [0, noName],
      ],
    ],
    [
      'had one, and then no answer',
      [
        [-9_999, answer],
        [-99, silent],
        [0, noName],
      ],
    ],
  ] as const)('fails for five seconds, whether it %s', (_, answers) => {
    const state = after(...answers)
    expect(adviceOn(state, 4_999)).toEqual({ kind: 'fail', failure: 'no-name' })
    expect(adviceOn(state, 5_000)).toEqual({ kind: 'ask', fallback: undefined })
  })

  it('does not come back with its former address when name servers go away', () => {
    const state = after([0, answer], [50_000, noName], [56_000, silent])
    expect(adviceOn(state, 56_500)).toEqual({ kind: 'fail', failure: 'silent' })
  })
})

describe('a name for which name servers cannot say', () => {
  it.each([silent, refused])('fails at once, and is asked for ever more rarely: %j', (failure) => {
    const waits: number[] = []
    let state: NameState | undefined
    let now = 0
    for (let count = 0; count < 8; count += 1) {
      state = learned(state, failure, now)
      let waitMs = 0
      while (adviceOn(state, now + waitMs).kind === 'fail') waitMs += 500
      expect(adviceOn(state, now)).toEqual({ kind: 'fail', failure: failure.kind })
      waits.push(waitMs)
      now += waitMs
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('is asked for often again once it was answered', () => {
    const state = after([0, silent], [1_000, silent], [3_000, answer], [99_000, silent])
    expect(adviceOn(state, 99_000 + 1_000)).toMatchObject({ kind: 'use', isRefreshDue: true })
    expect(adviceOn(state, 99_000 + 999)).toMatchObject({ kind: 'use', isRefreshDue: false })
  })

  it('keeps its last address for an hour beyond its time, without waiting for anybody', () => {
    const state = after([0, answer], [46_000, refused])
    expect(adviceOn(state, 46_500)).toMatchObject({ isStale: false, isRefreshDue: false })
    const stale = { kind: 'use', addresses: old, isStale: true, isRefreshDue: true }
    expect(adviceOn(state, 60_000)).toEqual(stale)
    expect(adviceOn(state, 60_000 + hourMs - 1)).toEqual(stale)
    expect(adviceOn(state, 60_000 + hourMs)).toEqual({ kind: 'ask', fallback: undefined })
  })

  it('has its hour from when its answer ended, however often it is asked for', () => {
    const state = after([0, answer], [60_000, silent], [hourMs, silent], [hourMs + 59_000, silent])
    expect(adviceOn(state, hourMs + 59_999)).toMatchObject({ kind: 'use', isStale: true })
    expect(adviceOn(state, hourMs + 60_000)).toEqual({ kind: 'fail', failure: 'silent' })
  })

  it('has its new address as soon as there is one', () => {
    const state = after([0, answer], [60_000, silent], [70_000, { ...answer, addresses: moved }])
    expect(adviceOn(state, 70_000)).toMatchObject({ kind: 'use', addresses: moved, isStale: false })
  })

  it('is asked for at once where there are other name servers', () => {
    const state = askable(after([0, silent], [1_000, silent], [3_000, silent]), 3_500)
    expect(adviceOn(state, 3_500)).toEqual({ kind: 'ask', fallback: undefined })
    expect(adviceOn(learned(state, silent, 3_500), 4_500)).toMatchObject({ kind: 'ask' })
    const absent = after([0, noName])
    expect(askable(absent, 1)).toBe(absent)
  })
})
