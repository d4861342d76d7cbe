import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deadLetterHeaders,
  decodeRun,
  rejectedHeaders,
  isSplit,
  runHeaders,
  splitHeaders,
} from '../../../src/core/run/delivery-headers.ts'
import { decodeEvent } from '../../../src/core/event/event.ts'
import { deliveryIdOf } from '../../../src/core/model/identity.ts'
import {
  triggers,
  type InboundRecord,
  type KafkaHeaders,
  type Run,
} from '../../../src/core/model/model.ts'
import { runOf } from '../../support/model-builders.ts'
import { headersOf, recordOf, samples } from '../../support/record-builders.ts'

const hookId = 'w2f8p6u0c9ydj3ms7ealr'
const value = Buffer.from('{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}')
const needed = {
  'hooktide-hook-id': hookId,
  'hooktide-tenant-id': 't-1',
  'hooktide-event-id': 'e-1',
}
const deliveryId = deliveryIdOf('t-1', '', 'e-1', hookId)

function textsOf(headers: KafkaHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].map(([name, text]) => [name, String(text)]))
}

function recordWith(texts: Readonly<Record<string, string>>): InboundRecord {
  const position = { topic: 'auth.webhook.requests', partition: 2, offset: 77 }
  return recordOf({ ...position, value, headers: headersOf(texts), timestamp: 5_000 })
}

function runIn(record: InboundRecord, from: 'tier' | 'request'): Run {
  const decoded = decodeRun(record, from)
  if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
  return decoded.run
}

function rejectionOf(texts: Readonly<Record<string, string>>, from: 'tier' | 'request'): string {
  const decoded = decodeRun(recordWith(texts), from)
  return decoded.kind === 'run' ? 'run' : `${decoded.rejection.reason} ${decoded.rejection.field}`
}

describe('the headers of a run', () => {
  it("are the event's own, then all that the design names, as text", () => {
    const own = headersOf({ 'event-id': 'e-1', trace: 'x' })
    const key = Buffer.from('key é')
    const decoded = decodeEvent(recordOf({ key, value, headers: own }))
    if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
    const run = runOf({ hookId, event: decoded.event, attempt: 2, hop: 3, dueAt: 9, earlyMs: 4 })
    expect(textsOf(runHeaders(run))).toEqual({
      'event-id': 'e-1',
      trace: 'x',
      'hooktide-delivery-id': 'dlv_0000000000000000000000',
      'hooktide-hook-id': hookId,
      'hooktide-tenant-id': 'default',
      'hooktide-event-id': 'e-1',
      'hooktide-event-source': '',
      'hooktide-run': '0',
      'hooktide-attempt': '2',
      'hooktide-hop': '3',
      'hooktide-trigger': 'event',
      'hooktide-first-handled-at': '0',
      'hooktide-due-at': '9',
      'hooktide-early-ms': '4',
      'hooktide-source': 'auth.events/3/41',
      'hooktide-source-key': 'key é',
    })
  })

  it('bring back the same run from a tier, for every sample and any progress', () => {
    const count = fc.nat()
    const progress = fc.record({
      run: fc.oneof(
        fc.constant('0'),
        fc.tuple(count, count).map(([a, b]) => `${a}-${b}`),
        fc.tuple(count, count).map(([a, b]) => `auth.events/${a}/${b}`),
      ),
      trigger: fc.constantFrom(...triggers),
      // The highest number of 32 bits is refused: the next attempt's would not fit.
      attempt: fc.nat({ max: 2 ** 31 - 2 }),
      hop: count,
      deferrals: count,
      firstHandledAt: count,
      dueAt: count,
      earlyMs: count,
      isForced: fc.constant(false),
    })
    const names = { 'tenant-id': 't-1', ce_id: 'c-1', ce_source: 'urn:é', traceparent: 'broken' }
    const keys = fc.option(fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)))
    fc.assert(
      fc.property(progress, fc.constantFrom(...samples), keys, (fields, sample, key) => {
        const headers = headersOf(names)
        const decoded = decodeEvent(recordOf({ key, value: sample.event, headers }))
        if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
        const { event } = decoded
        const id = deliveryIdOf('t-1', 'urn:é', 'c-1', hookId)
        const run: Run = { ...fields, deliveryId: id, hookId, event }
        const written = {
          topic: 'auth.webhook.retry.5s',
          value: event.body,
          headers: runHeaders(run),
        }
        expect(runIn(recordOf(written), 'tier')).toEqual(run)
      }),
    )
  })

  it('say in dead letters why and when, with a status when there was an answer', () => {
    const death = { reason: 'exhausted', status: 503, diedAt: 12 } as const
    expect(textsOf(deadLetterHeaders(runOf({}), death))).toMatchObject({
      'hooktide-reason': 'exhausted',
      'hooktide-status': '503',
      'hooktide-died-at': '12',
      'hooktide-hook-id': 'hook-1',
    })
    const silent = textsOf(deadLetterHeaders(runOf({}), { ...death, status: undefined }))
    expect(silent).not.toHaveProperty('hooktide-status')
  })
})

describe('the key of the event’s record', () => {
  it.each([
    ['former versions, which did not write it', {}, undefined],
    ['this version', { 'hooktide-source-key': 'k-1' }, 'k-1'],
    ['a tool that wrote more than results may show', { 'hooktide-source-key': 'x'.repeat(513) }],
  ])('is taken from headers of %s', (_, texts, sourceKey?: string) => {
    for (const from of ['tier', 'request'] as const) {
      const run = runIn({ ...recordWith({ ...needed, ...texts }), key: Buffer.from('dlv_1') }, from)
      expect(run.event.sourceKey).toBe(sourceKey)
    }
  })
})

describe('the headers of a rejected record', () => {
  it('are all that it had, then the reason of the rejection and its place', () => {
    const headers = [
      ...headersOf({ a: '1', 'hooktide-run': '0' }),
      ['a', null],
      ...headersOf({ a: '2' }),
    ] as const
    const rejection = { reason: 'missing-field', field: 'event', message: 'No event.' } as const
    expect([...rejectedHeaders(recordOf({ headers }), rejection)]).toEqual([
      ...headers,
      ...headersOf({
        'hooktide-reason': 'missing-field',
        'hooktide-field': 'event',
        'hooktide-source': 'auth.events/3/41',
      }),
    ])
  })
})

describe('a request', () => {
  it('needs hook, tenant and event id only, and begins a run named by its position', () => {
    expect(runIn(recordWith(needed), 'request')).toMatchObject({
      deliveryId,
      hookId,
      run: 'auth.webhook.requests/2/77',
      trigger: 'resend',
      attempt: 0,
      hop: 0,
      firstHandledAt: 5_000,
      dueAt: 5_000,
      earlyMs: 0,
      event: {
        tenantId: 't-1',
        eventId: 'e-1',
        eventSource: '',
        body: value,
        source: { topic: 'auth.webhook.requests', partition: 2, offset: 77 },
      },
    })
  })

  it('begins a run of the same delivery when it is an unchanged copy of a dead letter', () => {
    const old = runIn(recordWith({ ...needed, 'hooktide-source': 'auth.events/0/9' }), 'tier')
    const dead = deadLetterHeaders(
      { ...old, attempt: 9, hop: 12 },
      { reason: 'exhausted', status: 500, diedAt: 1 },
    )
    const run = runIn({ ...recordWith({}), headers: dead }, 'request')
    const began = { run: 'auth.webhook.requests/2/77', trigger: 'resend', attempt: 0, hop: 0 }
    expect(run).toMatchObject({ deliveryId, ...began })
    expect(run.event.source).toEqual({ topic: 'auth.events', partition: 0, offset: 9 })
    expect([...run.event.headers]).toEqual([])
  })

  it.each(['replay', 'resend', 'test'])('keeps the trigger %s', (trigger) => {
    expect(runIn(recordWith({ ...needed, 'hooktide-trigger': trigger }), 'request').trigger).toBe(
      trigger,
    )
  })

  it.each([
    ['test', true],
    ['replay', false],
    ['resend', false],
  ])('is forced only if it is a test: %s', (trigger, isForced) => {
    const forced = { ...needed, 'hooktide-trigger': trigger, 'hooktide-forced': '1' }
    const run = runIn(recordWith(forced), 'request')
    expect(run.isForced).toBe(isForced)
    const goneOn = { ...recordWith({}), headers: splitHeaders(run) }
    expect(runIn(goneOn, 'request')).toMatchObject({ trigger, isForced })
  })

  it('is rejected where it says of being forced what no request says', () => {
    const record = recordWith({ ...needed, 'hooktide-trigger': 'test', 'hooktide-forced': 'yes' })
    expect(decodeRun(record, 'request')).toMatchObject({
      kind: 'rejected',
      rejection: { field: 'hooktide-forced', message: expect.stringContaining('is not 1') },
    })
  })

  it('takes the identity from its own headers, never from those of the event', () => {
    const misleading = { 'event-id': 'other', 'tenant-id': 'other', ce_source: 'other' }
    const run = runIn(
      recordWith({ ...misleading, ...needed, 'hooktide-event-source': 's' }),
      'request',
    )
    expect(run.event).toMatchObject({ tenantId: 't-1', eventId: 'e-1', eventSource: 's' })
    expect(run.deliveryId).toBe(deliveryIdOf('t-1', 's', 'e-1', hookId))
    expect(textsOf(run.event.headers)).toEqual(misleading)
  })
})

describe('a split record', () => {
  const source = { topic: 'auth.events', partition: 0, offset: 9 }
  const began = runIn(recordWith({ ...needed, 'hooktide-source': 'auth.events/0/9' }), 'tier')
  const run: Run = {
    ...began,
    run: 'auth.events/0/9',
    attempt: 2,
    hop: 3,
    deferrals: 1,
    firstHandledAt: 4_000,
    dueAt: 4_500,
    earlyMs: 7,
  }
  const record = { ...recordWith({}), headers: splitHeaders(run) }

  it('is a request that continues its run instead of beginning one', () => {
    expect(runIn(record, 'request')).toEqual(run)
    expect(run.event.source).toEqual(source)
  })

  it.each(triggers)('keeps the trigger %s', (trigger) => {
    const headers = splitHeaders({ ...run, trigger })
    expect(runIn({ ...record, headers }, 'request').trigger).toBe(trigger)
  })

  it('has a mark, which no record that follows from it has', () => {
    expect(isSplit(record)).toBe(true)
    const again = runIn(record, 'request')
    const death = { reason: 'exhausted', status: 500, diedAt: 1 } as const
    for (const headers of [runHeaders(again), deadLetterHeaders(again, death)]) {
      expect(isSplit({ ...record, headers })).toBe(false)
      expect(textsOf(headers)).not.toHaveProperty('hooktide-split')
    }
  })

  it('that became a dead letter begins a run when that is copied unchanged', () => {
    const death = { reason: 'exhausted', status: 500, diedAt: 1 } as const
    const headers = deadLetterHeaders(runIn(record, 'request'), death)
    expect(runIn({ ...record, headers }, 'request')).toMatchObject({
      run: 'auth.webhook.requests/2/77',
      trigger: 'resend',
      attempt: 0,
      hop: 0,
    })
  })

  it('is rejected when its mark is another', () => {
    expect(rejectionOf({ ...needed, 'hooktide-split': '2' }, 'request')).toBe(
      'invalid-header hooktide-split',
    )
  })
})

describe('a record of a tier or of requests', () => {
  it.each(Object.keys(needed))('is rejected without %s', (name) => {
    const { [name]: _without, ...rest } = needed as Readonly<Record<string, string>>
    expect(rejectionOf(rest, 'tier')).toBe(`invalid-header ${name}`)
    expect(rejectionOf(rest, 'request')).toBe(`invalid-header ${name}`)
    expect(rejectionOf({ ...needed, [name]: '' }, 'tier')).toBe(`invalid-header ${name}`)
  })

  it('is due at its time of writing when a tier record names nothing more', () => {
    expect(runIn(recordWith(needed), 'tier')).toMatchObject({
      run: 'auth.webhook.requests/2/77',
      trigger: 'event',
      attempt: 0,
      hop: 0,
      dueAt: 5_000,
      firstHandledAt: 5_000,
    })
  })

  it.each([
    ['hooktide-run', '1'],
    ['hooktide-run', '1-2-3'],
    ['hooktide-run', 'auth.events/1'],
    ['hooktide-run', 'auth.events/1/x'],
    ['hooktide-run', 'auth/events/1/2'],
    ['hooktide-attempt', '-1'],
    ['hooktide-attempt', '1.5'],
    ['hooktide-attempt', '2147483647'],
    ['hooktide-hop', 'x'],
    ['hooktide-hop', '9999999999999999'],
    ['hooktide-due-at', ''],
    ['hooktide-first-handled-at', '1e3'],
    ['hooktide-early-ms', ' 1'],
    ['hooktide-trigger', 'whim'],
    ['hooktide-source', 'auth.events-0-1'],
    ['hooktide-source', 'auth.events/0/9999999999999999'],
    ['hooktide-hook-id', 'a b'],
    ['hooktide-tenant-id', 'a b'],
    ['hooktide-delivery-id', 'dlv_0000000000000000000000'],
  ])('is rejected when %s is %j', (name, text) => {
    expect(rejectionOf({ ...needed, [name]: text }, 'tier')).toBe(`invalid-header ${name}`)
  })

  it('is accepted with the right delivery id', () => {
    expect(rejectionOf({ ...needed, 'hooktide-delivery-id': deliveryId }, 'tier')).toBe('run')
  })

  it('is rejected when its value is no event', () => {
    const decoded = decodeRun({ ...recordWith(needed), value: null }, 'tier')
    expect(decoded).toMatchObject({ kind: 'rejected', rejection: { reason: 'empty-value' } })
  })
})
