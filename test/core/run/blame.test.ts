import { describe, expect, it } from 'vitest'
import { blameOf } from '../../../src/core/run/blame.ts'

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
