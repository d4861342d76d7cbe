import { describe, expect, it } from 'vitest'
import type {
  AttemptResult,
  ErrorClass,
  Hook,
  Run,
  TableEntry,
} from '../../../src/core/model/model.ts'
import { blameOf, decide, maxAttemptsOf, rejoin } from '../../../src/core/run/verdict.ts'
import { hookOf, runOf } from '../../support/model-builders.ts'

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
  return decide(result, { attempt }, rules, moment)
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

describe('a join on retry', () => {
  const limits = { now: 10_000, maxAgeMs: 5_000, isDisabled: false }
  const run: Run = { ...runOf({}), firstHandledAt: 9_000 }
  const active = (hook: Partial<Hook>): TableEntry => ({
    kind: 'active',
    hook: { ...hookOf({}), ...hook },
  })

  it('uses the hook as it is now', () => {
    const entry = active({ url: 'https://new.example/' })
    expect(rejoin(run, entry, limits)).toMatchObject({
      kind: 'call',
      hook: { url: 'https://new.example/' },
    })
  })

  it.each([
    ['a deleted hook', undefined, { kind: 'discarded', reason: 'hook-deleted' }],
    [
      'a hook of another tenant',
      active({ tenantId: 'other' }),
      { kind: 'discarded', reason: 'hook-deleted' },
    ],
    ['a disabled hook', active({ enabled: false }), { kind: 'discarded', reason: 'hook-disabled' }],
    [
      'a suspended hook',
      { kind: 'suspended', hook: hookOf({}) } satisfies TableEntry,
      { kind: 'dead', reason: 'hook-invalid' },
    ],
  ])('ends the run for %s', (_, entry, verdict) => {
    expect(rejoin(run, entry, limits)).toMatchObject({ kind: 'end', verdict })
  })

  it('ends the run as dead where the endpoint is disabled, unless its owner turned the hook off', () => {
    const disabled = { ...limits, isDisabled: true }
    const verdictOf = (entry: TableEntry) => rejoin(run, entry, disabled)
    expect(verdictOf(active({}))).toMatchObject({
      verdict: { kind: 'dead', reason: 'endpoint-disabled' },
    })
    expect(verdictOf(active({ enabled: false }))).toMatchObject({
      verdict: { kind: 'discarded', reason: 'hook-disabled' },
    })
  })

  it('expires a run by the time it was first handled', () => {
    const old = { ...run, firstHandledAt: 4_999 }
    expect(rejoin(old, active({}), limits)).toMatchObject({
      kind: 'end',
      verdict: { kind: 'expired', isLate: true },
    })
    expect(
      rejoin({ ...old, dueAt: 4_999 + limits.maxAgeMs + 1 }, active({}), limits),
    ).toMatchObject({
      verdict: { kind: 'expired', isLate: false },
    })
    expect(rejoin({ ...run, firstHandledAt: 5_000 }, active({}), limits).kind).toBe('call')
  })
})

describe('blame', () => {
  const retry = { kind: 'retry', dueAt: 0, earlyMs: 0 } as const

  it.each([
    ['http', 'endpoint'],
    ['timeout', 'endpoint'],
    ['reset', 'endpoint'],
    ['protocol', 'endpoint'],
    ['tls', 'endpoint'],
    ['dns', 'network'],
    ['connect', 'network'],
    ['blocked', 'owner'],
  ] as const)('for class %s falls on the %s', (errorClass, blame) => {
    expect(blameOf(retry, errorClass, undefined)).toBe(blame)
  })

  it('for what is put off falls on the endpoint while that is open or paused, else on nobody', () => {
    const deferred = { kind: 'deferred', dueAt: 0, earlyMs: 0 } as const
    expect(blameOf({ ...deferred, isBlocked: true }, undefined, undefined)).toBe('endpoint')
    expect(blameOf({ ...deferred, isBlocked: false }, undefined, undefined)).toBeUndefined()
  })

  it.each(['endpoint-down', 'endpoint-disabled', 'overflow'] as const)(
    'for the reason %s falls on the endpoint',
    (reason) => {
      expect(blameOf({ kind: 'dead', reason }, undefined, reason)).toBe('endpoint')
    },
  )

  it('for a hook that is not valid falls on its owner, for what is ours on hooktide, for a success on nobody', () => {
    expect(blameOf({ kind: 'dead', reason: 'hook-invalid' }, undefined, 'hook-invalid')).toBe(
      'owner',
    )
    expect(blameOf({ kind: 'interrupted' }, undefined, undefined)).toBe('hooktide')
    expect(blameOf({ kind: 'delivered' }, undefined, undefined)).toBeUndefined()
  })
})
