import { describe, expect, it } from 'vitest'
import {
  decryptWith,
  leaveEncrypted,
  parseEncryptionKeys,
} from '../../../src/core/hook/encrypted-text.ts'
import { checkHookInput, decodeHook } from '../../../src/core/hook/hook.ts'
import {
  secretsOf,
  withDecryptedSecrets,
  withEncryptedSecrets,
} from '../../../src/core/hook/secrets.ts'
import type { JsonObject } from '../../../src/core/text/json.ts'
import {
  clientCertificate,
  clientKey,
  expiredCertificate,
  expiredKey,
  lockedClientKey,
  serverKey,
} from '../../support/kafka-certificates.ts'

const oauth = {
  tokenUrl: 'https://id.example/token',
  clientId: 'me',
  clientSecret: 'hush-hush',
}
const certificate = { certificate: clientCertificate, privateKey: clientKey }
const hookWith = (delivery: object): JsonObject => ({
  id: 'a',
  tenantId: 'default',
  events: ['PostSignIn'],
  config: { url: 'https://endpoint.example/' },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  delivery,
})
const noFilters = () => undefined
const problemsOf = (delivery: object) => checkHookInput(hookWith(delivery), noFilters)

function decoded(hook: JsonObject, decrypt = decryptWith([])) {
  const record = { topic: 'h', partition: 0, offset: 1, headers: [], timestamp: 0 }
  const value = Buffer.from(JSON.stringify(hook))
  return decodeHook({ ...record, key: Buffer.from('a'), value }, noFilters, decrypt)
}

describe('the logins of a hook', () => {
  it('are none where none is given', () => {
    for (const delivery of [{}, { oauth: null, clientCertificate: null }]) {
      expect(decoded(hookWith(delivery))).toMatchObject({
        kind: 'active',
        hook: { oauth: undefined, clientCertificate: undefined },
      })
    }
  })

  it('are a client and a certificate, with what is left out as it is most often', () => {
    expect(decoded(hookWith({ oauth, clientCertificate: certificate }))).toMatchObject({
      kind: 'active',
      hook: {
        oauth: { ...oauth, scope: undefined, parameters: {}, authMethod: 'client_secret_basic' },
        clientCertificate: certificate,
      },
    })
    const whole = {
      ...oauth,
      scope: 'a b:c',
      parameters: { resource: 'https://endpoint.example', audience: '' },
      authMethod: 'client_secret_post',
    }
    expect(decoded(hookWith({ oauth: whole }))).toMatchObject({ hook: { oauth: whole } })
  })

  it('may show a certificate that has expired: its endpoint decides', () => {
    const expired = { certificate: expiredCertificate, privateKey: expiredKey }
    expect(problemsOf({ clientCertificate: expired })).toEqual([])
  })

  const faults: readonly (readonly [string, object, string, RegExp])[] = [
    ['no object', { oauth: 'x' }, 'delivery.oauth', /^must be an object$/],
    [
      'no secret',
      { oauth: { ...oauth, clientSecret: undefined } },
      'delivery.oauth.clientSecret',
      /^is missing$/,
    ],
    [
      'an empty secret',
      { oauth: { ...oauth, clientSecret: '' } },
      'delivery.oauth.clientSecret',
      /^must be text of at most 1024 characters, not empty$/,
    ],
    [
      'a long secret',
      { oauth: { ...oauth, clientSecret: 'x'.repeat(1_025) } },
      'delivery.oauth.clientSecret',
      /^must be text of at most 1024/,
    ],
    [
      'a secret that nobody encrypted',
      { oauth: { ...oauth, clientSecret: 'hooktide-enc:x' } },
      'delivery.oauth.clientSecret',
      /^begins with hooktide-enc:/,
    ],
    [
      'no URL',
      { oauth: { ...oauth, tokenUrl: 'id.example' } },
      'delivery.oauth.tokenUrl',
      /^is not a URL$/,
    ],
    [
      'a URL with credentials',
      { oauth: { ...oauth, tokenUrl: 'https://a:b@id.example' } },
      'delivery.oauth.tokenUrl',
      /^must not have credentials/,
    ],
    ['no client', { oauth: { ...oauth, clientId: 7 } }, 'delivery.oauth.clientId', /^must be text/],
    [
      'scopes in a list',
      { oauth: { ...oauth, scope: ['a'] } },
      'delivery.oauth.scope',
      /^must be scopes apart by single spaces$/,
    ],
    [
      'a scope that is none',
      { oauth: { ...oauth, scope: 'a"b' } },
      'delivery.oauth.scope',
      /^must be scopes/,
    ],
    [
      'another method',
      { oauth: { ...oauth, authMethod: 'private_key_jwt' } },
      'delivery.oauth.authMethod',
      /^must be client_secret_basic or client_secret_post$/,
    ],
    [
      'a parameter of the grant',
      { oauth: { ...oauth, parameters: { grant_type: 'password' } } },
      'delivery.oauth.parameters.grant_type',
      /^is set by other fields$/,
    ],
    [
      'a parameter without a name',
      { oauth: { ...oauth, parameters: { '': 'a' } } },
      'delivery.oauth.parameters[0]',
      /^is not the name of a parameter$/,
    ],
    [
      'a parameter that is no text',
      { oauth: { ...oauth, parameters: { audience: 7 } } },
      'delivery.oauth.parameters.audience',
      /^must be text/,
    ],
    [
      'a field that is not known',
      { oauth: { ...oauth, secret: 'x' } },
      'delivery.oauth.secret',
      /^is not known here$/,
    ],
    [
      'no certificate',
      { clientCertificate: { ...certificate, certificate: 'x' } },
      'delivery.clientCertificate.certificate',
      /^must be a certificate in PEM, of at most 16384 characters$/,
    ],
    [
      'a key for a certificate',
      { clientCertificate: { ...certificate, certificate: clientCertificate + clientKey } },
      'delivery.clientCertificate.certificate',
      /^must be a certificate in PEM/,
    ],
    [
      'no key',
      { clientCertificate: { ...certificate, privateKey: clientCertificate } },
      'delivery.clientCertificate.privateKey',
      /^must be a private key in PEM, of at most 16384 characters, without a passphrase$/,
    ],
    [
      'a locked key',
      { clientCertificate: { ...certificate, privateKey: lockedClientKey } },
      'delivery.clientCertificate.privateKey',
      /without a passphrase$/,
    ],
    [
      'the key of another',
      { clientCertificate: { ...certificate, privateKey: serverKey } },
      'delivery.clientCertificate.privateKey',
      /^is not the key of the certificate$/,
    ],
  ]
  it.each(faults)('name their field where they have %s', (_, delivery, field, message) => {
    const problem = { field, message: expect.stringMatching(message) }
    expect(problemsOf(delivery)).toEqual([problem])
    const { hook } = decoded(hookWith(delivery)) as { hook: { problems: unknown } }
    expect(hook.problems).toEqual([problem])
    expect(JSON.stringify(hook.problems)).not.toMatch(/hush|PRIVATE|MI[A-Z]{2}/)
  })

  it('have at most ten parameters', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => [`p${index}`, 'x'])
    expect(problemsOf({ oauth: { ...oauth, parameters: Object.fromEntries(names) } })).toEqual([
      { field: 'delivery.oauth.parameters', message: 'has more than 10 parameters' },
    ])
  })
})

describe('the secrets of logins', () => {
  const read = parseEncryptionKeys('ab'.repeat(32))
  const keys = read.kind === 'keys' ? read.keys : []
  const [key] = keys
  const hook = hookWith({ oauth, clientCertificate: certificate })
  const encrypted =
    key === undefined ? hook : withEncryptedSecrets(hook, key, () => Buffer.alloc(12))

  it('are encrypted at rest as signing keys are, and nothing else of them is', () => {
    expect(secretsOf(encrypted).map(({ field }) => field)).toEqual([
      'signingKey',
      'delivery.oauth.clientSecret',
      'delivery.clientCertificate.privateKey',
    ])
    const text = JSON.stringify(encrypted)
    expect(text).not.toMatch(/hush-hush|PRIVATE KEY/)
    expect(text).toContain('https://id.example/token')
    expect(withDecryptedSecrets(encrypted, decryptWith(keys))).toEqual(hook)
  })

  it('are read by who has the keys, and let be by who needs none', () => {
    expect(decoded(encrypted, decryptWith(keys))).toMatchObject({
      kind: 'active',
      hook: { oauth, clientCertificate: certificate },
    })
    expect(decoded(encrypted, leaveEncrypted)).toMatchObject({ kind: 'active' })
    expect(decoded(encrypted)).toMatchObject({
      kind: 'suspended',
      hook: {
        problems: expect.arrayContaining([
          {
            field: 'delivery.oauth.clientSecret',
            message: expect.stringContaining('set HOOKTIDE_ENCRYPTION_KEYS'),
          },
        ]),
      },
    })
  })

  it('cannot take the place of each other', () => {
    const [, secret] = secretsOf(encrypted)
    expect(decoded({ ...hook, signingKey: secret?.text }, decryptWith(keys))).toMatchObject({
      kind: 'suspended',
      hook: {
        problems: [
          {
            field: 'signingKey',
            message: expect.stringContaining('another hook, tenant or field'),
          },
        ],
      },
    })
  })
})
