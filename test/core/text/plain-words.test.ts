import { describe, expect, it } from 'vitest'
import { hiddenFields, hookWithoutSecrets } from '../../../src/commands/hooks/hidden-secrets.ts'
import { isPlainWords } from '../../../src/core/text/plain-words.ts'
import { urlWithoutSecrets } from '../../../src/core/run/result.ts'

describe('plain words', () => {
  it.each([
    ...[
      'X-Team',
      'x-n',
      'good',
      'X-API-Key',
      'Authorization',
      'content-type',
      'previousSigningKeys',
    ],
    ...['hooks', 'v2', 'auth.events', 'signing_key', 'concurency', 'eu-west-1', '12'],
  ])('are what things are called: %s', (text) => {
    expect(isPlainWords(text)).toBe(true)
  })

  it.each([
    ...['', 'hunter2', 'Authorization: Bearer xyz', 'sk_live_51H8xkJ2eZvKYlo2C', 'T024BE7LD'],
    ...['Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii', 'qMvXzClKjHgFdSaPoIuYtReWqAsDfGhJ', 'deadbeefdeadbeef'],
    ...['alice@example.com', '+4915112345678', '4711471147114711', 'a'.repeat(41), 'a-'.repeat(9)],
  ])('are not what keys, tokens and addresses look like: %s', (text) => {
    expect(isPlainWords(text)).toBe(false)
  })
})

describe('a URL that is shown', () => {
  it.each([
    ['https://crm.example/hooks/auth', 'https://crm.example/hooks/auth'],
    ['https://me:hunter2@crm.example:8443/v1/in?key=hunter2#x', 'https://crm.example:8443/v1/in'],
    [
      'https://hooks.slack.com/services/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',
      'https://hooks.slack.com/services/(hidden)/(hidden)/(hidden)',
    ],
    [
      'https://discord.com/api/webhooks/1153208812345678901/aB-3_xYz0Q',
      'https://discord.com/api/webhooks/(hidden)/(hidden)',
    ],
    ['https://api.telegram.org/bot123456:AAF-x9/send', 'https://api.telegram.org/(hidden)/send'],
    ['https://a.example/%68unter2%E2%80%AE', 'https://a.example/(hidden)'],
    ['no url', ''],
  ])('of %s has nothing that may be a key', (url, shown) => {
    expect(urlWithoutSecrets(url)).toBe(shown)
  })
})

describe('a hook that is shown', () => {
  const secrets = [
    'k3y-Of-Now0',
    'k3y-Of-Before0',
    'tok3n',
    'p4th',
    'qu3ry',
    'n4me: Bearer x',
    'v4lue',
  ]
  const hook = {
    id: 'w2f8p6u0c9ydj3ms7ealr',
    signingKey: secrets[0],
    signing_key: secrets[0],
    config: {
      url: `https://a.example/services/${secrets[3]}?key=${secrets[4]}`,
      headers: {
        Authorization: 'Bearer of words',
        'X-Team': 'growth',
        'Content-Type': 'application/json; charset=utf-8',
        'x-id': secrets[6],
        [`${secrets[5]}`]: 'x',
        [`${secrets[5]}2`]: 'y',
      },
      password: secrets[2],
    },
    delivery: {
      concurrency: 2,
      previousSigningKeys: [{ key: secrets[1], expiresAt: 1 }, secrets[1]],
    },
  }

  it('has no secret, and the rest as it is', () => {
    const shown = hookWithoutSecrets(hook)
    for (const secret of secrets) expect(JSON.stringify(shown)).not.toContain(secret)
    expect(shown).toMatchObject({
      id: hook.id,
      config: {
        url: 'https://a.example/services/(hidden)?(hidden)',
        headers: {
          Authorization: '(hidden)',
          'X-Team': 'growth',
          'Content-Type': 'application/json; charset=utf-8',
        },
      },
      delivery: { concurrency: 2, previousSigningKeys: [{ expiresAt: 1 }, '(hidden)'] },
    })
    const { headers } = shown['config'] as { readonly headers: object }
    expect(Object.keys(headers)).toHaveLength(6)
  })

  it.each([
    ['a list of headers', { config: { headers: ['Authorization: Bearer s3cret'] } }],
    ['headers as text', { config: { headers: 'x-a: s3cret' } }],
    ['headers in place of config', { headers: { 'x-team': 's3cret' } }],
    ['a URL in place of config', { config: 'https://a.example/in?key=s3cret' }],
    ['config as text', { config: '{"url":"https://a.example/in?key=s3cret"}' }],
    ['a list of config', { config: [{ url: 'https://a.example/in?key=s3cret' }] }],
    ['a list of URLs', { config: { url: ['https://a.example/in?key=s3cret'] } }],
    ['a URL in another place', { url: 'https://a.example/in?key=s3cret' }],
    ['an object in place of an id', { id: { value: 's3cret' } }],
    ['delivery as text', { delivery: '{"previousSigningKeys":[{"key":"s3cret"}]}' }],
  ])('has none where something stands in the wrong place: %s', (_, wrong) => {
    const shown = hookWithoutSecrets(wrong)
    expect(JSON.stringify(shown)).not.toContain('s3cret')
    expect(hiddenFields(shown)).toHaveLength(1)
  })

  it('has no number that is in the place of a secret', () => {
    const wrong = { signingKey: 48_213_377, config: { headers: { 'x-pin': 48_213_377 } } }
    expect(JSON.stringify(hookWithoutSecrets(wrong))).not.toContain('48213377')
  })

  it('keeps what people wrote for people', () => {
    const readable = {
      id: 'w2f8p6u0c9ydj3ms7ealr',
      tenantId: 't-4711471147114711',
      name: 'CRM, 2nd try (Åsa)',
      events: ['PostRegister', 'Acme2.Äh'],
      createdAt: 1_700_000_000_000,
      delivery: { filter: 'event.user.id == "k3v9tq2mzx7a"', ratePerSecond: 100_000 },
    }
    expect(hookWithoutSecrets(readable)).toEqual(readable)
  })

  it('is not written back as it was shown', () => {
    expect(hiddenFields(hook)).toEqual([])
    const fields = hiddenFields(hookWithoutSecrets(hook)).map(({ field }) => field)
    expect(fields).toEqual([
      'signingKey',
      'signing_key',
      'config.url',
      'config.headers.Authorization',
      'config.headers.x-id',
      'config.password',
      'delivery.previousSigningKeys[0].key',
      'delivery.previousSigningKeys[1]',
    ])
  })
})
