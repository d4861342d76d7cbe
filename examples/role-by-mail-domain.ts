/**
 * Gives a role to who signs up with an address of your company, by Logto's Management API. Settings: SIGNING_KEY, LOGTO_ENDPOINT
 * (such as https://acme.logto.app), LOGTO_RESOURCE (the indicator of its Management API), LOGTO_APP_ID and LOGTO_APP_SECRET (of
 * a machine-to-machine application that may use it), ROLE_ID and MAIL_DOMAIN.
 *
 * An address counts only once Logto has verified it, as in a sign-up by mail. The role is in the next access token: one
 * that was issued before keeps its scopes until it expires.
 */
import { receive, type Payload } from './receiving.ts'

const { LOGTO_ENDPOINT, LOGTO_RESOURCE, LOGTO_APP_ID, LOGTO_APP_SECRET, ROLE_ID, MAIL_DOMAIN } =
  process.env

async function onRegister({ event, user }: Payload): Promise<void> {
  if (event !== 'PostRegister' || !user?.primaryEmail) return
  const [, domain = ''] = user.primaryEmail.toLowerCase().split('@')
  // Compared whole: "evil-acme.example" ends in "acme.example" too.
  if (domain !== MAIL_DOMAIN) return
  const response = await fetch(`${LOGTO_ENDPOINT}/api/users/${user.id}/roles`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await accessToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ roleIds: [ROLE_ID] }),
  })
  // 422: the user has it already, as after a call that was made again.
  if (!response.ok && response.status !== 422) {
    throw new Error(`Logto answered ${response.status} to the role of ${user.id}`)
  }
  console.log(JSON.stringify({ role: ROLE_ID, user: user.id }))
}

let token: { readonly text: string; readonly expiresAt: number } | undefined

/** By client credentials (RFC 6749, section 4.4). Asked for anew a minute before it expires. */
async function accessToken(): Promise<string> {
  if (token !== undefined && Date.now() < token.expiresAt) return token.text
  const credentials = Buffer.from(`${LOGTO_APP_ID}:${LOGTO_APP_SECRET}`).toString('base64')
  const response = await fetch(`${LOGTO_ENDPOINT}/oidc/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: LOGTO_RESOURCE ?? '',
      scope: 'all',
    }),
  })
  if (!response.ok) throw new Error(`Logto answered ${response.status} to the request of a token`)
  const { access_token: text, expires_in: seconds } = (await response.json()) as {
    readonly access_token: string
    readonly expires_in: number
  }
  token = { text, expiresAt: Date.now() + (seconds - 60) * 1_000 }
  return text
}

receive(
  { signingKey: process.env['SIGNING_KEY'] ?? '', port: Number(process.env['PORT'] ?? 8080) },
  onRegister,
)
