/** A hook with many secrets, an event, and the parts of an answer that results keep. */
import { keptAnswer, type KeepingRules } from '../../src/core/run/kept-answer.ts'
import type { AttemptResult, Hook } from '../../src/core/model/model.ts'
import { prepareHook, requestHeaders } from '../../src/core/run/request-headers.ts'
import { standardSecret } from '../../src/core/hook/signature.ts'
import { eventOf, hookOf, runOf } from './model-builders.ts'

export const phases = { connectMs: 1, firstByteMs: 2, totalMs: 3 }

export const payload = {
  event: 'PostSignIn',
  createdAt: '2026-09-14T09:02:11.019Z',
  interactionEvent: 'SignIn',
  userIp: '2001:db8:41::9f',
  user: {
    id: 'k3v9tq2mzx7a',
    name: 'Bo',
    primaryEmail: 'bo+news@ward.example',
    profile: { zoneinfo: 'Zürich "Süd"' },
  },
  application: { name: 'Ward planner', type: 'SPA' },
}
export const event = eventOf({ body: Buffer.from(JSON.stringify(payload)) })

export const secretHook = hookOf({
  url: 'https://bo:p%40ss-word@crm.example/hooks/T0J3?team=7&token=q%2Fr%2Bs3cret%C3%A9&api-key=k9x4',
  headers: {
    Authorization: `Basic ${Buffer.from('crm-user:hunter2-and-more').toString('base64')}`,
    'x-api-token': 'tok_J8s"d\\k2&Lq<9',
    'X-Custom': 'lavender-harbour-31',
    cookie: 'session=Zb81qLm; theme=dark',
    'x-retry': '1',
  },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  previousSigningKeys: [{ key: 'whsec_c2VjcmV0IG9mIGxhc3QgeWVhcg==', expiresAt: 9e15 }],
})

export function sentBy(hook: Hook): Readonly<Record<string, string>> {
  const call = {
    run: runOf({ event }),
    body: event.body,
    now: 1_789_376_531_019,
    userAgent: 'hooktide/test',
    trace: undefined,
  }
  return requestHeaders(prepareHook(hook), call)
}

export const failures: KeepingRules = { bodies: 'failures', egressProxy: undefined }

export function answered(body: string, status = 500): AttemptResult {
  return { kind: 'response', status, retryAfterMs: undefined, body, phases }
}

export function keptOf(body: string, hook: Hook = secretHook, rules = failures): string | null {
  return keptAnswer(answered(body), { hook, headers: sentBy(hook), event }, rules).responseBody
}

export const headers = sentBy(secretHook)
const [newest = '', previous = ''] = (headers['webhook-signature'] ?? '').split(' ')
const digestOf = (signature: string): Buffer => Buffer.from(signature.replace('v1,', ''), 'base64')

export const secrets: readonly (readonly [what: string, secret: string])[] = [
  ['the authorization header', secretHook.headers['Authorization'] ?? ''],
  ['its credentials', Buffer.from('crm-user:hunter2-and-more').toString('base64')],
  ['its credentials, decoded', 'crm-user:hunter2-and-more'],
  ['its password', 'hunter2-and-more'],
  ['another header', secretHook.headers['x-api-token'] ?? ''],
  ['a header that is not named as a secret', 'lavender-harbour-31'],
  ['a cookie', 'Zb81qLm'],
  ['the token of the query', 'q/r+s3cret\u00e9'],
  ['the token of the query, as it stands there', 'q%2Fr%2Bs3cret%C3%A9'],
  ['a short token of the query', 'k9x4'],
  ['the password of the URL', 'p@ss-word'],
  ['the signature', headers['logto-signature-sha-256'] ?? ''],
  [
    'the signature in base64',
    Buffer.from(headers['logto-signature-sha-256'] ?? '', 'hex').toString('base64'),
  ],
  ['the signature of Standard Webhooks', newest],
  ['that of the previous key', previous.replace('v1,', '')],
  ['that one in hex', digestOf(previous).toString('hex')],
  ['that one in the other base64', digestOf(newest).toString('base64url')],
  ['the signing key', secretHook.signingKey],
  ['the signing key for Standard Webhooks', standardSecret(secretHook.signingKey)],
  ['the signing key in hex', Buffer.from(secretHook.signingKey).toString('hex')],
  ['the previous key', 'whsec_c2VjcmV0IG9mIGxhc3QgeWVhcg=='],
  ['the previous key in hex', Buffer.from('secret of last year').toString('hex')],
]
