/** Webhooks as Logto sends them: the payload with `hookId` as its last member, signed with Node's own HMAC. */
import { createHmac } from 'node:crypto'

export const logtoKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
export const logtoHookId = 'w2f8p6u0c9ydj3ms7ealr'

export interface LogtoWebhook {
  /** The payload without `hookId`. */
  readonly event: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export function signatureOf(body: string | Buffer, key = logtoKey): string {
  return createHmac('sha256', key).update(body).digest('hex')
}

export function logtoHeaders(body: string | Buffer, key = logtoKey): Record<string, string> {
  return {
    'user-agent': 'Logto (https://logto.io/)',
    'content-type': 'application/json',
    'logto-signature-sha-256': signatureOf(body, key),
  }
}

export function logtoWebhook(
  fields: Readonly<Record<string, unknown>> = {},
  { hookId = logtoHookId, key = logtoKey } = {},
): LogtoWebhook {
  const payload = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', ...fields }
  const body = JSON.stringify({ ...payload, hookId })
  return { event: JSON.stringify(payload), body, headers: logtoHeaders(body, key) }
}
