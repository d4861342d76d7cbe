import { describe, expect, it } from 'vitest'
import type { Hook, Run, TableEntry } from '../../../src/core/model/model.ts'
import { isStillJoined, join } from '../../../src/core/run/join.ts'
import { hookOf, runOf } from '../../support/model-builders.ts'

describe('a join with the hook table', () => {
  const limits = { now: 10_000, maxAgeMs: 5_000, isDisabled: false }
  const run: Run = { ...runOf({}), firstHandledAt: 9_000 }
  const active = (hook: Partial<Hook>): TableEntry => ({
    kind: 'active',
    hook: { ...hookOf({}), ...hook },
  })

  it('uses the hook as it is now', () => {
    const entry = active({ url: 'https://new.example/' })
    expect(join(run, entry, limits)).toMatchObject({
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
    expect(join(run, entry, limits)).toMatchObject({ kind: 'end', verdict })
  })

  it('ends the run as dead where the endpoint is disabled, unless its owner turned the hook off', () => {
    const disabled = { ...limits, isDisabled: true }
    const verdictOf = (entry: TableEntry) => join(run, entry, disabled)
    expect(verdictOf(active({}))).toMatchObject({
      verdict: { kind: 'dead', reason: 'endpoint-disabled' },
    })
    expect(verdictOf(active({ enabled: false }))).toMatchObject({
      verdict: { kind: 'discarded', reason: 'hook-disabled' },
    })
  })

  it('expires a run by the time it was first handled', () => {
    const old = { ...run, firstHandledAt: 4_999 }
    expect(join(old, active({}), limits)).toMatchObject({
      kind: 'end',
      verdict: { kind: 'expired', isLate: true },
    })
    expect(join({ ...old, dueAt: 4_999 + limits.maxAgeMs + 1 }, active({}), limits)).toMatchObject({
      verdict: { kind: 'expired', isLate: false },
    })
    expect(join({ ...run, firstHandledAt: 5_000 }, active({}), limits).kind).toBe('call')
  })

  it('holds while the hook, its endpoint and the age of the run stay as they are', () => {
    const entry = active({})
    const other = active({})
    const isJoined = (now: TableEntry | undefined, changed: Partial<typeof limits> = {}) =>
      isStillJoined(run, hookIn(entry), now, { ...limits, ...changed })
    expect(isJoined(entry)).toBe(true)
    expect(isJoined(other)).toBe(false)
    expect(isJoined(undefined)).toBe(false)
    expect(isJoined(entry, { isDisabled: true })).toBe(false)
    expect(isJoined(entry, { now: 14_000 })).toBe(true)
    expect(isJoined(entry, { now: 14_001 })).toBe(false)
  })
})

function hookIn(entry: TableEntry): Hook {
  if (entry.kind !== 'active') throw new Error('the entry is suspended')
  return entry.hook
}
