import { describe, expect, it } from 'vitest'
import type { AttemptResult, ErrorClass } from '../../../src/core/model/model.ts'
import { decide, endpointSignOf, maxAttemptsOf } from '../../../src/core/run/verdict.ts'

const phases = { connectMs: 1, firstByteMs: 2, totalMs: 3 }
const schedule = [5_000, 300_000]
const rules = { schedule, smallestTierMs: 1_000, maxAttempts: 3 }
const moment = { now: 1_000_000, random: 0 }

function response(status: number, retryAfterMs?: number): AttemptResult {
  return { kind: 'response', status, retryAfterMs, body: '', phases }
}

function failure(errorClass: Exclude<ErrorClass, 'http'>): AttemptResult {
  return { kind: 'error', errorClass, message: 'broken', status: undefined, phases }
}

function verdictOf(result: AttemptResult, attempt = 0) {
  return decide({ result, sign: endpointSignOf(result) }, { attempt }, rules, moment)
}

describe('a verdict', () => {
  it.each([200, 201, 204, 299])('of status %i is delivered', (status) => {
    expect(verdictOf(response(status))).toEqual({ kind: 'delivered' })
  })

  it.each([300, 301, 307, 400, 404, 408, 418, 429, 500, 502, 503, 599])(
    'of status %i is a retry by schedule',
    (status) => {
      expect(verdictOf(response(status))).toEqual({ kind: 'retry', dueAt: 1_005_000, earlyMs: 0 })
    },
  )

  it.each(['timeout', 'dns', 'connect', 'tls', 'reset', 'protocol', 'blocked'] as const)(
    'of error class %s is a retry by schedule',
    (errorClass) => {
      expect(verdictOf(failure(errorClass))).toMatchObject({ kind: 'retry', dueAt: 1_005_000 })
    },
  )

  it('of 410 is dead at the first attempt', () => {
    expect(verdictOf(response(410))).toEqual({ kind: 'dead', reason: 'gone' })
  })

  it('of an unusable URL is dead at the first attempt', () => {
    const result: AttemptResult = { kind: 'invalid-url', message: 'not a URL', phases }
    expect(verdictOf(result)).toEqual({ kind: 'dead', reason: 'invalid-url' })
  })

  it.each([429, 503])('of %i waits for Retry-After', (status) => {
    expect(verdictOf(response(status, 60_000))).toEqual({
      kind: 'retry',
      dueAt: 1_060_000,
      earlyMs: 0,
    })
  })

  it('of a longer Retry-After than a day waits a day', () => {
    const day = 24 * 3_600_000
    expect(verdictOf(response(503, 400 * day))).toMatchObject({ dueAt: moment.now + day })
    expect(endpointSignOf(response(503, 400 * day))).toEqual({ kind: 'busy', forMs: day })
  })

  it.each([500, 404, 301])('of %i does not look at Retry-After', (status) => {
    expect(verdictOf(response(status, 60_000))).toMatchObject({ dueAt: 1_005_000 })
  })

  it('of the last attempt is dead as exhausted', () => {
    expect(verdictOf(response(500), 1)).toMatchObject({ kind: 'retry' })
    expect(verdictOf(response(500), 2)).toEqual({ kind: 'dead', reason: 'exhausted' })
  })

  it('of an aborted call is interrupted, even at the last attempt', () => {
    expect(verdictOf({ kind: 'aborted', phases }, 2)).toEqual({ kind: 'interrupted' })
  })
})

describe('the number of attempts', () => {
  it.each([
    [undefined, 3],
    [0, 1],
    [1, 2],
    [50, 3],
  ])('with maxRetries %s is %i', (maxRetries, expected) => {
    expect(maxAttemptsOf(schedule, { maxRetries }, { trigger: 'replay' })).toBe(expected)
  })

  it('is one for a test', () => {
    expect(maxAttemptsOf(schedule, { maxRetries: 50 }, { trigger: 'test' })).toBe(1)
  })
})
