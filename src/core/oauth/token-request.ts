/**
 * The request and the answer of a token endpoint for the client credentials grant (RFC 6749 section 4.4), as text. Nothing
 * here quotes what the answer says beyond the name of its error: who answers may be anybody.
 */
import type { ClientCredentials, MonotonicMs } from '../model/model.ts'
import { isJsonObject, parseJson, type JsonObject } from '../text/json.ts'

export interface TokenRequest {
  readonly headers: Readonly<Record<string, string>>
  /** `application/x-www-form-urlencoded`. */
  readonly body: string
}

/** An access token of the type `Bearer`, with times of the clock that never jumps. */
export interface Token {
  readonly value: string
  readonly askedAt: MonotonicMs
  /** From then on the next one is to be fetched. */
  readonly renewAt: MonotonicMs
  /** Nobody takes it from then on. */
  readonly expiresAt: MonotonicMs
}

export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: Token }
  /** The endpoint does not give this client a token. `error` is its code, such as `invalid_client`. */
  | { readonly kind: 'refused'; readonly error: string }
  /** Anything else. `message` completes "the token endpoint …". */
  | { readonly kind: 'unusable'; readonly message: string }

/** Answers that are longer are not read. Tokens are some kilobytes at most. */
export const maxTokenAnswerBytes = 64 * 1024

/** Shorter than what servers of any kind take in a header, or Kafka in a login. */
const maxTokenLength = 32 * 1024

/** What a token can be made of: `b64token` of RFC 6750 section 2.1. Nothing of it can end a header or a SASL message. */
const tokenForm = /^[\w\-.~+/]+=*$/

/** A life that an answer leaves open (RFC 6749 section 4.2.2 lets it). */
const assumedLifeMs = 5 * 60_000
const dayMs = 24 * 60 * 60_000
/** The part of a token's life after which it is renewed, as Kafka's own clients do it. */
const renewedAfter = 0.8

/** Parameters of the grant itself, which have fields of their own. */
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

/** Both parts are form-encoded first (RFC 6749 section 2.3.1). */
function basicLogin(clientId: string, clientSecret: string): string {
  const text = [clientId, clientSecret].map(formEncoded).join(':')
  return `Basic ${Buffer.from(text).toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

/** @param askedAt when the request was begun: a token's life is counted from there, so that it never ends too late */
export function readTokenAnswer(status: number, text: string, askedAt: MonotonicMs): TokenAnswer {
  const content = parseJson(text)
  const isRead = isJsonObject(content)
  if (status === 200) {
    return isRead ? readToken(content, askedAt) : unusable('answers what is no JSON object')
  }
  const error = isRead ? content['error'] : undefined
  if (status >= 400 && status < 500 && isErrorCode(error)) return { kind: 'refused', error }
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

/** A day at most: an endpoint cannot make anybody keep a token for ever. */
function lifeOf({ expires_in: seconds }: JsonObject, value: string): number {
  const { exp, iat } = claimsOf(value)
  const fromClaims = typeof exp === 'number' && typeof iat === 'number' ? exp - iat : Number.NaN
  const known = [Number(seconds ?? Number.NaN), fromClaims].find((life) => life > 0)
  return known === undefined ? assumedLifeMs : Math.min(known * 1_000, dayMs)
}

/** The claims of a JSON Web Token, which are not checked; empty for any other token. */
export function claimsOf(token: string): JsonObject {
  const [, payload = ''] = token.split('.')
  const claims = parseJson(Buffer.from(payload, 'base64url'))
  return isJsonObject(claims) ? claims : {}
}

/** Codes of RFC 6749 section 5.2 and those that others have added look so. */
function isErrorCode(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z_]{0,59}$/.test(value)
}

function unusable(message: string): TokenAnswer {
  return { kind: 'unusable', message }
}
