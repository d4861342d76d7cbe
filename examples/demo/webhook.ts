/** A signed webhook as Logto sends it: compact JSON, with the id of Logto's webhook at its end. */
import { createHmac } from 'node:crypto'

/** The id of the webhook in Logto. Receivers of hooktide never see it. */
const logtosHookId = 'w2f8p6u0c9ydj3ms7ealr'

export interface LogtoWebhook {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export function logtoWebhook(payload: object, signingKey: string): LogtoWebhook {
  const body = JSON.stringify({ ...payload, hookId: logtosHookId })
  const signature = createHmac('sha256', signingKey).update(body).digest('hex')
  return {
    body,
    headers: {
      'user-agent': 'Logto (https://logto.io/)',
      'content-type': 'application/json',
      'logto-signature-sha-256': signature,
    },
  }
}
