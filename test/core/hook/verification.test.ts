import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { prepareKey, standardSecret, type PreparedKey } from '../../../src/core/hook/signature.ts'
import { checkLogtoSignature, checkStandardSignature } from '../../../src/core/hook/verification.ts'

const now = Date.parse('2026-09-14T12:00:00Z')
const body = Buffer.from('{"event":"PostSignIn","name":"Zoë"}')
const key = 'Kq3Vx8Zc1Lk6Tt0Pp9Rr2Ss5Uu7Ww4Yy'

function prepared(...texts: readonly string[]): readonly PreparedKey[] {
  return texts.flatMap((text) => prepareKey({ key: text, expiresAt: undefined }) ?? [])
}

/** Signs in the same way as the published library. */
function standardHeaders(secret: string, at = now) {
  const date = new Date(at)
  return {
    'webhook-id': 'dlv_1',
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': new Webhook(standardSecret(secret)).sign('dlv_1', date, body.toString()),
  }
}

describe("Logto's signature", () => {
  const signed = (secret: string) => ({
    'logto-signature-sha-256': createHmac('sha256', secret).update(body).digest('hex'),
  })

  it('is valid with any of the keys', () => {
    const headers = signed(key)
    expect(checkLogtoSignature({ headers, body }, prepared(key))).toBe('valid')
    expect(checkLogtoSignature({ headers, body }, prepared('newer', key))).toBe('valid')
  })

  it('is invalid with another key, another body, or another length', () => {
    const headers = signed(key)
    expect(checkLogtoSignature({ headers, body }, prepared('other'))).toBe('invalid')
    const changed = Buffer.from(`${body.toString()} `)
    expect(checkLogtoSignature({ headers, body: changed }, prepared(key))).toBe('invalid')
    const short = { 'logto-signature-sha-256': 'ab' }
    expect(checkLogtoSignature({ headers: short, body }, prepared(key))).toBe('invalid')
  })

  it('is absent, or unchecked without a key', () => {
    expect(checkLogtoSignature({ headers: {}, body }, prepared(key))).toBe('absent')
    expect(checkLogtoSignature({ headers: signed(key), body }, [])).toBe('unchecked')
  })
})

describe('the signature of Standard Webhooks', () => {
  const check = (headers: Readonly<Record<string, string>>, ...keys: readonly string[]) =>
    checkStandardSignature({ headers, body }, prepared(...keys), now)

  it('is valid with any of the keys, and where one of several signatures is', () => {
    const headers = standardHeaders(key)
    expect(check(headers, key)).toBe('valid')
    expect(check(headers, 'newer', key)).toBe('valid')
    const two = `v1,bm9uZQ== ${headers['webhook-signature']}`
    expect(check({ ...headers, 'webhook-signature': two }, key)).toBe('valid')
  })

  it('is valid with a secret that begins with whsec_', () => {
    const secret = `whsec_${Buffer.from('a secret of Standard Webhooks').toString('base64')}`
    expect(check(standardHeaders(secret), secret)).toBe('valid')
  })

  it.each([
    ['another key', standardHeaders('other')],
    ['another id', { ...standardHeaders(key), 'webhook-id': 'dlv_2' }],
    ['another time', { ...standardHeaders(key), 'webhook-timestamp': '1' }],
    ['no time', { ...standardHeaders(key), 'webhook-timestamp': 'soon' }],
    ['another version', { ...standardHeaders(key), 'webhook-signature': 'v2,bm9uZQ==' }],
  ])('is invalid with %s', (_, headers) => {
    expect(check(headers, key)).toBe('invalid')
  })

  it('is stale where its time is more than five minutes from now', () => {
    for (const sign of [-1, 1]) {
      expect(check(standardHeaders(key, now + sign * 300_000), key)).toBe('valid')
      expect(check(standardHeaders(key, now + sign * 301_000), key)).toBe('stale')
    }
  })

  it('is absent, or unchecked without a key', () => {
    expect(check({}, key)).toBe('absent')
    expect(check(standardHeaders(key))).toBe('unchecked')
  })
})
