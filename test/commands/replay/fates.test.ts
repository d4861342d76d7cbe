import { describe, expect, it } from 'vitest'
import { Fates, resultsSince, unknownBecause } from '../../../src/commands/replay/fates.ts'
import { undeliveredPlan } from '../../../src/commands/replay/plan.ts'
import { openedRunOf, requestRecord } from '../../../src/commands/replay/requests.ts'
import { deliveryIdOf } from '../../../src/core/model/identity.ts'
import { splitHeaders } from '../../../src/core/run/delivery-headers.ts'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'
import { recordOf } from '../../support/record-builders.ts'

const result = (deliveryId: string, run: string, outcome: string) =>
  ({
    deliveryId,
    run,
    outcome,
    final: outcome !== 'retrying' && outcome !== 'deferred',
  }) as DeliveryResult

type Steps = readonly (readonly [run: string, outcome: string])[]

function fatesOf(...steps: Steps): Fates {
  const fates = new Fates()
  for (const [run, outcome] of steps) {
    if (outcome === 'requested') fates.addRequest('d', run)
    else fates.addResult(result('d', run, outcome))
  }
  return fates
}

describe('a delivery', () => {
  it.each<readonly [string, Steps, string | undefined]>([
    ['has no result', [], undefined],
    ['was delivered', [['e', 'delivered']], 'delivered-before'],
    [
      'was delivered after a failure',
      [
        ['e', 'retrying'],
        ['e', 'delivered'],
      ],
      'delivered-before',
    ],
    [
      'was delivered once and died in a later run',
      [
        ['e', 'delivered'],
        ['r', 'dead'],
      ],
      'delivered-before',
    ],
    [
      'died',
      [
        ['e', 'retrying'],
        ['e', 'dead'],
      ],
      undefined,
    ],
    ['expired', [['e', 'expired']], undefined],
    ['is retried', [['e', 'retrying']], 'under-way'],
    ['waits', [['e', 'deferred']], 'under-way'],
    ['was requested', [['r', 'requested']], 'under-way'],
    [
      'was requested, and died',
      [
        ['r', 'requested'],
        ['r', 'dead'],
      ],
      undefined,
    ],
    [
      'is retried by one run while another died',
      [
        ['e', 'retrying'],
        ['r', 'requested'],
        ['r', 'dead'],
      ],
      'under-way',
    ],
    [
      'was delivered by another run than the one that is requested',
      [
        ['r', 'requested'],
        ['e', 'delivered'],
      ],
      'delivered-before',
    ],
  ])('that %s is undelivered or not', (_, steps, why) => {
    expect(fatesOf(...steps).hindrance('d')).toBe(why)
  })
})

describe('an event', () => {
  const record = (offset: number, timestamp: number) =>
    recordOf({ topic: 'auth.events', partition: 1, offset, timestamp })
  const known = { since: 1_000, handled: [{ topic: 'auth.events', partition: 1, offset: 7 }] }

  it('is known where results go back to it and the processors have handled it', () => {
    expect(unknownBecause(record(6, 1_000), known)).toBeUndefined()
    expect(unknownBecause(record(6, 999), known)).toBe('results-gone')
    expect(unknownBecause(record(7, 1_000), known)).toBe('not-handled-yet')
    expect(unknownBecause(record(0, 1_000), { ...known, handled: [] })).toBe('not-handled-yet')
  })

  it('is requested for those alone to whom it was not delivered, and once', async () => {
    const fates = fatesOf(['e', 'delivered'])
    const event = eventOf({})
    const requests = ['d', 'other'].map((deliveryId) => ({ deliveryId, hookId: 'a', event }))
    const everything = () => Promise.resolve({ requests, leftOut: ['hook-disabled' as const] })
    const plan = undeliveredPlan(everything, { fates, known })
    expect(await plan(record(6, 1_000))).toEqual({
      requests: [requests[1]],
      leftOut: ['hook-disabled', 'delivered-before'],
    })
    expect((await plan(record(6, 1_000))).leftOut).toContain('under-way')
    expect(await plan(record(9, 1_000))).toEqual({ requests: [], leftOut: ['not-handled-yet'] })
  })
})

describe('a record of the requests topic', () => {
  const event = eventOf({ eventId: 'e-1' })
  const deliveryId = deliveryIdOf(event.tenantId, event.eventSource, event.eventId, 'a')
  const place = { topic: 'auth.webhook.requests', partition: 2, offset: 77 }

  it('begins a run that is named by its place', () => {
    const request = requestRecord(place.topic, { deliveryId, hookId: 'a', event }, 'replay')
    const record = recordOf({ ...place, value: event.body, headers: request.headers })
    expect(openedRunOf(record)).toMatchObject({ deliveryId, run: 'auth.webhook.requests/2/77' })
  })

  it('that was split off its event goes on with the run of the event', () => {
    const run = runOf({ deliveryId, hookId: 'a', run: 'auth.events/0/5', event })
    const record = recordOf({ ...place, value: event.body, headers: splitHeaders(run) })
    expect(openedRunOf(record)).toMatchObject({ deliveryId, run: 'auth.events/0/5' })
  })

  it('that names no delivery is none', () => {
    expect(openedRunOf(recordOf({ ...place, headers: [] }))).toBeUndefined()
  })
})

describe('results', () => {
  it.each<[string, Parameters<typeof resultsSince>, number]>([
    ['ever, where none was removed', [[{ low: 0, end: 9, firstAt: 5 }], 100, 1_000], 0],
    ['the first that is left', [[{ low: 3, end: 9, firstAt: 700 }], 100, 1_000], 700],
    [
      'the latest first of several partitions',
      [
        [
          { low: 3, end: 9, firstAt: 700 },
          { low: 1, end: 2, firstAt: 800 },
        ],
        100,
        1_000,
      ],
      800,
    ],
    [
      'as long as they are kept, where all were removed',
      [[{ low: 9, end: 9, firstAt: undefined }], 100, 1_000],
      900,
    ],
    [
      'now, where it is not known how long they are kept',
      [[{ low: 9, end: 9, firstAt: undefined }], undefined, 1_000],
      1_000,
    ],
    ['ever, where there was none', [[{ low: 0, end: 0, firstAt: undefined }], 100, 1_000], 0],
  ])('are known since %s', (_, given, since) => {
    expect(resultsSince(...given)).toBe(since)
  })
})
