import { describe, expect, it } from 'vitest'
import { warningsOf } from '../../../src/commands/hooks/put-warnings.ts'

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
