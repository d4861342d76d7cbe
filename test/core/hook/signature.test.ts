import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  logtoSignature,
  prepareKey,
  signingKeyFault,
  standardSecret,
  standardSignature,
  type PreparedKey,
} from '../../../src/core/hook/signature.ts'

function prepared(key: string): PreparedKey {
  const ready = prepareKey({ key, expiresAt: undefined })
  if (ready === undefined) throw new Error('The key is empty')
  return ready
}

const anyKey = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 })
const anyBody = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

describe("Logto's signature", () => {
  it('equals the reference: lower-case hex over the exact bytes', () => {
    const body = Buffer.from(
      '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","name":"Zoë","hookId":"w2f8p6u0c9ydj3ms7ealr"}',
    )
    expect(body.length).toBe(108)
    expect(logtoSignature(body, prepared('Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'))).toBe(
      '389e6ec08e9c2df49f9af0951af3a7bdc134d80859b417a68030fa3cb90dd2a0',
    )
  })

  it('is HMAC-SHA256 with the key as UTF-8 text, whatever the lengths of key and body', () => {
    fc.assert(
      fc.property(anyKey, anyBody, (key, body) => {
        const expected = createHmac('sha256', Buffer.from(key)).update(body).digest('hex')
        expect(logtoSignature(body, prepared(key))).toBe(expected)
      }),
    )
  })

  it.each([63, 64, 65, 200])(
    'is right at the edge of the hash block, for a key of %i bytes',
    (size) => {
      const key = 'k'.repeat(size)
      const body = Buffer.alloc(70_000, 'b')
      const expected = createHmac('sha256', key).update(body).digest('hex')
      expect(logtoSignature(body, prepared(key))).toBe(expected)
    },
  )

  it('also uses a whsec_ key as text, since the receiver has that text', () => {
    const key = `whsec_${randomBytes(24).toString('base64')}`
    const body = Buffer.from('{}')
    const expected = createHmac('sha256', key).update(body).digest('hex')
    expect(logtoSignature(body, prepared(key))).toBe(expected)
  })
})

describe('the Standard Webhooks signature', () => {
  const id = 'dlv_0000000000000000000000'
  const body = Buffer.from('{"name":"Zoë"}')
  const timestampSeconds = Math.floor(Date.now() / 1_000)

  function sign(keys: readonly string[]): string {
    return standardSignature({ id, timestampSeconds, body, keys: keys.map(prepared) })
  }

  function verify(secret: string, signature: string): unknown {
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': signature,
    }
    return new Webhook(secret).verify(body.toString(), headers)
  }

  it.each(['Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii', `whsec_${randomBytes(32).toString('base64')}`])(
    "is accepted by the standard's own library, given the secret that hooktide names: %s",
    (key) => {
      expect(verify(standardSecret(key), sign([key]))).toEqual({ name: 'Zoë' })
      expect(() => verify(standardSecret('another key'), sign([key]))).toThrow(
        'No matching signature',
      )
    },
  )

  it('is one per key, so that a receiver verifies with the old secret and with the new one', () => {
    const signature = sign(['new key', 'old key'])
    expect(signature.split(' ')).toEqual([sign(['new key']), sign(['old key'])])
    for (const key of ['new key', 'old key']) {
      expect(verify(standardSecret(key), signature)).toEqual({ name: 'Zoë' })
    }
  })

  it('is HMAC-SHA256 of id, time and exact body', () => {
    fc.assert(
      fc.property(anyKey, anyBody, (key, anyBytes) => {
        fc.pre(!key.startsWith('whsec_'))
        const expected = createHmac('sha256', Buffer.from(key))
          .update(`${id}.12.`)
          .update(anyBytes)
          .digest('base64')
        const keys = [prepared(key)]
        expect(standardSignature({ id, timestampSeconds: 12, body: anyBytes, keys })).toBe(
          `v1,${expected}`,
        )
      }),
    )
  })

  it('is not made with a publicly known secret', () => {
    expect(prepareKey({ key: '', expiresAt: undefined })).toBeUndefined()
    const nothing = createHmac('sha256', '').update('x').digest('hex')
    for (const bytes of [1, 24, 64]) {
      expect(createHmac('sha256', Buffer.alloc(bytes)).update('x').digest('hex')).toBe(nothing)
      expect(signingKeyFault(`whsec_${Buffer.alloc(bytes).toString('base64')}`)).toMatch(
        /zero bytes/,
      )
      expect(signingKeyFault('\0'.repeat(bytes))).toMatch(/zero bytes/)
    }
  })
})

describe('a signing key', () => {
  const bytes = randomBytes(24)
  const base64 = bytes.toString('base64')

  it.each([
    ['nothing', ''],
    ['a key of Logto', 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'],
    ['a secret of Standard Webhooks', `whsec_${base64}`],
    ['one of a single byte', 'whsec_AQ=='],
    ['one of two bytes', 'whsec_AQI='],
    ['other text', 'whsec'],
    ['the same within a text', `my whsec_${base64}`],
  ])('can be %s', (_, key) => {
    expect(signingKeyFault(key)).toBeUndefined()
  })

  it.each([
    ['encodes nothing', 'whsec_'],
    ['encodes nothing, with padding', 'whsec_===='],
    ['is no base64', 'whsec_!!!!'],
    [
      'is base64 of another alphabet',
      `whsec_${Buffer.from([251, 255, 254]).toString('base64url')}`,
    ],
    ['has no padding', 'whsec_AQ'],
    ['has too much padding', 'whsec_AQI=='],
    ['goes on behind its padding', 'whsec_AQ==AQ=='],
    ['has bits left over', 'whsec_AR=='],
    ['has a space within', `whsec_${base64.slice(0, 8)} ${base64.slice(8)}`],
    ['ends in a line break', `whsec_${base64}\n`],
    ['begins with a space', ` whsec_${base64}`],
    ['is in capitals', `WHSEC_${base64}`],
    ['has quotes around it', `"whsec_${base64}"`],
    ['begins with a character that nobody sees', `\u200bwhsec_${base64}`],
    ['begins with a byte order mark', `\ufeffwhsec_${base64}`],
    ['has the prefix twice', `whsec_whsec_${base64}`],
  ])('cannot be one that begins as a secret of Standard Webhooks and %s', (_, key) => {
    const fault = signingKeyFault(key)
    expect(fault).toMatch(/^begins as a secret of Standard Webhooks and is none: whsec_ and base64/)
    if (key.trim().length > 10) expect(fault).not.toContain(key.trim().slice(6))
  })

  it.each(['\ud800', 'key \udc00', `${base64}\udbff`])(
    'cannot be one with half of a character, which no receiver can have',
    (key) => {
      expect(signingKeyFault(key)).toBe('has half of a character, which UTF-8 cannot have')
    },
  )

  it('that is taken verifies with the library of the standard, whatever it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (secret) => {
        fc.pre(secret.some((byte) => byte !== 0))
        const key = `whsec_${Buffer.from(secret).toString('base64')}`
        expect(signingKeyFault(key)).toBeUndefined()
        const timestampSeconds = Math.floor(Date.now() / 1_000)
        const body = Buffer.from('{}')
        const signature = standardSignature({
          id: 'i',
          timestampSeconds,
          body,
          keys: [prepared(key)],
        })
        const headers = {
          'webhook-id': 'i',
          'webhook-timestamp': String(timestampSeconds),
          'webhook-signature': signature,
        }
        expect(new Webhook(key).verify(body.toString(), headers)).toEqual({})
      }),
    )
  })
})
