import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import type { Hook, Run, TraceContext } from '../../../src/core/model/model.ts'
import { prepareHook, requestHeaders } from '../../../src/core/run/request-headers.ts'
import { logtoSignature, prepareKey, standardSecret } from '../../../src/core/hook/signature.ts'
import { eventOf, hookOf, runOf } from '../../support/model-builders.ts'

const now = 1_789_376_531_019
const body = Buffer.from('{"event":"PostSignIn"}')

function headersFor(
  hook: Partial<Hook>,
  run: Partial<Run> = {},
  at = now,
  trace?: TraceContext,
): Readonly<Record<string, string>> {
  const call = { run: runOf(run), body, now: at, userAgent: 'hooktide/1.2.3', trace }
  return requestHeaders(prepareHook(hookOf(hook)), call)
}

function signaturesOf(headers: Readonly<Record<string, string>>): readonly string[] {
  return headers['webhook-signature']?.split(' ') ?? []
}

describe('the headers of a call', () => {
  it('are these and no more for a hook without headers of its own', () => {
    expect(headersFor({}, { attempt: 2 })).toEqual({
      'content-type': 'application/json',
      'user-agent': 'hooktide/1.2.3',
      'webhook-id': 'dlv_0000000000000000000000',
      'webhook-timestamp': '1789376531',
      'hooktide-attempt': '3',
      'logto-signature-sha-256': expect.stringMatching(/^[\da-f]{64}$/),
      'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}=$/),
    })
  })

  it('carry the hook headers, which replace the defaults whatever their letter case', () => {
    const headers = headersFor({
      headers: {
        'User-Agent': 'ours',
        'CONTENT-TYPE': 'application/vnd.ours+json',
        'X-Token': 'secret',
      },
    })
    expect(headers).toMatchObject({
      'user-agent': 'ours',
      'content-type': 'application/vnd.ours+json',
      'x-token': 'secret',
    })
    expect(Object.keys(headers).filter((name) => name !== name.toLowerCase())).toEqual([])
  })

  it('are one where names differ only in case, and the last counts', () => {
    expect(headersFor({ headers: { 'X-A': 'one', 'x-a': 'two' } })['x-a']).toBe('two')
  })

  it.each([
    'Host',
    'Content-Length',
    'Expect',
    'Connection',
    'Keep-Alive',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Logto-Signature-Sha-256',
    'Webhook-Id',
    'Webhook-Timestamp',
    'Webhook-Signature',
    'Hooktide-Attempt',
    'Traceparent',
  ])('never have %s from the hook', (name) => {
    expect(headersFor({ headers: { [name]: 'forged' } })).toEqual(headersFor({}))
    expect(headersFor({ signingKey: '', headers: { [name]: 'forged' } })).toEqual(
      headersFor({ signingKey: '' }),
    )
  })

  it('take names that JavaScript knows for names', () => {
    const custom = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
    const headers = headersFor({ headers: custom })
    expect(Object.entries(headers)).toEqual(
      expect.arrayContaining([
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]),
    )
  })
})

describe('the signatures of a call', () => {
  const key = 'new key'
  const previousSigningKeys = [
    { key: 'oldest key', expiresAt: now },
    { key: 'older key', expiresAt: now + 1 },
    { key: 'old key', expiresAt: now + 2 },
  ]

  it('verify with the secret of the newest key, and with that of each key that has not expired', () => {
    const headers = headersFor({ signingKey: key, previousSigningKeys }, {}, now)
    const alone = [key, 'old key', 'older key'].map(
      (each) => signaturesOf(headersFor({ signingKey: each }))[0],
    )
    expect(signaturesOf(headers)).toEqual(alone)
    const recent = headersFor(
      { signingKey: key, previousSigningKeys: [{ key: 'old key', expiresAt: Infinity }] },
      {},
      Date.now(),
    )
    expect(() =>
      new Webhook(standardSecret('old key')).verify(body.toString(), { ...recent }),
    ).not.toThrow()
  })

  it('of Logto is by the newest key alone', () => {
    const prepared = prepareKey({ key, expiresAt: undefined })
    const headers = headersFor({ signingKey: key, previousSigningKeys })
    expect(prepared && logtoSignature(body, prepared)).toBe(headers['logto-signature-sha-256'])
  })

  it('are left out when the key is empty, though there was one before', () => {
    const headers = headersFor({ signingKey: '', previousSigningKeys })
    expect(Object.keys(headers)).toEqual([
      'content-type',
      'user-agent',
      'webhook-id',
      'webhook-timestamp',
      'hooktide-attempt',
    ])
  })
})

describe('the trace of a call', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const event = eventOf({
    trace: { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: 'rojo=1' },
  })

  it("goes on from the event's, with a span of its own for every attempt of every run", () => {
    const spans = [{}, { attempt: 1 }, { run: '0-7' }, { deliveryId: 'dlv_1' }].map(
      (run) => headersFor({}, { ...run, event })['traceparent'],
    )
    expect(spans).toEqual(Array(4).fill(expect.stringMatching(`^00-${traceId}-[\\da-f]{16}-01$`)))
    expect(new Set([...spans, event.trace?.traceparent]).size).toBe(5)
  })

  it('is the same when a crash repeats the call', () => {
    expect(headersFor({}, { event })['traceparent']).toBe(headersFor({}, { event })['traceparent'])
  })

  it('is written in the version that hooktide knows', () => {
    const later = eventOf({
      trace: { traceparent: `cc-${traceId}-00f067aa0ba902b7-03-more`, tracestate: undefined },
    })
    expect(headersFor({}, { event: later })['traceparent']).toMatch(
      /^00-[\da-f]{32}-[\da-f]{16}-03$/,
    )
  })

  it('has what tracing systems add, and no hook can replace it', () => {
    const headers = headersFor({ headers: { tracestate: 'mine=1' } }, { event })
    expect(headers['tracestate']).toBe('rojo=1')
    expect(headersFor({ headers: { TraceState: 'mine=1' } })).not.toHaveProperty('tracestate')
  })

  it('is that of the span of the attempt, where there is one', () => {
    const trace = { traceparent: `00-${traceId}-1111111111111111-01`, tracestate: undefined }
    const headers = headersFor({}, { event }, now, trace)
    expect(headers).toMatchObject({ traceparent: trace.traceparent })
    expect(headers).not.toHaveProperty('tracestate')
  })
})
