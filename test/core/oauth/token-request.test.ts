import { describe, expect, it } from 'vitest'
import type { ClientCredentials } from '../../../src/core/model/model.ts'
import { claimsOf, readTokenAnswer, tokenRequest } from '../../../src/core/oauth/token-request.ts'

const credentials: ClientCredentials = {
  tokenUrl: 'https://id.example/token',
  clientId: 'a client',
  clientSecret: 'p:ä&ss',
  scope: undefined,
  parameters: {},
  authMethod: 'client_secret_basic',
}

describe('a request for a token', () => {
  it('shows client and secret in a header, each form-encoded first', () => {
    const { headers, body } = tokenRequest(credentials)
    const login = Buffer.from('a+client:p%3A%C3%A4%26ss').toString('base64')
    expect(headers['authorization']).toBe(`Basic ${login}`)
    expect(body).toBe('grant_type=client_credentials')
  })

  it('shows them in the form where that is asked for', () => {
    const { headers, body } = tokenRequest({ ...credentials, authMethod: 'client_secret_post' })
    expect(headers).not.toHaveProperty('authorization')
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'a client',
      client_secret: 'p:ä&ss',
    })
  })

  it('has its scope and further parameters, which cannot become others', () => {
    const { body } = tokenRequest({
      ...credentials,
      scope: 'a b',
      parameters: { resource: 'https://kafka.example?a&grant_type=password' },
    })
    expect([...new URLSearchParams(body)]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'a b'],
      ['resource', 'https://kafka.example?a&grant_type=password'],
    ])
  })
})

const secrets = { clientSecret: 'hushhush', parameters: { code: 'quiet', empty: '' } }
const answerOf = (content: unknown, status = 200) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return readTokenAnswer({ status, text }, 1_000, secrets)
}
const tokenOf = (fields: object) => {
  const answer = answerOf({ access_token: 'abc', token_type: 'Bearer', ...fields })
  return answer.kind === 'token' ? answer.token : answer
}
const jwt = (claims: object) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

describe('the answer of a token endpoint', () => {
  it('gives a token that is renewed after four fifths of its life, counted from the question', () => {
    expect(tokenOf({ expires_in: 100 })).toEqual({
      value: 'abc',
      askedAt: 1_000,
      renewAt: 81_000,
      expiresAt: 101_000,
    })
  })

  it.each([
    ['a number in text, as some servers write it', { expires_in: '100' }, 101_000],
    ['what the token says of itself', { access_token: jwt({ iat: 50, exp: 70 }) }, 21_000],
    ['five minutes where nobody says it', {}, 301_000],
    ['five minutes where it makes no sense', { expires_in: -1 }, 301_000],
    ['five minutes where it is no number', { expires_in: {} }, 301_000],
    ['five minutes where it is a list', { expires_in: [100] }, 301_000],
    ['a day at most', { expires_in: 1e300 }, 86_401_000],
    ['a second at least', { expires_in: 0.0001 }, 2_000],
  ])('has a life: %s', (_, fields, expiresAt) => {
    expect(tokenOf(fields)).toMatchObject({ expiresAt })
  })

  it.each([
    ['no JSON', '<html>', /no JSON object/],
    ['a list', '[]', /no JSON object/],
    ['no token', { token_type: 'Bearer' }, /without an access_token/],
    [
      'a token that would end a header',
      { access_token: 'a\r\nx: y', token_type: 'Bearer' },
      /characters/,
    ],
    [
      'a token that would end a login',
      { access_token: 'a\u0001b', token_type: 'Bearer' },
      /characters/,
    ],
    ['an empty token', { access_token: '', token_type: 'Bearer' }, /characters/],
    ['a token without end', { access_token: 'a'.repeat(40_000), token_type: 'Bearer' }, /too long/],
    ['a token of another type', { access_token: 'a', token_type: 'mac' }, /type Bearer/],
    ['a token of no type', { access_token: 'a' }, /type Bearer/],
  ])('is of no use with %s', (_, content, message) => {
    expect(answerOf(content)).toEqual({ kind: 'unusable', message: expect.stringMatching(message) })
  })

  it.each([
    [400, { error: 'invalid_scope', error_description: 'not you' }, 'invalid_scope'],
    [401, { error: 'invalid_client' }, 'invalid_client'],
    [401, 'who?', 'status 401'],
    [403, { error: 'Client s3cret is unknown' }, 'status 403'],
    [401, { error: 'hushhush' }, 'status 401'],
    [401, { error: 'no_hushhush_here' }, 'status 401'],
    [401, { error: 'quiet' }, 'status 401'],
  ])('refuses with status %s and %j', (status, content, error) => {
    expect(answerOf(content, status)).toEqual({ kind: 'refused', error })
  })

  it('does not repeat a secret with another status', () => {
    const message = 'answers with status 400'
    expect(answerOf({ error: 'hushhush' }, 400)).toEqual({ kind: 'unusable', message })
  })

  it.each([404, 429, 500, 302])('of status %s is no refusal', (status) => {
    const message = `answers with status ${status}`
    expect(answerOf({}, status)).toEqual({ kind: 'unusable', message })
  })
})

it('the claims of what is no JSON Web Token are none', () => {
  expect(['', 'a', 'a.b', 'a.bnVsbA.c', `${'.'.repeat(99)}`].map(claimsOf)).toEqual(
    Array.from({ length: 5 }, () => ({})),
  )
  expect(claimsOf(jwt({ sub: 'me' }))).toEqual({ sub: 'me' })
})
