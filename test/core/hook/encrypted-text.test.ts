import { createDecipheriv, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decryptWith,
  encrypt,
  keyIdOf,
  leaveEncrypted,
  type SecretPlace,
} from '../../../src/core/hook/encrypted-text.ts'
import {
  mapSecrets,
  withDecryptedSecrets,
  withEncryptedSecrets,
} from '../../../src/core/hook/secrets.ts'
import { encryptionKeyOf } from '../../support/encryption-keys.ts'

const [one, two] = [encryptionKeyOf(1), encryptionKeyOf(2)]
const place: SecretPlace = { tenantId: 'acme', hookId: 'a', use: 'signing-key' }
const newIv = () => randomBytes(12)

describe('an encrypted text', () => {
  it('is decrypted with a list of keys that has its key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), (text) => {
        const encrypted = encrypt(text, place, two, newIv())
        expect(encrypted).toMatch(/^hooktide-enc:v1:[\da-f]{12}:[\w-]+$/)
        expect(keyIdOf(encrypted)).toBe(two.id)
        expect(decryptWith([one, two])(encrypted, place)).toEqual({ kind: 'text', text })
      }),
    )
  })

  it('is AES-256-GCM with the place as authenticated data, as docs/hooks.md describes', () => {
    const encrypted = encrypt('the key', place, one, newIv())
    const bytes = Buffer.from(encrypted.split(':').at(-1) ?? '', 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', Buffer.alloc(32, 1), bytes.subarray(0, 12))
    decipher.setAAD(Buffer.from('["hooktide-enc:v1","acme","a","signing-key"]'))
    decipher.setAuthTag(bytes.subarray(-16))
    expect(decipher.update(bytes.subarray(12, -16)).toString() + decipher.final('utf8')).toBe(
      'the key',
    )
  })

  it.each<[string, Partial<SecretPlace>]>([
    ['another tenant', { tenantId: 'other' }],
    ['another hook', { hookId: 'b' }],
    ['a header', { use: 'header:authorization' }],
    ['a tenant and hook whose names join alike', { tenantId: 'acme","a', hookId: '' }],
  ])('is of no use to %s', (_, other) => {
    const encrypted = encrypt('the key', place, one, newIv())
    expect(decryptWith([one])(encrypted, { ...place, ...other })).toEqual({
      kind: 'fault',
      message: expect.stringMatching(/^cannot be decrypted: it was encrypted for another hook/),
    })
  })

  it('that was changed anywhere is a fault, whose message has nothing of it', () => {
    const encrypted = encrypt('the key', place, one, newIv())
    for (let at = 'hooktide-enc:'.length; at < encrypted.length; at += 1) {
      const other = encrypted[at] === 'A' ? 'w' : 'A'
      const changed = encrypted.slice(0, at) + other + encrypted.slice(at + 1)
      const decrypted = decryptWith([one])(changed, place)
      // The last character of base64 may have bits that encode nothing.
      if (decrypted.kind === 'text')
        expect([at, decrypted.text]).toEqual([encrypted.length - 1, 'the key'])
      else expect(JSON.stringify(decrypted)).not.toContain(encrypted.slice(-20))
    }
  })

  it.each([
    ['the prefix', ''],
    ['a later version', `v2:0123456789ab:${'A'.repeat(60)}`],
    ['less than a character', `v1:0123456789ab:${'A'.repeat(38)}`],
    ['another form of id', `v1:0123456789AB:${'A'.repeat(60)}`],
    ['more than the headers of a hook', `v1:0123456789ab:${'A'.repeat(30_000)}`],
  ])('is none that only begins so, with %s', (_, rest) => {
    for (const decrypt of [decryptWith([one]), decryptWith([]), leaveEncrypted]) {
      expect(decrypt(`hooktide-enc:${rest}`, place)).toMatchObject({ kind: 'fault' })
    }
  })

  it('is kept as it is without keys, and clear text always is', () => {
    const encrypted = encrypt('the key', place, one, newIv())
    expect(leaveEncrypted(encrypted)).toEqual({ kind: 'encrypted' })
    for (const text of [
      '',
      'hooktide-en',
      'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
      ' hooktide-enc:v1:',
    ]) {
      expect(decryptWith([one])(text, place)).toEqual({ kind: 'text', text })
    }
  })

  it('within an encrypted text is no secret', () => {
    const twice = encrypt(encrypt('the key', place, one, newIv()), place, one, newIv())
    expect(decryptWith([one])(twice, place)).toMatchObject({ kind: 'fault' })
  })
})

describe('the secrets of a hook', () => {
  const hook = {
    id: 'a',
    extra: { signingKey: 'no secret of ours' },
    signingKey: 'the key',
    config: {
      url: 'https://x.example/',
      headers: { Authorization: 'Bearer abc', empty: '', odd: 5 },
    },
    delivery: { concurrency: 3, previousSigningKeys: [{ key: 'older', expiresAt: 1 }, 'odd'] },
  }

  it('are its signing keys and the values of its headers, and come back as they were', () => {
    const encrypted = withEncryptedSecrets(hook, one, newIv)
    const shown = mapSecrets(encrypted, (text, use, field) => `${keyIdOf(text)} ${use} ${field}`)
    expect(shown).toEqual({
      ...hook,
      signingKey: `${one.id} signing-key signingKey`,
      config: {
        url: 'https://x.example/',
        headers: {
          Authorization: `${one.id} header:authorization config.headers.Authorization`,
          empty: '',
          odd: 5,
        },
      },
      delivery: {
        concurrency: 3,
        previousSigningKeys: [
          { key: `${one.id} signing-key delivery.previousSigningKeys[0].key`, expiresAt: 1 },
          'odd',
        ],
      },
    })
    expect(Object.keys(encrypted)).toEqual(Object.keys(hook))
    expect(withDecryptedSecrets(encrypted, decryptWith([one]))).toEqual(hook)
    expect(withDecryptedSecrets(encrypted, decryptWith([two]))).toEqual(encrypted)
  })

  it('that are encrypted already stay as they are, and are never equal', () => {
    const encrypted = withEncryptedSecrets(hook, one, newIv)
    expect(withEncryptedSecrets(encrypted, two, newIv)).toEqual(encrypted)
    expect(withEncryptedSecrets(hook, one, newIv)['signingKey']).not.toBe(encrypted['signingKey'])
  })

  it('stay where a previous key goes when another is made the newest', () => {
    const { signingKey } = withEncryptedSecrets(hook, one, newIv)
    const delivery = { previousSigningKeys: [{ key: signingKey, expiresAt: 1 }] }
    const rotated = { ...hook, delivery, signingKey: 'new' }
    expect(withDecryptedSecrets(rotated, decryptWith([one]))).toMatchObject({
      delivery: { previousSigningKeys: [{ key: 'the key' }] },
    })
  })

  it('of a hook that names no tenant are those of the default one', () => {
    const encrypted = withEncryptedSecrets({ ...hook, tenantId: null }, one, newIv)
    const named = { ...encrypted, tenantId: 'default' }
    expect(withDecryptedSecrets(named, decryptWith([one]))).toMatchObject({ signingKey: 'the key' })
  })
})
