import { describe, expect, it } from 'vitest'
import {
  deadLetterHeaders,
  decodeDeadLetter,
  decodeRun,
} from '../../../src/core/run/delivery-headers.ts'
import { PackedHeaders } from '../../../src/core/event/packed-headers.ts'
import { HookTable } from '../../../src/core/hook/table.ts'
import { deliveryIdOf } from '../../../src/core/model/identity.ts'
import type { Hook, SuspendedHook, TableEntry } from '../../../src/core/model/model.ts'
import {
  isSelectedLetter,
  NewestRequests,
  planEvent,
  planRun,
  requestRecord,
  type ReplaySelection,
} from '../../../src/commands/replay/requests.ts'
import { eventOf, hookOf, runOf } from '../../support/model-builders.ts'
import { headersOf, recordOf } from '../../support/record-builders.ts'

const all: ReplaySelection = {
  hooks: undefined,
  tenants: undefined,
  eventKeys: undefined,
  reasons: undefined,
}

function partsOf(hooks: readonly Partial<Hook>[], selection: Partial<ReplaySelection> = {}) {
  const table = new HookTable()
  for (const hook of hooks) table.set({ kind: 'active', hook: hookOf(hook) })
  return {
    table,
    selection: { ...all, ...selection },
    isDisabled: (id: string) => id === 'endpoint-off',
    admit: (entries: readonly TableEntry[]) =>
      entries.filter(({ hook }) => !('filter' in hook) || hook.filter !== 'false'),
  }
}

const suspended: SuspendedHook = {
  id: 'suspended',
  tenantId: 'default',
  event: undefined,
  events: ['PostSignIn'],
  enabled: true,
  problems: [],
  configVersion: '0-1',
}

describe('a replay of an event', () => {
  it('requests its delivery to each hook that it matches now, with the same delivery id', () => {
    const parts = partsOf([
      { id: 'a' },
      { id: 'b' },
      { id: 'c', events: ['User.Created'] },
      { id: 'd', filter: 'false' },
    ])
    const event = eventOf({ eventId: 'e', eventSource: 's' })
    expect(planEvent(event, parts)).toEqual({
      requests: ['a', 'b'].map((hookId) => ({
        deliveryId: deliveryIdOf('default', 's', 'e', hookId),
        hookId,
        event,
      })),
      leftOut: [],
    })
  })

  it.each<[Partial<ReplaySelection>, readonly string[]]>([
    [{ hooks: new Set(['b', 'nobody']) }, ['b']],
    [{ tenants: new Set(['default']) }, ['a', 'b']],
    [{ tenants: new Set(['other']) }, []],
    [{ eventKeys: new Set(['User.Created']) }, []],
    [{ eventKeys: new Set(['User.Created', 'PostSignIn']), hooks: new Set(['a']) }, ['a']],
  ])('includes only the selection: %o', (selection, expected) => {
    const planned = planEvent(eventOf({}), partsOf([{ id: 'a' }, { id: 'b' }], selection))
    expect(planned.requests.map(({ hookId }) => hookId)).toEqual(expected)
    expect(planned.leftOut).toEqual([])
  })

  it('leaves out what would only become a dead letter', () => {
    const parts = partsOf([{ id: 'a' }, { id: 'endpoint-off' }])
    parts.table.set({ kind: 'suspended', hook: suspended })
    const planned = planEvent(eventOf({}), parts)
    expect(planned.requests.map(({ hookId }) => hookId)).toEqual(['a'])
    expect(planned.leftOut.toSorted()).toEqual(['endpoint-disabled', 'hook-suspended'])
  })

  it.each<[Partial<Hook>, readonly string[] | undefined, number]>([
    [{}, ['off'], 1],
    [{ events: [], event: 'PostSignIn' }, ['off', 'a'], 1],
    [{}, undefined, 0],
    [{}, ['a'], 0],
    [{ tenantId: 'other' }, ['off'], 0],
    [{ events: ['User.Created'] }, ['off'], 0],
  ])('counts a disabled hook, here %o, if it was named: of %o', (hook, named, expected) => {
    const hooks = named === undefined ? undefined : new Set(named)
    const parts = partsOf([{ id: 'a' }, { id: 'off', enabled: false, ...hook }], { hooks })
    const { leftOut } = planEvent(eventOf({}), parts)
    expect(leftOut).toEqual(Array.from({ length: expected }, () => 'hook-disabled'))
  })
})

describe('a replay of a dead letter', () => {
  const run = runOf({ hookId: 'a' })

  it('is joined by hook and tenant, as a retry is, whatever events the hook has now', () => {
    const planned = planRun(run, partsOf([{ id: 'a', events: [] }]))
    expect(planned.requests).toEqual([
      { deliveryId: run.deliveryId, hookId: 'a', event: run.event },
    ])
  })

  it.each([
    [[], 'hook-deleted'],
    [[{ id: 'a', tenantId: 'other' }], 'hook-deleted'],
    [[{ id: 'a', enabled: false }], 'hook-disabled'],
  ])('of a hook that is now %o is left out as %s', (hooks, why) => {
    expect(planRun(run, partsOf(hooks))).toEqual({ requests: [], leftOut: [why] })
  })

  it('is selected by its headers', () => {
    const letter = { kind: 'letter', reason: 'gone', run } as const
    expect(isSelectedLetter(letter, all)).toBe(true)
    expect(isSelectedLetter(letter, { ...all, reasons: new Set(['gone']) })).toBe(true)
    expect(isSelectedLetter(letter, { ...all, reasons: new Set(['exhausted']) })).toBe(false)
    expect(isSelectedLetter(letter, { ...all, hooks: new Set(['b']) })).toBe(false)
    const elsewhere = partsOf([{ id: 'a' }], { tenants: new Set(['other']) })
    expect(planRun(run, elsewhere)).toEqual({ requests: [], leftOut: [] })
  })

  it('is outdated once a newer run of its delivery was requested', () => {
    const requests = new NewestRequests('requests')
    const isOutdated = (run: string) => requests.isOutdated({ deliveryId: 'd', run })
    expect(isOutdated('events/2/7')).toBe(false)
    requests.add('d', { partition: 2, offset: 7 })
    requests.add('other', { partition: 2, offset: 8 })
    expect(['events/2/7', 'requests/2/7', 'requests/12/7'].map(isOutdated)).toEqual([
      true,
      false,
      true,
    ])
    requests.add('d', { partition: 2, offset: 9 })
    expect(['requests/2/7', 'requests/2/9'].map(isOutdated)).toEqual([true, false])
    requests.addPlanned('d')
    expect(isOutdated('requests/2/9')).toBe(true)
  })

  it('of an earlier version, which named runs in another form, becomes outdated in the same way', () => {
    const requests = new NewestRequests('requests')
    const isOutdated = (run: string) => requests.isOutdated({ deliveryId: 'd', run })
    expect(['0', '2-7'].map(isOutdated)).toEqual([false, false])
    requests.add('d', { partition: 2, offset: 7 })
    expect(['0', '2-6', '2-7'].map(isOutdated)).toEqual([true, true, false])
  })
})

describe('a request record', () => {
  it('is read back as a new run, with the bytes and headers of the event', () => {
    const hookId = 'a'
    const own = PackedHeaders.pack(headersOf({ 'event-id': 'event-1', trace: 'x' }))
    const event = eventOf({ headers: own })
    const deliveryId = deliveryIdOf('default', '', 'event-1', hookId)
    const { topic, key, value, headers } = requestRecord(
      'auth.webhook.requests',
      { deliveryId, hookId, event },
      'replay',
    )
    expect([topic, key]).toEqual(['auth.webhook.requests', deliveryId])
    const stands = { topic, partition: 2, offset: 77, value, headers, timestamp: 5_000 }
    expect(decodeRun(recordOf(stands), 'request')).toEqual({
      kind: 'run',
      run: {
        deliveryId,
        hookId,
        run: 'auth.webhook.requests/2/77',
        trigger: 'replay',
        attempt: 0,
        hop: 0,
        deferrals: 0,
        firstHandledAt: 5_000,
        dueAt: 5_000,
        earlyMs: 0,
        isForced: false,
        event,
      },
    })
  })
})

describe('a dead letter', () => {
  const deliveryId = deliveryIdOf('default', '', 'event-1', 'a')
  const event = eventOf({ headers: PackedHeaders.none })
  const run = runOf({ deliveryId, hookId: 'a', run: '2-77', trigger: 'replay', attempt: 3, event })
  const death = { reason: 'exhausted', status: 500, diedAt: 9 } as const
  const headers = deadLetterHeaders(run, death)

  it('is read back as the run that it ended, with the reason', () => {
    const letter = decodeDeadLetter(recordOf({ headers, value: run.event.body }))
    expect(letter).toEqual({ kind: 'letter', reason: 'exhausted', run })
  })

  it('that was too large has no event, and says where it is', () => {
    expect(decodeDeadLetter(recordOf({ headers, value: null }))).toEqual({
      kind: 'reference',
      reason: 'exhausted',
      run: { deliveryId, hookId: 'a', run: '2-77' },
      source: run.event.source,
    })
  })

  it('that does not name its hook is rejected, with an event or without', () => {
    const nameless = [...headers].filter(([name]) => name !== 'hooktide-hook-id')
    for (const value of [run.event.body, null]) {
      const letter = decodeDeadLetter(recordOf({ headers: nameless, value }))
      expect(letter).toMatchObject({
        kind: 'rejected',
        rejection: { field: 'hooktide-hook-id' },
      })
    }
  })
})
