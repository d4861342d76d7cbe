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
    expect(blameOf(retry, errorClass)).toBe(blame)
  })

  it('for a deferral falls on the endpoint while its lane is open or paused, and otherwise on nobody', () => {
    const deferred = { kind: 'deferred', dueAt: 0, earlyMs: 0 } as const
    expect(blameOf({ ...deferred, isBlocked: true }, undefined)).toBe('endpoint')
    expect(blameOf({ ...deferred, isBlocked: false }, undefined)).toBeUndefined()
  })

  it.each(['endpoint-down', 'endpoint-disabled', 'overflow'] as const)(
    'for the reason %s falls on the endpoint',
    (reason) => {
      expect(blameOf({ kind: 'dead', reason }, undefined)).toBe('endpoint')
    },
  )

  it.each(['gone', 'exhausted'] as const)(
    'for the reason %s is that of the last attempt',
    (reason) => {
      expect(blameOf({ kind: 'dead', reason }, 'http')).toBe('endpoint')
      expect(blameOf({ kind: 'dead', reason }, 'dns')).toBe('network')
    },
  )

  it('falls on the owner for an invalid hook, on hooktide for its own failures, and on nobody for a success', () => {
    expect(blameOf({ kind: 'dead', reason: 'hook-invalid' }, undefined)).toBe('owner')
    expect(blameOf({ kind: 'interrupted' }, undefined)).toBe('hooktide')
    expect(blameOf({ kind: 'delivered' }, undefined)).toBeUndefined()
  })
})
