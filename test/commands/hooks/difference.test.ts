import { describe, expect, it } from 'vitest'
import { differencesOf } from '../../../src/commands/hooks/difference.ts'

const hook = {
  id: 'a',
  name: 'CRM',
  event: null,
  events: ['PostSignIn'],
  config: { url: 'https://x.example/hook', headers: { 'x-team': 'growth' } },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  enabled: true,
}

describe('the differences of a hook', () => {
  it('are none if only the order of members differs, or null replaces a missing value', () => {
    const { name, event: _, ...others } = hook
    expect(differencesOf(hook, { ...others, name, retired: null })).toEqual([])
  })

  it('are listed by field, with lists as a whole', () => {
    const changed = {
      ...hook,
      events: ['PostSignIn', 'PostRegister'],
      config: { ...hook.config, retries: 3 },
      enabled: false,
    }
    expect(differencesOf(hook, changed)).toEqual([
      { field: 'events', before: ['PostSignIn'], after: ['PostSignIn', 'PostRegister'] },
      { field: 'config.retries', before: undefined, after: 3 },
      { field: 'enabled', before: true, after: false },
    ])
  })

  it('say that a secret differs without showing it', () => {
    const secrets = ['x'.repeat(32), 'Bearer abc', 'sk-1a2b3c', 'tok-9z8y']
    const [signingKey, authorization, team, token] = secrets
    const changed = {
      ...hook,
      signingKey,
      config: {
        url: `https://x.example/hook?t=${token}`,
        headers: { 'x-team': team, authorization },
      },
    }
    const differences = differencesOf(hook, changed)
    expect(differences.map(({ field }) => field)).toEqual([
      'config.url',
      'config.headers.x-team',
      'config.headers.authorization',
      'signingKey',
    ])
    const shown = JSON.stringify(differences)
    for (const secret of secrets) expect(shown).not.toContain(secret)
  })

  it('name a member by its place if its name may be a secret', () => {
    const changed = { ...hook, config: { ...hook.config, headers: { sk_live_4eC39HqLyjW: 'x' } } }
    const fields = differencesOf(hook, changed).map(({ field }) => field)
    expect(fields).toEqual(['config.headers.x-team', 'config.headers[1]'])
  })
})
