import { describe, expect, it } from 'vitest'
import { HookTable } from '../../src/core/hook-table.ts'
import type { Hook } from '../../src/core/model.ts'
import { RecentlyHandled } from '../../src/core/recently-handled.ts'
import { hookOf, runOf } from '../support/model-builders.ts'

function tableOf(...hooks: readonly Partial<Hook>[]): HookTable {
  const table = new HookTable()
  for (const hook of hooks) table.set({ kind: 'active', hook: hookOf(hook) })
  return table
}

function idsFor(table: HookTable, event: string, tenantId = 'default'): readonly string[] {
  return table.matching({ event, tenantId }).map((entry) => entry.hook.id)
}

describe('the hook table', () => {
  it('matches by tenant, enabled and event key', () => {
    const table = tableOf(
      { id: 'a', events: ['PostSignIn', 'User.Created'] },
      { id: 'b', events: ['User.Created'] },
      { id: 'c', events: ['PostSignIn'], tenantId: 'other' },
      { id: 'd', events: ['PostSignIn'], enabled: false },
    )
    expect(idsFor(table, 'PostSignIn')).toEqual(['a'])
    expect(idsFor(table, 'User.Created')).toEqual(['a', 'b'])
    expect(idsFor(table, 'PostSignIn', 'other')).toEqual(['c'])
    expect(idsFor(table, 'User.Deleted')).toEqual([])
  })

  it('uses the single event only when events is empty, as Logto does', () => {
    const table = tableOf(
      { id: 'a', events: [], event: 'PostRegister' },
      { id: 'b', events: ['PostSignIn'], event: 'PostRegister' },
    )
    expect(idsFor(table, 'PostRegister')).toEqual(['a'])
    expect(idsFor(table, 'PostSignIn')).toEqual(['b'])
  })

  it('lets the newest record of a hook replace all of it, tenant included', () => {
    const table = tableOf({ id: 'a' }, { id: 'a', tenantId: 'other', events: ['User.Created'] })
    expect(idsFor(table, 'PostSignIn')).toEqual([])
    expect(idsFor(table, 'User.Created', 'other')).toEqual(['a'])
    expect(table.size).toBe(1)
  })

  it('forgets a deleted hook', () => {
    const table = tableOf({ id: 'a' })
    table.delete('a')
    table.delete('never-there')
    expect(idsFor(table, 'PostSignIn')).toEqual([])
    expect(table.get('a')).toBeUndefined()
  })

  it('matches a suspended hook where tenant and events can be read, so that its deliveries are not lost', () => {
    const table = new HookTable()
    table.set({ kind: 'suspended', hook: { ...hookOf({ id: 'a' }), problems: [] } })
    table.set({
      kind: 'suspended',
      hook: { ...hookOf({ id: 'b' }), tenantId: undefined, problems: [] },
    })
    expect(idsFor(table, 'PostSignIn')).toEqual(['a'])
    expect(table.suspendedCount).toBe(2)
    table.set({ kind: 'active', hook: hookOf({ id: 'a' }) })
    table.delete('b')
    expect(table.suspendedCount).toBe(0)
  })
})

describe('what was recently handled', () => {
  it('is the same delivery, run, attempt and hop, and nothing less', () => {
    const handled = new RecentlyHandled(10)
    handled.add(runOf({ attempt: 1, hop: 2 }))
    expect(handled.has(runOf({ attempt: 1, hop: 2 }))).toBe(true)
    expect(handled.has(runOf({ attempt: 2, hop: 2 }))).toBe(false)
    expect(handled.has(runOf({ attempt: 1, hop: 3 }))).toBe(false)
    expect(handled.has(runOf({ attempt: 1, hop: 2, run: '0-7' }))).toBe(false)
  })

  it('forgets the oldest first, and never holds more than its capacity', () => {
    const handled = new RecentlyHandled(2)
    for (const hop of [1, 2, 3]) handled.add(runOf({ hop }))
    expect([1, 2, 3].map((hop) => handled.has(runOf({ hop })))).toEqual([false, true, true])
  })
})
