import { describe, expect, it } from 'vitest'
import type { Hook, Run, TableEntry } from '../../../src/core/model/model.ts'
import { rejoin } from '../../../src/core/run/rejoin.ts'
import { hookOf, runOf } from '../../support/model-builders.ts'

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
