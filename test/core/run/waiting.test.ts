import { describe, expect, it } from 'vitest'
import { waitingKind } from '../../../src/core/answers/waiting-counts.ts'
import { requestRecordHeaders, runHeaders } from '../../../src/core/run/delivery-headers.ts'
import { deliveryIdOf } from '../../../src/core/model/identity.ts'
import {
  earliestStart,
  waitingRun,
  WaitingRuns,
  type WaitingRun,
} from '../../../src/core/run/waiting.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'
import { recordOf } from '../../support/record-builders.ts'

const event = eventOf({ eventId: 'e-1', tenantId: 't-1', sourceKey: 'k-1' })
const deliveryId = deliveryIdOf('t-1', '', 'e-1', 'a')
const run = runOf({
  ...{ hookId: 'a', deliveryId, event, run: 'auth.events/0/7', attempt: 2, hop: 5, deferrals: 1 },
  ...{ firstHandledAt: 900, dueAt: 40_000, earlyMs: 1_000 },
})
const tier = { topic: 'auth.webhook.retry.30s', delayMs: 30_000 }
const place = { topic: tier.topic, partition: 1, offset: 6 }

function read(record: Parameters<typeof recordOf>[0], of: typeof tier | undefined): WaitingRun {
  const waiting = waitingRun(recordOf(record), of)
  if ('kind' in waiting) throw new Error(waiting.rejection.message)
  return waiting
}

describe('a run that waits', () => {
  it('is told by the headers of its tier’s record, whatever the value is', () => {
    const headers = runHeaders(run)
    const waiting = read({ ...place, headers, value: Buffer.from('{'), timestamp: 2_000 }, tier)
    const { event: _, ...progress } = run
    expect(waiting).toEqual({
      ...progress,
      ...{ tenantId: 't-1', eventId: 'e-1', sourceKey: 'k-1', source: event.source, place, tier },
      releasedAt: 32_000,
    })
  })

  it('is due at once as a request', () => {
    const headers = requestRecordHeaders({ ...run, trigger: 'replay' })
    const topic = 'auth.webhook.requests'
    const waiting = read({ ...place, topic, headers, timestamp: 2_000 }, undefined)
    expect(waiting).toMatchObject({ trigger: 'replay', attempt: 0, releasedAt: 2_000 })
    expect(waiting).toMatchObject({ run: `${topic}/1/6`, tier: undefined, dueAt: 2_000 })
  })

  it.each<[string, Partial<WaitingRun>, string]>([
    ['after a failed attempt', { attempt: 1, deferrals: 0, dueAt: 37_000 }, 'retrying'],
    ['after a deferral', { attempt: 0, dueAt: 60_000, earlyMs: 58_000 }, 'deferred'],
    ['after an attempt and a deferral', { dueAt: 60_000, earlyMs: 58_000 }, 'deferred'],
    ['after a deferral and an attempt', { dueAt: 33_000 }, 'retrying'],
    ['before its first attempt at a paused endpoint', { attempt: 0, dueAt: 60_000 }, 'deferred'],
    ['as a request', { attempt: 0, deferrals: 0, tier: undefined }, 'requested'],
    ['after it was split off its event', { attempt: 1, tier: undefined }, 'requested'],
  ])('has the word of what happened last: %s', (_, given, kind) => {
    const waiting = read({ ...place, headers: runHeaders(run), timestamp: 2_000 }, tier)
    expect(waitingKind({ ...waiting, ...given })).toBe(kind)
  })

  it('is none where headers are missing', () => {
    expect(waitingRun(recordOf({ headers: [] }), tier)).toMatchObject({ kind: 'rejected' })
  })

  it.each([
    ['when it is due, less what it may be early', { releasedAt: 1_000 }, 39_000],
    ['when its tier releases it, where that is later', { releasedAt: 50_000 }, 50_000],
  ])('may start %s', (_, fields, at) => {
    expect(earliestStart({ dueAt: 40_000, earlyMs: 1_000, ...fields })).toBe(at)
  })
})

describe('where the runs of some deliveries wait', () => {
  const waiting = read({ ...place, headers: runHeaders(run) }, tier)
  const onward = { ...waiting, hop: 6, place: { ...place, offset: 0 } }

  it.each([
    ['where it was and then where it is', [waiting, onward]],
    ['where it is and then where it was', [onward, waiting]],
  ])('is one place for a run that was met %s', (_, met) => {
    const runs = new WaitingRuns([deliveryId])
    for (const one of met) runs.add(one)
    expect(runs.of(deliveryId)).toEqual([onward])
  })

  it('leaves out other deliveries, and says which were not found', () => {
    const runs = new WaitingRuns([deliveryId, 'dlv_other'])
    runs.add({ ...waiting, deliveryId: 'dlv_third' })
    runs.add(waiting)
    expect(runs.of('dlv_third')).toEqual([])
    expect(runs.missing()).toEqual(['dlv_other'])
  })

  it('keeps the last sixteen runs of a delivery, however many were asked for', () => {
    const runs = new WaitingRuns([deliveryId])
    for (let index = 0; index < 100; index += 1) runs.add({ ...waiting, run: `r/0/${index}` })
    expect(runs.of(deliveryId).map((one) => one.run)).toEqual(
      Array.from({ length: 16 }, (_, index) => `r/0/${index + 84}`),
    )
  })
})
