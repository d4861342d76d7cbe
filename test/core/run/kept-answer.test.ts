import { describe, expect, it } from 'vitest'
import { hiddenMark } from '../../../src/core/text/hidden-text.ts'
import { keptAnswer, type KeepingRules } from '../../../src/core/run/kept-answer.ts'
import type { AttemptResult } from '../../../src/core/model/model.ts'
import {
  answered,
  event,
  failures,
  headers,
  keptOf,
  payload,
  phases,
  secretHook,
  secrets,
  sentBy,
} from '../../support/kept-answers.ts'
import { clientKey } from '../../support/kafka-certificates.ts'
import { eventOf, hookOf } from '../../support/model-builders.ts'

/** How an endpoint shows the request. */
const echoes: readonly (readonly [how: string, show: (secret: string) => string])[] = [
  ['as it is', (secret) => `no access with ${secret}, sorry`],
  ['as JSON', (secret) => JSON.stringify({ sent: [secret] }, null, 2)],
  ['as JSON within JSON', (secret) => JSON.stringify(JSON.stringify({ sent: secret }))],
  ['percent-encoded', (secret) => `?sent=${encodeURIComponent(secret)}`],
  ['percent-encoded twice', (secret) => encodeURIComponent(encodeURIComponent(secret))],
  ['in capitals', (secret) => secret.toUpperCase()],
  [
    'as HTML',
    (secret) =>
      `<pre>${secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')}</pre>`,
  ],
  ['as code', (secret) => `{ sent: '${secret.replaceAll('\\', '\\\\')}' }`],
  [
    'with escapes for all but letters',
    (secret) => {
      const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
      return secret.replaceAll(/[^%\w]/g, escaped)
    },
  ],
  ['in lines', (secret) => secret.replaceAll(/.{10}/g, '$&\n  ')],
]

describe('in an echo of an endpoint', () => {
  it.each(secrets)('%s is hidden', (_, secret) => {
    expect(secret.length).toBeGreaterThan(3)
    for (const [how, show] of echoes) {
      const kept = keptOf(show(secret)) ?? ''
      expect(kept, how).toContain(hiddenMark)
      expect(kept.toLowerCase(), how).not.toContain(secret.toLowerCase().slice(0, 12))
      expect(kept.toLowerCase(), how).not.toContain(secret.toLowerCase().slice(-12))
      expect(kept.length, `${how}: ${kept}`).toBeLessThan(45)
    }
  })

  it('the remaining text is readable', () => {
    const echo = JSON.stringify({
      error: 'no such team',
      headers: { ...headers },
      path: '/hooks/T0J3',
    })
    const kept = JSON.parse(keptOf(echo) ?? '') as { readonly headers: Record<string, string> }
    expect(kept).toMatchObject({ error: 'no such team', path: '/hooks/T0J3' })
    expect(kept.headers).toEqual({
      'content-type': 'application/json',
      'user-agent': 'hooktide/test',
      authorization: hiddenMark,
      'x-api-token': hiddenMark,
      'x-custom': hiddenMark,
      cookie: hiddenMark,
      'x-retry': '1',
      'webhook-id': 'dlv_0000000000000000000000',
      'webhook-timestamp': '1789376531',
      'hooktide-attempt': '1',
      'logto-signature-sha-256': hiddenMark,
      'webhook-signature': hiddenMark,
    })
  })

  it('a value that is short enough to guess stays, and so do equal words', () => {
    const hook = hookOf({ headers: { 'x-mode': 'error', 'x-n': '1', accept: 'application/json' } })
    const body = '{"error":"1 error: application/json expected, of type username or Register"}'
    expect(keptOf(body, hook)).toBe(body)
  })

  it.each([4096, 4097, 4100, 4110, 4125])(
    'a secret that is cut at the end of the answer after %i of its bytes is hidden',
    (end) => {
      const secret = 'lavender-harbour-31'
      const filler = 'x '.repeat(2048).slice(0, end - secret.length)
      const cut = (filler + secret).slice(0, 4096)
      const kept = keptOf(cut) ?? ''
      expect(kept).not.toMatch(/lave/)
      expect(kept.startsWith('x x x')).toBe(true)
    },
  )

  it('a secret that the endpoint itself has cut is hidden from a dozen characters on', () => {
    expect(keptOf('bad header lavender-harb... given')).toBe(`bad header ${hiddenMark}... given`)
  })

  it('the value after a secret’s name is hidden too', () => {
    const hook = hookOf({ headers: { 'x-key-a8f3b2c1d0e9f8a7b6c5': 'yes' } })
    expect(keptOf('header x-key-a8f3b2c1d0e9f8a7b6c5 unknown', hook)).toBe(
      `header ${hiddenMark} unknown`,
    )
  })

  it('a secret in the path is hidden', () => {
    const hook = hookOf({ url: 'https://chat.example/services/T0J3/Xq3Vb8Zc1Lk6Jh9Gf4Ds7Aa2' })
    expect(keptOf('no channel /services/T0J3/Xq3Vb8Zc1Lk6Jh9Gf4Ds7Aa2', hook)).toBe(
      `no channel /services/T0J3/${hiddenMark}`,
    )
  })

  it('the address and the credentials of the egress proxy are hidden', () => {
    const egressProxy = 'http://relay:s%40fe-word@egress-1.corp.example:3128'
    const credentials = Buffer.from('relay:s@fe-word').toString('base64')
    const body = `Error by egress-1.corp.example:3128 (proxy-authorization: Basic ${credentials}, s@fe-word)`
    expect(keptOf(body, secretHook, { bodies: 'failures', egressProxy })).toBe(
      `Error by ${hiddenMark} (proxy-authorization: Basic ${hiddenMark}, ${hiddenMark})`,
    )
  })
})

describe('of what a call logs in with', () => {
  const oauth = {
    tokenUrl: 'https://id.example/token?key=k9x4-zz81qLm',
    clientId: 'hook',
    clientSecret: 'swordfish-7-harbour',
    scope: undefined,
    parameters: { assertion: 'given-to-nobody-81' },
    authMethod: 'client_secret_basic',
  } as const
  const hook = hookOf({ oauth, clientCertificate: { certificate: '', privateKey: clientKey } })
  const accessToken = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJob29rIn0.c2lnbmF0dXJl'
  const shown = [
    oauth.clientSecret,
    oauth.parameters.assertion,
    'k9x4-zz81qLm',
    accessToken,
    `Bearer ${accessToken}`,
    clientKey,
    JSON.stringify(clientKey),
    clientKey.split('\n')[1] ?? '',
  ]
  it.each(shown)('nothing is kept: %s', (secret) => {
    const status = { status: 500, retryAfterMs: undefined, phases }
    const body = `refused: ${secret}`
    const result: AttemptResult = { kind: 'response', ...status, body, accessToken }
    const call = { hook, headers: sentBy(hook), event }
    const { responseBody } = keptAnswer(result, call, failures)
    expect(responseBody).toContain(hiddenMark)
    for (const part of secret.match(/[\w-]{12,}/g) ?? []) expect(responseBody).not.toContain(part)
  })
})

describe('of the event', () => {
  const text = event.body.toString()
  const texts: readonly (readonly [how: string, echo: string])[] = [
    ['as it is', text],
    ['as it was sent, in a string', JSON.stringify({ data: text, note: 'not ours' })],
    ['in a string of a string', JSON.stringify({ log: JSON.stringify({ data: text }) })],
    ['in other lines', JSON.stringify(payload, null, 4)],
    ['as code', text.replaceAll('"', "'")],
    ['percent-encoded', `body=${encodeURIComponent(text)}`],
    ['as a form', new URLSearchParams({ body: text, of: 'us' }).toString()],
    ['as HTML', `<pre>${text.replaceAll('"', '&quot;')}</pre>`],
    ['in base64', `{"isBase64Encoded":true,"body":"${event.body.toString('base64')}"}`],
  ]
  it.each(texts)('nothing is left when it is repeated %s', (_, echo) => {
    const kept = keptOf(echo) ?? ''
    expect(kept).toContain(hiddenMark)
    expect(kept).not.toMatch(/k3v9|news|Bo\b|Ward|2001|eyJ/)
  })

  it('no value remains when its members are in another order', () => {
    const { user, ...rest } = payload
    const { profile, ...names } = user
    const kept = keptOf(JSON.stringify({ names, rest, zone: profile.zoneinfo }, null, 1)) ?? ''
    expect(kept).not.toMatch(/k3v9|news|Ward|2001|Süd/)
    expect(kept).toContain('"zone"')
  })

  it('its key and the names of its fields stay, since messages contain them', () => {
    const body = '{"error":"PostSignIn needs user.primaryEmail and interactionEvent, not SignIn"}'
    expect(keptOf(body)).toBe(body)
  })

  it('one value that a message names is hidden', () => {
    expect(keptOf('user k3v9tq2mzx7a is unknown')).toBe(`user ${hiddenMark} is unknown`)
  })
})

describe('of the event and of secrets, in escapes that are spelled otherwise,', () => {
  const name = 'Иван Петров-Žilinský 王小明'
  const named = eventOf({ body: Buffer.from(JSON.stringify({ ...payload, user: { name } })) })
  const kept = (body: string): string | null =>
    keptAnswer(
      answered(body),
      { hook: secretHook, headers: sentBy(secretHook), event: named },
      failures,
    ).responseBody
  const each = (text: string, escape: (code: number) => string): string =>
    Array.from(text, (unit) => escape(unit.codePointAt(0) ?? 0)).join('')
  const eachByte = (text: string, escape: (hex: string) => string): string =>
    Array.from(Buffer.from(text), (byte) => escape(byte.toString(16).padStart(2, '0'))).join('')

  it.each<readonly [how: string, show: (text: string) => string]>([
    ['percent-encoded', encodeURIComponent],
    ['percent-encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))],
    ['in small percent-encoding', (text) => eachByte(text, (hex) => `%${hex}`)],
    ['as bytes of code', (text) => eachByte(text, (hex) => `\\x${hex}`)],
    ['in HTML with zeros', (text) => each(text, (code) => `&#${String(code).padStart(7, '0')};`)],
    ['in hex HTML with zeros', (text) => each(text, (code) => `&#x00${code.toString(16)};`)],
    ['in braces', (text) => each(text, (code) => `\\u{${code.toString(16)}}`)],
  ])('nothing is left: %s', (_, show) => {
    for (const text of [name, 'lavender-harbour-31'])
      expect(kept(`sent: ${show(text)}.`)).toBe(`sent: ${hiddenMark}.`)
  })

  it('what is no UTF-8 counts byte by byte, and hides nothing else', () => {
    for (const text of ['%E9t%C3', '%D0', '%F4%90%80%80', '%C3%41', '\\xd0%', '&#9999999;'])
      expect(kept(`sent: ${text}`)).toBe(`sent: ${text}`)
  })
})

describe('the body of an answer', () => {
  const made = { hook: hookOf({}), headers: {}, event }
  const cases: readonly (readonly [
    KeepingRules['bodies'],
    boolean | undefined,
    number,
    string | null,
  ])[] = [
    ['failures', undefined, 500, 'text'],
    ['failures', undefined, 302, 'text'],
    ['failures', undefined, 410, 'text'],
    ['failures', undefined, 200, null],
    ['failures', undefined, 204, null],
    ['failures', false, 500, null],
    ['failures', true, 200, null],
    ['always', undefined, 200, 'text'],
    ['always', true, 500, 'text'],
    ['always', false, 200, null],
    ['never', undefined, 500, null],
    ['never', true, 500, null],
  ]
  it.each(cases)(
    'with %s and keepResponse %s is of a %i kept as %s',
    (bodies, keepResponse, status, kept) => {
      const call = { ...made, hook: hookOf({ keepResponse }) }
      const rules = { bodies, egressProxy: undefined }
      expect(keptAnswer(answered('text', status), call, rules).responseBody).toBe(kept)
    },
  )

  it('stays empty where it is', () => {
    expect(keptOf('')).toBe('')
  })

  it('is not kept when a hook has more secrets than can be searched for', () => {
    const headers = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`x-${at}`, `${at}`.repeat(4_000)]),
    )
    expect(keptOf('no', hookOf({ headers }))).toBeNull()
  })

  it('is not kept when it has more values of the event than can be searched for', () => {
    const values = Array.from({ length: 2_000 }, (_, at) => `the-same-beginning-${at}`)
    const many = eventOf({ body: Buffer.from(JSON.stringify({ values })) })
    const call = { ...made, event: many }
    expect(
      keptAnswer(answered('values the-same-beginning-7'), call, failures).responseBody,
    ).toBeNull()
  })

  it('never grows beyond the kept size', () => {
    const hook = hookOf({ headers: { 'x-token': 'abc4' } })
    const kept = keptOf('abc4.'.repeat(820).slice(0, 4096), hook) ?? ''
    expect(kept).not.toContain('abc4')
    expect(kept.length).toBeLessThanOrEqual(4096)
  })
})

describe('the message of a failure', () => {
  it('is kept without secrets, whether or not bodies are kept', () => {
    const result: AttemptResult = {
      kind: 'error',
      errorClass: 'protocol',
      message: 'odd status line "HTTP/1.1 500 lavender-harbour-31"',
      status: undefined,
      phases,
    }
    const call = { hook: secretHook, headers, event }
    for (const bodies of ['failures', 'always', 'never'] as const) {
      expect(keptAnswer(result, call, { bodies, egressProxy: undefined })).toEqual({
        responseBody: null,
        errorMessage: `odd status line "HTTP/1.1 500 ${hiddenMark}"`,
      })
    }
  })

  it('a message about a time-out is kept as it is: nothing in it comes from anybody else', () => {
    const message = 'no response within 10000 ms'
    const result = {
      kind: 'error',
      errorClass: 'timeout',
      message,
      status: undefined,
      phases,
    } as const
    const hook = hookOf({ headers: { 'x-api-token': 'no response within' } })
    const kept = keptAnswer(result, { hook, headers: sentBy(hook), event }, failures)
    expect(kept).toEqual({ responseBody: null, errorMessage: message })
  })

  it('of an aborted call is none', () => {
    const call = { hook: secretHook, headers, event }
    const kept = keptAnswer({ kind: 'aborted', phases }, call, failures)
    expect(kept).toEqual({ responseBody: null, errorMessage: null })
  })
})
