/**
 * The request to a token endpoint, and its answer, for the client credentials grant (RFC 6749 section 4.4). The endpoint may
 * be hostile, so messages quote nothing of the answer but its error code.
 */
import type { ClientCredentials, MonotonicMs } from '../model/model.ts'
import { isJsonObject, parseJson, type JsonObject } from '../text/json.ts'

export interface TokenRequest {
  readonly headers: Readonly<Record<string, string>>
  /** `application/x-www-form-urlencoded`. */
  readonly body: string
}

/** An access token of type `Bearer`. Its times are of the monotonic clock. */
export interface Token {
  readonly value: string
  readonly askedAt: MonotonicMs
  /** When to fetch the next one. */
  readonly renewAt: MonotonicMs
  /** When it expires. */
  readonly expiresAt: MonotonicMs
}

export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: Token }
  /** The endpoint refused the client. `error` is its code, such as `invalid_client`, or `status` and the status. */
  | { readonly kind: 'refused'; readonly error: string }
  /** Anything else. `message` completes "the token endpoint …". */
  | { readonly kind: 'unusable'; readonly message: string }

type SecretCredentials = Pick<ClientCredentials, 'clientSecret' | 'parameters'>

/** Longer answers are not read. Tokens have a few kilobytes at most. */
export const maxTokenAnswerBytes = 64 * 1024

/** Kafka and usual HTTP servers refuse longer ones anyway. */
const maxTokenLength = 32 * 1024

/** `b64token` of RFC 6750 section 2.1. Without control characters a token cannot end a header or a SASL message. */
const tokenForm = /^[\w\-.~+/]+=*$/

/** The lifetime if the answer has none: `expires_in` is optional (RFC 6749 section 5.1). */
const assumedLifeMs = 5 * 60_000
const dayMs = 24 * 60 * 60_000
/** After this part of its lifetime a token is renewed, as by Kafka's own clients (`sasl.login.refresh.window.factor`). */
const renewedAfter = 0.8

/** Parameters that are set from other fields. */
export const ownTokenParameters: ReadonlySet<string> = new Set([
  'grant_type',
  'client_id',
  'client_secret',
  'scope',
])

export function tokenRequest(credentials: ClientCredentials): TokenRequest {
  const { clientId, clientSecret, scope, parameters, authMethod } = credentials
  const isPosted = authMethod === 'client_secret_post'
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...parameters,
    ...(isPosted ? { client_id: clientId, client_secret: clientSecret } : {}),
  })
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    ...(isPosted ? {} : { authorization: basicLogin(clientId, clientSecret) }),
  }
  return { headers, body: form.toString() }
}

/** Id and secret are form-encoded before base64 (RFC 6749 section 2.3.1). */
function basicLogin(clientId: string, clientSecret: string): string {
  const text = [clientId, clientSecret].map(formEncoded).join(':')
  return `Basic ${Buffer.from(text).toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

/**
 * @param askedAt when the request began. Lifetimes are counted from then, so that none is too long
 * @param credentials of the request. An error code that repeats a secret of them is not passed on
 */
export function readTokenAnswer(
  { status, text }: { readonly status: number; readonly text: string },
  askedAt: MonotonicMs,
  credentials: SecretCredentials,
): TokenAnswer {
  const content = parseJson(text)
  const isRead = isJsonObject(content)
  if (status === 200) {
    return isRead ? readToken(content, askedAt) : unusable('answers what is no JSON object')
  }
  const error = isRead ? content['error'] : undefined
  if (status >= 400 && status < 500 && isErrorCode(error) && !hasSecret(error, credentials)) {
    return { kind: 'refused', error }
  }
  if (status === 401 || status === 403) return { kind: 'refused', error: `status ${status}` }
  return unusable(`answers with status ${status}`)
}

function readToken(content: JsonObject, askedAt: MonotonicMs): TokenAnswer {
  const { access_token: value, token_type: type } = content
  if (typeof value !== 'string') return unusable('answers without an access_token')
  if (value.length > maxTokenLength || !tokenForm.test(value)) {
    return unusable('gives a token that is too long, or has characters that no token has')
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    return unusable('gives a token that is not of the type Bearer')
  }
  const lifeMs = lifeOf(content, value)
  const [renewAt, expiresAt] = [askedAt + lifeMs * renewedAfter, askedAt + lifeMs]
  return { kind: 'token', token: { value, askedAt, renewAt, expiresAt } }
}

/** At least a second and at most a day, whatever the endpoint says. */
function lifeOf({ expires_in: seconds }: JsonObject, value: string): number {
  const { exp, iat } = claimsOf(value)
  const isGiven = typeof seconds === 'number' || typeof seconds === 'string'
  const fromClaims = typeof exp === 'number' && typeof iat === 'number' ? exp - iat : Number.NaN
  const known = [isGiven ? Number(seconds) : Number.NaN, fromClaims].find((life) => life > 0)
  // Below a second, each call would need a token of its own.
  return known === undefined ? assumedLifeMs : Math.min(Math.max(known * 1_000, 1_000), dayMs)
}

/** The claims of a JSON Web Token, not verified. Empty for any other token. */
export function claimsOf(token: string): JsonObject {
  const [, payload = ''] = token.split('.')
  const claims = parseJson(Buffer.from(payload, 'base64url'))
  return isJsonObject(claims) ? claims : {}
}

/** Codes of RFC 6749 section 5.2, and the ones that providers add, have this form. */
function isErrorCode(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z_]{0,59}$/.test(value)
}

/** A shorter secret may be a part of any code. */
const leastPart = 6

function hasSecret(text: string, { clientSecret, parameters }: SecretCredentials): boolean {
  return [clientSecret, ...Object.values(parameters)].some(
    (secret) => text === secret || (secret.length >= leastPart && text.includes(secret)),
  )
}

function unusable(message: string): TokenAnswer {
  return { kind: 'unusable', message }
}
