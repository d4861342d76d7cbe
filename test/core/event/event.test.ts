import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyFor, decodeEvent } from '../../../src/core/event/event.ts'
import type { AuthEvent, InboundRecord, KafkaHeaders } from '../../../src/core/model/model.ts'
import { headersOf, recordOf, samples } from '../../support/record-builders.ts'

const minimal = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
const hookId = 'w2f8p6u0c9ydj3ms7ealr'

function outcome(record: InboundRecord): string {
  const decoded = decodeEvent(record)
  if (decoded.kind === 'event') return 'event'
  return `${decoded.rejection.reason} ${decoded.rejection.field}`.trim()
}

function outcomeOf(value: string | Buffer): string {
  return outcome(recordOf({ value: Buffer.from(value) }))
}

function eventOf(value: string | Buffer, headers: KafkaHeaders = []): AuthEvent {
  const decoded = decodeEvent(recordOf({ value: Buffer.from(value), headers }))
  if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
  return decoded.event
}

function withCreatedAt(createdAt: string): string {
  return JSON.stringify({ event: 'PostSignIn', createdAt })
}

describe('an event', () => {
  it.each(samples)(
    'of $name passes through byte by byte, with hookId as its last member',
    (sample) => {
      const event = eventOf(sample.event)
      const text = sample.event.toString().trimEnd()
      expect(event.event).toBe(sample.payload['event'])
      expect(event.createdAt).toBe(Date.parse(String(sample.payload['createdAt'])))
      expect(event.body.toString()).toBe(text)
      const body = bodyFor(event, sample.hookId).toString()
      expect(body).toBe(`${text.slice(0, -1)},"hookId":"${sample.hookId}"}`)
      expect(JSON.parse(body)).toEqual(sample.payload)
    },
  )

  it('keeps numbers, escapes, key order and inner white space as produced', () => {
    const inner = `{ "z": 1.50e+2, "n":12345678901234567890,"u":"\\u00e9\\/é😀",${minimal.slice(1, -1)} \n}`
    const event = eventOf(`\t\r\n ${inner}\n\n`)
    expect(event.body.toString()).toBe(inner)
    expect(bodyFor(event, hookId).toString()).toBe(`${inner.slice(0, -1)},"hookId":"${hookId}"}`)
  })

  it('shares the bytes of the record, so that no copy is made for each hook', () => {
    const value = Buffer.from(` ${minimal} `)
    expect(eventOf(value).body.length).toBe(minimal.length)
    const decoded = decodeEvent(recordOf({ value }))
    expect(decoded.kind === 'event' && decoded.event.body.buffer).toBe(value.buffer)
  })

  it('escapes the hook id as JSON', () => {
    const body = bodyFor({ body: Buffer.from('{"event":"A"}') }, 'a"é')
    expect(body.toString()).toBe('{"event":"A","hookId":"a\\"é"}')
  })

  it('may have a key that Logto does not have yet, and any other field', () => {
    expect(eventOf(minimal.replace('PostSignIn', 'Session.Ended.Early2')).event).toBe(
      'Session.Ended.Early2',
    )
    expect(outcomeOf(minimal.replace('}', ',"hookid":1,"userIp":5}'))).toBe('event')
  })

  it('is not changed by keys that are names of JavaScript members', () => {
    const value = `{"__proto__":{"event":"User.Created","hookId":"x"},"constructor":1,${minimal.slice(1)}`
    expect(eventOf(value).event).toBe('PostSignIn')
    expect(
      outcomeOf('{"__proto__":{"event":"User.Created","createdAt":"2026-09-14T09:02:11Z"}}'),
    ).toBe('missing-field event')
    expect(outcomeOf(`{"__proto__":1,"__proto__":2,${minimal.slice(1)}`)).toBe(
      'duplicate-key __proto__',
    )
  })
})

describe('a value that is no event', () => {
  it('is rejected when there is nothing', () => {
    expect(outcome(recordOf({ value: null }))).toBe('empty-value')
    expect(['', ' ', '\r\n\t '].map(outcomeOf)).toEqual(Array(3).fill('empty-value'))
  })

  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut character', [0x22, 0xe2, 0x82]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('is rejected as invalid UTF-8: %s', (_, bytes) => {
    expect(outcomeOf(Buffer.from(bytes))).toBe('invalid-utf8')
  })

  it('is rejected for a byte order mark, before or after white space', () => {
    expect(outcomeOf(`\u{feff}${minimal}`)).toBe('byte-order-mark')
    expect(outcomeOf(` \u{feff}${minimal}`)).toBe('byte-order-mark')
  })

  it.each([
    '{',
    'nope',
    `${minimal},`,
    `${minimal}{}`,
    `${minimal}\0`,
    '{"a":01}',
    "{'a':1}",
    '{"a":1,}',
    '\u{a0}{}',
    '{"a":"\n"}',
    'NaN',
  ])('is rejected as invalid JSON: %j', (value) => expect(outcomeOf(value)).toBe('invalid-json'))

  it.each(['[]', '"text"', '12', 'null', 'true', `[${minimal}]`])(
    'is rejected if it is not an object: %s',
    (value) => expect(outcomeOf(value)).toBe('not-an-object'),
  )

  it.each([
    ['event', `{"event":"User.Created",${minimal.slice(1)}`],
    ['event', `{"\\u0065vent":"User.Created",${minimal.slice(1)}`],
    ['a"b', `{"a\\"b":1,"a\\u0022b":{},${minimal.slice(1)}`],
    ['', `{"":1,"":2,${minimal.slice(1)}`],
    ['é', `{"é":1,"\\u00e9":2,${minimal.slice(1)}`],
  ])('is rejected for having the key %j twice', (key, value) => {
    expect(outcomeOf(value)).toBe(`duplicate-key ${key}`.trim())
  })

  it('may have a key again inside another value, or text that looks like members of an object', () => {
    const nested = '{"event":{"event":1,"event":2},"list":[{"a":1},{"a":2}]}'
    const value = `{"x":${nested},"y":"\\",\\"event\\":\\"","z":"{:\\\\",${minimal.slice(1)}`
    expect(outcomeOf(value)).toBe('event')
  })

  it('is rejected for a hookId of its own, even an empty one', () => {
    expect(outcomeOf(minimal.replace('}', ',"hookId":"x"}'))).toBe('reserved-field hookId')
    expect(outcomeOf(minimal.replace('}', ',"hookId":null}'))).toBe('reserved-field hookId')
    expect(outcomeOf(minimal.replace('}', ',"hook\\u0049d":1}'))).toBe('reserved-field hookId')
  })

  it.each([
    ['{}', 'missing-field event'],
    ['{"createdAt":"2026-09-14T09:02:11Z"}', 'missing-field event'],
    ['{"event":"PostSignIn"}', 'missing-field createdAt'],
    ['{"event":null,"createdAt":"2026-09-14T09:02:11Z"}', 'mistyped-field event'],
    ['{"event":["PostSignIn"],"createdAt":"2026-09-14T09:02:11Z"}', 'mistyped-field event'],
    ['{"event":"PostSignIn","createdAt":1789376531019}', 'mistyped-field createdAt'],
    ['{"event":"PostSignIn","createdAt":null}', 'mistyped-field createdAt'],
  ])('is rejected without its required fields: %s', (value, expected) => {
    expect(outcomeOf(value)).toBe(expected)
  })

  it.each([
    '',
    'postSignIn',
    'User.',
    '.Created',
    'User..Created',
    'User.created',
    'Post SignIn',
    'Post-SignIn',
    'PostSignIn\n',
    'É',
    `A${'a'.repeat(128)}`,
  ])('is rejected when the event key has an invalid form: %j', (event) => {
    const value = JSON.stringify({ event, createdAt: '2026-09-14T09:02:11Z' })
    expect(outcomeOf(value)).toBe('mistyped-field event')
  })

  it.each([
    ['brackets, closed', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
    ['brackets, open', '['.repeat(1_000_000)],
    ['objects, open', '{"a":'.repeat(200_000)],
    ['a field of 200 lists', `{"deep":${'['.repeat(200)}${']'.repeat(200)},${minimal.slice(1)}`],
  ])('is rejected for being nested too deep: %s', (_, value) => {
    expect(outcomeOf(value)).toBe('too-deep')
  })

  it('may be nested 200 levels deep, any number of times, and have any brackets in its texts', () => {
    const deep = `${'['.repeat(199)}${']'.repeat(199)}`
    const texts = JSON.stringify('\\"[{'.repeat(1_000))
    const many = Array.from({ length: 100 }, (__, index) => `"${index}":${deep},`).join('')
    expect(outcomeOf(`{${many}"texts":${texts},${minimal.slice(1)}`)).toBe('event')
  })

  it('has a short message for a rejection, without contents of the value', () => {
    const key = 'k'.repeat(100_000)
    const decoded = decodeEvent(recordOf({ value: Buffer.from(`{"${key}":1,"${key}":2}`) }))
    expect(decoded.kind === 'rejected' && decoded.rejection.field.length).toBe(128)
    const broken = decodeEvent(recordOf({ value: Buffer.from('{"password":"hunter2",}') }))
    expect(JSON.stringify(broken)).not.toContain('hunter2')
  })
})

describe('createdAt', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59.999Z', -1],
    ['2026-09-14T09:02:11.019Z', 1_789_376_531_019],
    ['2026-09-14t09:02:11.0199999999z', 1_789_376_531_019],
    ['2026-09-14T11:02:11.019+02:00', 1_789_376_531_019],
    ['2026-09-13T21:32:11.019-11:30', 1_789_376_531_019],
    ['2024-02-29T00:00:00.5Z', Date.UTC(2024, 1, 29, 0, 0, 0, 500)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60.5+01:00', Date.UTC(2017, 0, 1, 0, 0, 0, 500)],
  ])('%s is %i', (text, expected) => {
    expect(eventOf(withCreatedAt(text)).createdAt).toBe(expected)
  })

  it.each([
    '',
    'yesterday',
    '2026-09-14',
    '2026-09-14T09:02:11',
    '2026-09-14 09:02:11Z',
    '2026-9-14T09:02:11Z',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-10T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-09-14T24:00:00Z',
    '2026-09-14T09:60:00Z',
    '2026-09-14T09:02:61Z',
    '2026-09-14T09:02:60Z',
    '2026-09-14T09:02:11+24:00',
    '2026-09-14T09:02:11+02:60',
    '2026-09-14T09:02:11+0200',
    '2026-09-14T09:02:11.Z',
    '+002026-09-14T09:02:11Z',
    ' 2026-09-14T09:02:11Z',
  ])('%j is not a time', (text) =>
    expect(outcomeOf(withCreatedAt(text))).toBe('mistyped-field createdAt'),
  )

  it('is read as JavaScript does, for every time that it can write', () => {
    const range = { min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }
    fc.assert(
      fc.property(fc.date({ ...range, noInvalidDate: true }), (date) => {
        expect(eventOf(withCreatedAt(date.toISOString())).createdAt).toBe(date.getTime())
      }),
    )
  })
})

describe('the identity of an event', () => {
  it('is its position and time when the producer gave no id', () => {
    const event = eventOf(minimal)
    expect(event.eventId).toBe('auth.events-3-41-1789376531019')
    expect(event).toMatchObject({ tenantId: 'default', eventSource: '', trace: undefined })
    expect(event.source).toEqual({ topic: 'auth.events', partition: 3, offset: 41 })
  })

  it('is event-id before ce_id, and ce_source counts only with ce_id', () => {
    const both = headersOf({
      ce_id: 'c-1',
      ce_source: '/logto',
      'event-id': 'e-1',
      'tenant-id': 't-1',
    })
    expect(eventOf(minimal, both)).toMatchObject({
      eventId: 'e-1',
      eventSource: '',
      tenantId: 't-1',
    })
    const cloudEvent = headersOf({ ce_id: 'c-1', ce_source: '/logto' })
    expect(eventOf(minimal, cloudEvent)).toMatchObject({ eventId: 'c-1', eventSource: '/logto' })
    expect(eventOf(minimal, headersOf({ ce_id: 'c-1' })).eventSource).toBe('')
    expect(eventOf(minimal, headersOf({ ce_id: 'c-1', ce_source: '' })).eventSource).toBe('')
    expect(eventOf(minimal, headersOf({ ce_source: '/logto' })).eventSource).toBe('')
  })

  it('is the last of a repeated header, and header names are compared exactly', () => {
    const twice = [...headersOf({ 'event-id': 'one' }), ...headersOf({ 'event-id': 'two' })]
    expect(eventOf(minimal, twice).eventId).toBe('two')
    expect(eventOf(minimal, headersOf({ 'Event-Id': 'one' })).eventId).toContain('auth.events-3')
  })

  it.each([
    ['event-id', ''],
    ['event-id', 'x'.repeat(321)],
    ['ce_id', ''],
    ['tenant-id', ''],
    ['tenant-id', 'a b'],
    ['tenant-id', 'x'.repeat(129)],
  ])('makes a record rejected when header %s is %j', (name, text) => {
    const record = recordOf({ value: Buffer.from(minimal), headers: headersOf({ [name]: text }) })
    expect(outcome(record)).toBe(`invalid-header ${name}`)
  })

  it('may have 1,000 headers of any content; a record with more is rejected without a field name', () => {
    const headers = Array.from({ length: 1_000 }, (_, index) => [`x-${index}`, null] as const)
    const record = recordOf({ value: Buffer.from(minimal), headers })
    expect(outcome(record)).toBe('event')
    expect(decodeEvent({ ...record, headers: [...headers, ['event-id', null]] })).toMatchObject({
      kind: 'rejected',
      rejection: {
        reason: 'invalid-header',
        field: '',
        message: 'The record has 1001 headers, more than 1000.',
      },
    })
  })

  it.each(['event-id', 'ce_id', 'tenant-id'])(
    'is rejected when header %s has no value, though an earlier one has',
    (name) => {
      const headers = [[name, Buffer.from('acme')] as const, [name, null] as const]
      expect(outcome(recordOf({ value: Buffer.from(minimal), headers }))).toBe(
        `invalid-header ${name}`,
      )
    },
  )

  it('has the source "" and no trace where these headers have no value', () => {
    const headers = [
      ['ce_id', Buffer.from('a')],
      ['ce_source', null],
      ['traceparent', null],
    ] as const
    const event = eventOf(minimal, headers)
    expect(event).toMatchObject({ eventId: 'a', eventSource: '', trace: undefined })
    expect([...event.headers]).toEqual(headers)
  })

  it('makes a record rejected when a header that names it is not UTF-8', () => {
    const headers = [['ce_id', Buffer.from([0xff])]] as const
    expect(outcome(recordOf({ value: Buffer.from(minimal), headers }))).toBe('invalid-header ce_id')
  })

  it('does not hide faults of the value', () => {
    const record = recordOf({ value: Buffer.from('[]'), headers: headersOf({ 'event-id': '' }) })
    expect(outcome(record)).toBe('not-an-object')
  })
})

describe('headers of an event', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'

  it.each([
    [`00-${trace}-01`, true],
    [`01-${trace}-01-later`, true],
    [`00-${trace}-01-later`, false],
    [`01-${trace}-01-\r\nx-evil: 1`, false],
    [`01-${trace}-01-\u00e9`, false],
    [`ff-${trace}-01`, false],
    [`00-${trace.toUpperCase()}-01`, false],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
    [`00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`, false],
    [`00-${trace}`, false],
    ['', false],
  ])('continue a trace if it is valid, and are ignored otherwise: %s', (traceparent, isValid) => {
    const event = eventOf(minimal, headersOf({ traceparent }))
    expect(event.trace).toEqual(isValid ? { traceparent, tracestate: undefined } : undefined)
  })

  it('carry on what tracing systems add to a trace, and not without a valid one', () => {
    const given = headersOf({ traceparent: `00-${trace}-01`, tracestate: 'a=1, b=2' })
    expect(eventOf(minimal, given).trace?.tracestate).toBe('a=1,b=2')
    expect(eventOf(minimal, headersOf({ tracestate: 'a=1' })).trace).toBeUndefined()
  })

  it.each([
    ['hooktide', true],
    ['hooktide-', false],
    ['HOOKTIDE-X', false],
    // With the bit of small letters, a carriage return would be a hyphen.
    ['hooktide\r', true],
    ['hooktıde-run', true],
    ['', true],
  ])('named %j are passed on: %s', (name, isPassedOn) => {
    const { headers } = eventOf(minimal, [[name, Buffer.from('1')]])
    expect([...headers].map(([passed]) => passed)).toEqual(isPassedOn ? [name] : [])
  })

  it('are passed on unchanged, including repeated ones, except those that only hooktide may set', () => {
    const own = [
      ['trace', Buffer.from('1')],
      ['trace', Buffer.from([0xff])],
      ['x-hooktide-run', Buffer.from('mine')],
    ] as const
    const forged = headersOf({
      'hooktide-run': '0',
      'HookTide-Attempt': '9',
      'hooktide-split': '1',
    })
    expect([...eventOf(minimal, [...forged, ...own]).headers]).toEqual(own)
    expect([...eventOf(minimal, own).headers]).toEqual(own)
  })
})
