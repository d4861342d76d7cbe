/**
 * The login by SASL OAUTHBEARER (RFC 7628, KIP-255) with a token that is got by client credentials, as KIP-768 has it for
 * Kafka's own clients. All connections of this process share one token, and one request for it.
 *
 * KafkaJS has this mechanism, and takes a refused token for an accepted one: a broker that refuses answers without an
 * error, with the reason as JSON, and sends the error only when the client has answered that with one byte. So the
 * exchange is made here, and KafkaJS carries it.
 */
import { X509Certificate } from 'node:crypto'
import type { AuthenticationProviderArgs } from 'kafkajs'
import { asError } from '../../core/model/errors.ts'
import { claimsOf, type Token } from '../../core/oauth/token-request.ts'
import { isJsonObject, parseJson } from '../../core/text/json.ts'
import { readSettingFile } from '../bounded-file.ts'
import { askTokenEndpoint } from '../oauth/token-endpoint.ts'
import { TokenSource } from '../oauth/token-source.ts'
import type { KafkaLog } from './client.ts'
import { FailureLog } from './failure-log.ts'

export interface TokenLogin {
  readonly mechanism: 'oauthbearer'
  readonly tokenEndpoint: string
  /** PEM file with the CAs of the token endpoint; without it those that Node trusts. */
  readonly caFile: string | undefined
  readonly clientId: string
  /** The secret, or the file that holds it, which is read anew for each token. */
  readonly clientSecret: { readonly text: string } | { readonly file: string }
  readonly scope: string | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/** Somebody has to change a setting, the client or the broker. The message says it in whole sentences. */
export class LoginRefused extends Error {
  /** As errors of KafkaJS say it: trying again cannot help. */
  readonly retriable = false
  override readonly name = 'LoginRefused'
}

/** No token can be had at present. */
class TokenUnavailable extends Error {
  readonly retriable = true
  override readonly name = 'TokenUnavailable'
}

/** How long a failed request for a token counts for all connections. */
const failureMs = 1_000
/** RFC 7628 section 3.2.3: what answers a reason, and asks for the error. */
const acknowledgement = Buffer.from('\u0001')

type OnFailure = (error: LoginRefused | TokenUnavailable) => void

const sources = new WeakMap<TokenLogin, TokenSource>()

/** @param log of the first client that logs in so: it is told of tokens that cannot be had */
function sourceOf(login: TokenLogin, log: KafkaLog): TokenSource {
  const known = sources.get(login)
  if (known !== undefined) return known
  const failures = new FailureLog(log)
  const what = 'the request for a token to log in to Kafka'
  const source = new TokenSource({
    now: () => performance.now(),
    failureMs,
    async fetch() {
      try {
        const token = await fetchToken(login)
        failures.succeeded(what)
        return token
      } catch (error) {
        failures.failed(what, asError(error).message)
        throw error
      }
    },
  })
  sources.set(login, source)
  return source
}

/** KafkaJS's `authenticationProvider`. @param onFailure told why a connection does not come about */
export function tokenAuthenticator(
  login: TokenLogin,
  log: KafkaLog,
  onFailure: OnFailure,
): (connection: AuthenticationProviderArgs) => { authenticate(): Promise<void> } {
  const source = sourceOf(login, log)
  return (connection) => ({
    async authenticate() {
      try {
        const token = await source.current()
        const reason = await showToken(token, connection)
        if (reason === undefined) return
        source.drop(token)
        throw new LoginRefused(refusalOf(login, connection, reason))
      } catch (error) {
        if (error instanceof LoginRefused || error instanceof TokenUnavailable) onFailure(error)
        throw error
      }
    },
  })
}

/** Whom Kafka sees: the subject of the newest token, as far as that can be read, else the client. */
export function subjectOf(login: TokenLogin): string {
  const { sub } = claimsOf(sources.get(login)?.newest?.value ?? '')
  return typeof sub === 'string' && /^[\w.@:|+-]{1,200}$/.test(sub) ? sub : login.clientId
}

// --- the exchange with the broker --------------------------------------------------------------------

/** @returns why the broker refuses the token; `undefined` when it takes it */
async function showToken(
  token: Token,
  { saslAuthenticate }: AuthenticationProviderArgs,
): Promise<string | undefined> {
  const message = Buffer.from(`n,,\u0001auth=Bearer ${token.value}\u0001\u0001`)
  const answer = await saslAuthenticate({
    request: { encode: () => sized(message) },
    response: { decode: (bytes) => bytes, parse: (bytes) => bytes.subarray(4) },
  }).catch(asRefusal)
  if (typeof answer === 'string') return answer
  if (!Buffer.isBuffer(answer) || answer.length === 0) return undefined
  // Before its error a broker reads no other request on this connection.
  await saslAuthenticate({ request: { encode: () => sized(acknowledgement) } }).catch(
    () => undefined,
  )
  const content = parseJson(answer)
  const status = isJsonObject(content) ? content['status'] : undefined
  return typeof status === 'string' && /^[\w-]{1,60}$/.test(status) ? status : 'no reason given'
}

/** Such as a token of another subject, where a connection logs in again. */
function asRefusal(error: unknown): string {
  const type: unknown = error instanceof Error && 'type' in error ? error.type : undefined
  if (type === 'SASL_AUTHENTICATION_FAILED') return type
  throw error
}

/** As KafkaJS takes bytes: behind their length. */
function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function refusalOf(
  { clientId }: TokenLogin,
  { host, port }: AuthenticationProviderArgs,
  reason: string,
): string {
  return (
    `Kafka at ${host}:${port} refused the token of client "${clientId}" (${reason}): check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT, ` +
    'KAFKA_SASL_OAUTHBEARER_SCOPE and KAFKA_SASL_OAUTHBEARER_PARAMETERS, and the issuer, audience and keys that the broker expects.'
  )
}

// --- the request for a token -------------------------------------------------------------------------

async function fetchToken(login: TokenLogin): Promise<Token> {
  const { tokenEndpoint: tokenUrl, clientId, scope, parameters } = login
  const clientSecret = secretOf(login)
  const ca = authoritiesOf(login)
  const authMethod = 'client_secret_basic'
  const credentials = { tokenUrl, clientId, clientSecret, scope, parameters, authMethod } as const
  const where = `The token endpoint at ${shownUrl(tokenUrl)}`
  const answer = await askTokenEndpoint(credentials, ca).catch((error: unknown) => {
    throw unreached(where, asError(error))
  })
  if (answer.kind === 'token') return answer.token
  if (answer.kind === 'refused') throw refused(where, login, answer.error)
  throw new TokenUnavailable(
    `${where} ${answer.message}: check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT, and how it is.`,
  )
}

const untrusted = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED)/

function unreached(where: string, error: Error): Error {
  const { code = '' }: NodeJS.ErrnoException = error
  if (untrusted.test(code)) {
    return new LoginRefused(
      `${where} shows a certificate that no trusted CA has signed (${code}): name a file with its CA in KAFKA_SASL_OAUTHBEARER_CA.`,
    )
  }
  const isLate = error.name === 'TimeoutError' || code.endsWith('_TIMEOUT')
  const reason = isLate ? 'no answer within 5 s' : /^[A-Z\d_]+$/.test(code) ? code : error.message
  return new TokenUnavailable(
    `${where} cannot be reached (${reason}): check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT, and that it runs.`,
  )
}

function refused(where: string, { clientId }: TokenLogin, error: string): Error {
  const settings =
    error === 'invalid_scope' || error === 'invalid_target'
      ? 'KAFKA_SASL_OAUTHBEARER_SCOPE and KAFKA_SASL_OAUTHBEARER_PARAMETERS'
      : 'KAFKA_SASL_OAUTHBEARER_CLIENT_ID and its secret, and that the client may use client credentials'
  return new LoginRefused(
    `${where} gives client "${clientId}" no token (${error}): check ${settings}.`,
  )
}

/** Without its query, which may have a key. */
function shownUrl(text: string): string {
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

/** A line feed at the end of the file belongs to the editor that wrote it. */
function secretOf({ clientSecret }: TokenLogin): string {
  if ('text' in clientSecret) return clientSecret.text
  const text = fileText(clientSecret.file, 'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE').trim()
  if (text !== '') return text
  throw new LoginRefused(
    `KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: ${clientSecret.file} is empty: write the client's secret into it.`,
  )
}

function fileText(path: string, variable: string): string {
  try {
    return readSettingFile(path)
  } catch (error) {
    const { code, message }: NodeJS.ErrnoException = asError(error)
    throw new LoginRefused(`${variable}: ${path} cannot be read (${code ?? message}).`)
  }
}

function authoritiesOf({ caFile }: TokenLogin): string | undefined {
  if (caFile === undefined) return undefined
  const text = fileText(caFile, 'KAFKA_SASL_OAUTHBEARER_CA')
  try {
    // Node passes over a CA file without a certificate in silence.
    void new X509Certificate(text)
  } catch {
    throw new LoginRefused(`KAFKA_SASL_OAUTHBEARER_CA: ${caFile} holds no certificate in PEM.`)
  }
  return text
}

/** @throws {LoginRefused} when a file of this login cannot be read or used */
export function checkLoginFiles(login: TokenLogin): void {
  authoritiesOf(login)
  secretOf(login)
}
