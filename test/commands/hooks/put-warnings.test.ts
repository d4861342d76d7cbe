import { describe, expect, it } from 'vitest'
import { clientCertificate, expiredCertificate } from '../../support/kafka-certificates.ts'
import { warningsOf as warningsAt } from '../../../src/commands/hooks/put-warnings.ts'

const now = Date.parse('2026-09-14T09:02:11.019Z')
const warningsOf = (hook: Parameters<typeof warningsAt>[0]) => warningsAt(hook, now)

const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const hook = { id: 'a', events: ['PostSignIn'], signingKey, config: { url: 'https://x.example/' } }
const withHeaders = (...names: readonly string[]) =>
  warningsOf({
    ...hook,
    config: { ...hook.config, headers: Object.fromEntries(names.map((name) => [name, 'v'])) },
  })

describe('warnings about a hook', () => {
  it('are not given for a usual hook', () => {
    expect(withHeaders('Authorization', 'content-type', 'User-Agent', 'x-proxy-1')).toEqual([])
  })

  it('name each header that its calls leave out', () => {
    const names = ['Host', 'connection', 'Webhook-Signature', 'Proxy-Authorization', 'traceparent']
    expect(withHeaders('x-team', ...names)).toEqual(
      names.map((name) => expect.stringContaining(`config.headers.${name} is left out of calls`)),
    )
  })

  it('name each header that is replaced by another of the same name', () => {
    expect(withHeaders('X-A', 'x-b', 'x-a')).toEqual([
      'config.headers.X-A has no effect: config.headers.x-a replaces it',
    ])
  })

  it.each([
    ['short', 'signingKey has 5 bytes: Standard Webhooks asks for 24 to 64'],
    ['whsec_AQID', 'signingKey has 3 bytes: Standard Webhooks asks for 24 to 64'],
  ])('name a key that is easy to guess: %s', (key, warning) => {
    expect(warningsOf({ ...hook, signingKey: key })).toEqual([warning])
  })

  it('do not mention the key if calls are not signed, or if it is encrypted', () => {
    expect(warningsOf({ ...hook, signingKey: '' })).toEqual([])
    expect(warningsOf({ ...hook, signingKey: 'hooktide-enc:v1:x' })).toEqual([])
  })

  it('name what has no effect beside a token, and a secret in the clear', () => {
    const oauth = { tokenUrl: 'http://id.example', clientId: 'a', clientSecret: 'b' }
    const config = { ...hook.config, headers: { Authorization: 'x' } }
    expect(warningsOf({ ...hook, config, delivery: { oauth } })).toEqual([
      'config.headers.Authorization has no effect: the token of delivery.oauth replaces it',
      'delivery.oauth.tokenUrl is plain http: the secret of the client crosses the network in plain text',
    ])
  })

  it('name a certificate that is not valid now, and one that nobody is shown', () => {
    const field = 'delivery.clientCertificate.certificate'
    const warningsWith = (certificate: string, url = 'https://x.example/') =>
      warningsOf({
        ...hook,
        config: { url },
        delivery: { clientCertificate: { certificate, privateKey: 'x' } },
      })
    expect(warningsWith(expiredCertificate)).toEqual([
      expect.stringMatching(`^${field} has expired on 20\\d\\d-`),
    ])
    // Made after the moment of these tests.
    expect(warningsWith(clientCertificate)).toEqual([
      expect.stringMatching(`^${field} is not valid before 2026-11-24T`),
    ])
    expect(warningsWith(expiredCertificate, 'http://x.example/')).toContain(
      `${field} has no effect: config.url is plain http`,
    )
  })

  it('are twenty lines at most, whatever the hook holds', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x${n}\u001b`, n]))
    const warnings = warningsOf({ ...hook, ...many })
    expect(warnings).toHaveLength(20)
    expect(warnings[0]).toBe(
      'a member is not known and has no effect; its name is not shown, since it may be a secret',
    )
    expect(warnings.at(-1)).toBe('and 981 more warnings')
  })
})
