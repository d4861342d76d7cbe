import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyFor, decodeEvent } from '../../../src/core/event/event.ts'
import { readWebhook, readySource } from '../../../src/core/ingest/webhook.ts'
import { logtoHookId, logtoKey, logtoWebhook, signatureOf } from '../../support/logto-webhooks.ts'
import { recordOf, samples } from '../../support/record-builders.ts'

const otherKey = 'Zz9Yy8Xx7Ww6Vv5Uu4Tt3Ss2Rr1Qq0Pp'
const source = readySource({
  path: '/logto',
  tenantId: 'acme',
  topic: 'auth.events',
  signingKeys: [logtoKey, otherKey],
})
const moment = '"createdAt":"2026-09-14T09:02:11.019Z"'
const minimal = `"event":"PostSignIn",${moment}`

const noTrace = { traceparent: undefined, tracestate: undefined }

function read(body: string | Buffer, signature = signatureOf(body), trace = {}) {
  return readWebhook({
    source,
    signature,
    trace: { ...noTrace, ...trace },
    body: Buffer.from(body),
  })
}

function recordFrom(body: string | Buffer) {
  const outcome = read(body)
  if (outcome.kind === 'answer') throw new Error(JSON.stringify(outcome.answer))
  return outcome.record
}

function valueOf(body: string): string {
  return String(recordFrom(body).value)
}

/** Status, and the field that is named. */
function refusalOf(body: string | Buffer): string {
  const outcome = read(body)
  if (outcome.kind === 'record') return 'taken'
  return `${outcome.answer.status} ${outcome.answer.body['field']}`.trim()
}

describe('the signature of a webhook', () => {
  const { body } = logtoWebhook()

  it('of the reference vector is valid', () => {
    const vector = `{"event":"PostSignIn",${moment},"name":"Zoë","hookId":"w2f8p6u0c9ydj3ms7ealr"}`
    const signature = '389e6ec08e9c2df49f9af0951af3a7bdc134d80859b417a68030fa3cb90dd2a0'
    expect(read(vector, signature).kind).toBe('record')
  })

  it.each([logtoKey, otherKey])('is valid with each of the keys of the path', (key) => {
    expect(read(body, signatureOf(body, key)).kind).toBe('record')
  })

  it.each<[string, string]>([
    ['by another key', signatureOf(body, 'another key of 32 characters !!!')],
    ['of another body', signatureOf(`${body} `)],
    [
      'that differs in its last digit',
      signatureOf(body).replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ],
    [
      'that differs in its first digit',
      signatureOf(body).replace(/^./, (first) => (first === '0' ? '1' : '0')),
    ],
    ['by no key', signatureOf(body, '')],
    ['of zeros', '0'.repeat(64)],
  ])('is not valid %s', (_, signature) => {
    expect(read(body, signature)).toMatchObject({ answer: { status: 401 } })
  })

  it('is checked before the body is parsed, so an unsigned request learns nothing about it', () => {
    expect(read('{', '0'.repeat(64))).toMatchObject({ answer: { status: 401 } })
  })
})

describe('the record of a webhook', () => {
  it.each(samples)('of $name is the payload without hookId, byte for byte', (sample) => {
    const body = JSON.stringify(sample.payload)
    const record = recordFrom(body)
    const { hookId, ...rest } = sample.payload
    expect(String(record.value)).toBe(JSON.stringify(rest))
    const decoded = decodeEvent(recordOf({ value: record.value, headers: record.headers }))
    if (decoded.kind === 'rejected') throw new Error(decoded.rejection.message)
    expect(decoded.event.tenantId).toBe('acme')
    expect(bodyFor(decoded.event, String(hookId)).toString()).toBe(body)
  })

  it.each<[string, string, string]>([
    ['last', `{${minimal},"hookId":"x"}`, `{${minimal}}`],
    ['first', `{"hookId":"x",${minimal}}`, `{${minimal}}`],
    [
      'in the midst, as in a test of Logto',
      `{"event":"PostSignIn","hookId":"x",${moment}}`,
      `{${minimal}}`,
    ],
    ['nowhere', `{${minimal}}`, `{${minimal}}`],
    ['with its name escaped', `{${minimal},"hook\\u0049d":"x"}`, `{${minimal}}`],
    [
      'with a name that is escaped whole',
      `{${minimal},"\\u0068\\u006f\\u006f\\u006b\\u0049\\u0064":"x"}`,
      `{${minimal}}`,
    ],
    ['of another type', `{${minimal},"hookId":{"a":[1,"}"]}}`, `{${minimal}}`],
    ['with white space around it', `{ ${minimal} , "hookId" : "x" }`, `{ ${minimal} }`],
    ['deeper', `{${minimal},"data":{"hookId":"x"}}`, `{${minimal},"data":{"hookId":"x"}}`],
    [
      'in text',
      `{${minimal},"a":",\\"hookId\\":\\"x\\""}`,
      `{${minimal},"a":",\\"hookId\\":\\"x\\""}`,
    ],
    ['as a value', `{${minimal},"a":"hookId"}`, `{${minimal},"a":"hookId"}`],
    ['in another case', `{${minimal},"hookID":"x"}`, `{${minimal},"hookID":"x"}`],
    [
      'beside a backslash at the end of text',
      `{${minimal},"a":"\\\\","hookId":"x"}`,
      `{${minimal},"a":"\\\\"}`,
    ],
  ])('loses a hookId at the top level, and no other: %s', (_, body, value) => {
    expect(valueOf(body)).toBe(value)
  })

  it('keeps numbers, escapes, key order and text, and drops white space around the payload', () => {
    const inner = `{"z":1.50e+2,"n":12345678901234567890,"u":"\\u00e9\\/é😀",${minimal}`
    expect(valueOf(`\r\n ${inner},"hookId":"x"}\n`)).toBe(`${inner}}`)
  })

  it('keeps all other bytes of any payload', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(20), (fields, at) => {
        const payload = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z' }
        const entries = Object.entries({ ...fields, ...payload }).filter(
          ([name]) => name !== 'hookId',
        )
        const members = entries.map(
          ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
        )
        const others = `{${members.join(',')}}`
        members.splice(at % (members.length + 1), 0, `"hookId":"${logtoHookId}"`)
        expect(valueOf(`{${members.join(',')}}`)).toBe(others)
      }),
    )
  })

  it('has the tenant of the path and the id of the event as headers, and its subject as key', () => {
    const record = recordFrom(logtoWebhook({ userId: 'k3v9tq2mzx7a' }).body)
    expect(record.key).toBe('k3v9tq2mzx7a')
    expect(record.topic).toBe('auth.events')
    const headers = Object.fromEntries(
      [...record.headers].map(([name, value]) => [name, String(value)]),
    )
    expect(headers).toEqual({
      'tenant-id': 'acme',
      'event-id': expect.stringMatching(/^logto-[\w-]{22}$/),
    })
  })

  it('passes on the trace context of the request', () => {
    const { body } = logtoWebhook()
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const headersWith = (traceparent: string, tracestate?: string) => {
      const outcome = read(body, undefined, { traceparent, tracestate })
      if (outcome.kind === 'answer') throw new Error('refused')
      return [...outcome.record.headers].slice(2).map(([name, value]) => `${name} ${String(value)}`)
    }
    expect(headersWith(trace)).toEqual([`traceparent ${trace}`])
    expect(headersWith(trace, 'a=1, b=2')).toEqual([`traceparent ${trace}`, 'tracestate a=1,b=2'])
    expect(headersWith(trace, 'nonsense')).toEqual([`traceparent ${trace}`])
    expect(headersWith('nonsense', 'a=1')).toEqual([])
    expect(headersWith(`${trace}, ${trace}`, 'a=1')).toEqual([])
  })
})

describe('the id of an event', () => {
  const idOf = (body: string, of = source): string => {
    const outcome = readWebhook({
      source: of,
      signature: signatureOf(body),
      trace: noTrace,
      body: Buffer.from(body),
    })
    return outcome.kind === 'record' ? outcome.eventId : ''
  }
  const first = idOf(logtoWebhook({ userId: 'a' }).body)

  it('is the same for the same content, whichever webhook of Logto sent it', () => {
    expect(idOf(logtoWebhook({ userId: 'a' }).body)).toBe(first)
    expect(idOf(logtoWebhook({ userId: 'a' }, { hookId: 'another' }).body)).toBe(first)
  })

  it.each<[string, object]>([
    ['for another user', { userId: 'b' }],
    ['a millisecond later', { userId: 'a', createdAt: '2026-09-14T09:02:11.020Z' }],
    ['for another event', { userId: 'a', event: 'PostRegister' }],
    ['with a member more', { userId: 'a', userIp: '::1' }],
  ])('is another %s', (_, fields) => {
    expect(idOf(logtoWebhook({ ...fields }).body)).not.toBe(first)
  })
})

describe('a signed body that is not an event', () => {
  it.each<[string, string | Buffer, string]>([
    ['is empty', '', '400'],
    ['is white space', ' \n', '400'],
    ['is no JSON', '{"event"', '400'],
    [
      'is no UTF-8',
      Buffer.concat([Buffer.from(`{${minimal},"a":"`), Buffer.from([0xff]), Buffer.from('"}')]),
      '400',
    ],
    ['begins with a byte order mark', `\ufeff{${minimal}}`, '400'],
    ['is a list', `[{${minimal}}]`, '400'],
    ['is text', '"x"', '400'],
    ['is null', 'null', '400'],
    ['is two objects', `{${minimal}}{${minimal}}`, '400'],
    [
      'has a frame of a registry',
      Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from(`{${minimal}}`)]),
      '400',
    ],
    ['has hookId twice', `{${minimal},"hookId":"x","hookId":"y"}`, '400 hookId'],
    [
      'has hookId twice, once escaped',
      `{${minimal},"hookId":"x","hook\\u0049d":"y"}`,
      '400 hookId',
    ],
    ['has another member twice', `{${minimal},"a":1,"a":2}`, '400 a'],
    ['has hookId alone', '{"hookId":"x"}', '400 event'],
    ['is nested too deep', `{${minimal},"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, '400'],
    ['has no event', `{${moment}}`, '400 event'],
    ['has an event that is no name', `{"event":"post sign in",${moment}}`, '400 event'],
    ['has an event of another type', `{"event":7,${moment}}`, '400 event'],
    ['has no createdAt', '{"event":"PostSignIn"}', '400 createdAt'],
    [
      'has a createdAt without its zone',
      '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11"}',
      '400 createdAt',
    ],
  ])('is refused when it %s', (_, body, refusal) => {
    expect(refusalOf(body)).toBe(refusal)
  })

  it('is reported without quoting it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (secret) => {
        const outcome = read(JSON.stringify({ event: secret, createdAt: secret, data: secret }))
        expect(JSON.stringify(outcome)).not.toContain(JSON.stringify(secret).slice(1, -1))
      }),
    )
  })
})
