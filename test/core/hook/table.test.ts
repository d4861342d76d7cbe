import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HookTable, NewestRecords } from '../../../src/core/hook/table.ts'
import type { Hook } from '../../../src/core/model/model.ts'
import { hookOf } from '../../support/model-builders.ts'
import { recordOf } from '../../support/record-builders.ts'

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

  it('replaces a hook in its place, and touches only the subscriptions that have changed', () => {
    const table = tableOf({ id: 'a' }, { id: 'b' }, { id: 'c' })
    table.set({ kind: 'active', hook: hookOf({ id: 'a', name: 'renamed' }) })
    expect(idsFor(table, 'PostSignIn')).toEqual(['a', 'b', 'c'])
    const events = ['User.Created', 'PostSignIn', 'PostSignIn']
    table.set({ kind: 'active', hook: hookOf({ id: 'b', events }) })
    expect(idsFor(table, 'PostSignIn')).toEqual(['a', 'b', 'c'])
    expect(idsFor(table, 'User.Created')).toEqual(['b'])
    table.set({ kind: 'active', hook: hookOf({ id: 'b', events: ['User.Created'] }) })
    expect(idsFor(table, 'PostSignIn')).toEqual(['a', 'c'])
    table.delete('b')
    expect(idsFor(table, 'User.Created')).toEqual([])
  })

  it('shows whether a hook matches an event, enabled or not', () => {
    const table = tableOf({ id: 'a', enabled: false }, { id: 'b', events: ['User.Created'] })
    table.set({ kind: 'suspended', hook: { ...hookOf({ id: 'c', enabled: false }), problems: [] } })
    const ids = ['a', 'b', 'c', 'never-there']
    expect(ids.filter((id) => table.isFor(id, 'PostSignIn'))).toEqual(['a', 'c'])
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

describe('any history of hooks', () => {
  const ids = ['a', 'b', 'c']
  const keys = ['PostSignIn', 'User.Created', 'Session.Ended']
  const tenants = ['default', 'other']
  const change = fc.record({
    id: fc.constantFrom(...ids),
    tenantId: fc.constantFrom(...tenants, undefined),
    event: fc.constantFrom(...keys, undefined),
    events: fc.array(fc.constantFrom(...keys), { maxLength: 4 }),
    enabled: fc.boolean(),
    isDeleted: fc.boolean(),
  })

  it('gives a table that matches like a list of the last records', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const table = new HookTable()
        const last = new Map<string, (typeof changes)[number]>()
        for (const { isDeleted, ...fields } of changes) {
          last.set(fields.id, { ...fields, isDeleted })
          if (isDeleted) table.delete(fields.id)
          else table.set({ kind: 'suspended', hook: { ...hookOf({}), ...fields, problems: [] } })
        }
        const present = [...last.values()].filter(({ isDeleted }) => !isDeleted)
        expect(table.size).toBe(present.length)
        expect(table.suspendedCount).toBe(present.length)
        for (const { id, tenantId, events, event } of present) {
          const isFor = (key: string) => (events.length > 0 ? events.includes(key) : event === key)
          const expected = tenantId === undefined ? [] : keys.filter(isFor)
          expect(keys.filter((key) => table.isFor(id, key))).toEqual(expected)
        }
        for (const tenantId of tenants) {
          for (const key of keys) {
            const expected = present.filter(
              ({ enabled, events, event, ...hook }) =>
                enabled &&
                hook.tenantId === tenantId &&
                (events.length > 0 ? events.includes(key) : event === key),
            )
            expect(idsFor(table, key, tenantId).toSorted()).toEqual(
              expected.map(({ id }) => id).toSorted(),
            )
          }
        }
      }),
    )
  })
})

describe('the newest record of a hook', () => {
  const record = (partition: number, timestamp: number) => recordOf({ partition, timestamp })

  it('is the last of its partition, whatever its timestamp', () => {
    const newest = new NewestRecords()
    expect([record(0, 5), record(0, 3)].map((one) => newest.admits('a', one))).toEqual([true, true])
  })

  it('is the later one of two partitions, and that of the higher one at the same time', () => {
    const newest = new NewestRecords()
    const records = [record(1, 5), record(0, 4), record(0, 5), record(2, 5), record(1, 5)]
    expect(records.map((one) => newest.admits('a', one))).toEqual([true, false, false, true, false])
    expect(newest.admits('b', record(0, 1))).toBe(true)
  })

  it('is the same in whatever order partitions are read', () => {
    const times = fc
      .array(fc.nat(9), { maxLength: 6 })
      .map((list) => list.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(fc.tuple(times, times, times), fc.infiniteStream(fc.nat(2)), (logs, order) => {
        const newestOf = (turns: Iterable<number>) => {
          const newest = new NewestRecords()
          const left = logs.map((log) => [...log.entries()])
          let found: string | undefined
          for (const turn of turns) {
            const partition = (left[turn]?.length ?? 0) > 0 ? turn : left.findIndex((l) => l.length)
            const [offset, timestamp] = left[partition]?.shift() ?? []
            if (timestamp === undefined) break
            if (newest.admits('a', record(partition, timestamp))) found = `${partition}-${offset}`
          }
          return found
        }
        expect(newestOf(order)).toBe(newestOf(Array.from({ length: 99 }, () => 0)))
      }),
    )
  })
})

describe('hooks that are not enabled', () => {
  const event = { tenantId: 'default', event: 'PostSignIn' }

  it('are kept by tenant and key for who asks, until they are enabled or deleted', () => {
    const table = new HookTable({ keepsDisabled: true })
    const set = (id: string, fields: Partial<Hook>) =>
      table.set({ kind: 'active', hook: hookOf({ id, ...fields }) })
    set('off', { enabled: false })
    set('on', {})
    set('other', { enabled: false, events: ['User.Created'] })
    set('theirs', { enabled: false, tenantId: 't-2' })
    expect([...table.disabledFor(event)]).toEqual(['off'])
    expect(table.matching(event).map(({ hook }) => hook.id)).toEqual(['on'])
    set('off', {})
    expect([...table.disabledFor(event)]).toEqual([])
    set('on', { enabled: false })
    table.delete('on')
    expect([...table.disabledFor(event)]).toEqual([])
    expect(table.hasTenant('t-2')).toBe(true)
    table.delete('theirs')
    expect(table.hasTenant('t-2')).toBe(false)
    expect(table.hasTenant('default')).toBe(true)
  })

  it('take no memory where nobody asks', () => {
    const table = new HookTable()
    table.set({ kind: 'active', hook: hookOf({ id: 'off', enabled: false }) })
    expect([...table.disabledFor(event)]).toEqual([])
    expect(table.hasTenant('default')).toBe(false)
  })
})
