/**
 * The login by SASL OAUTHBEARER (RFC 7628, KIP-255) with a token from the client credentials grant (KIP-768). All connections
 * of a process share one token and one request for it.
 *
 * KafkaJS has this mechanism, but it treats a refused token as accepted. A broker that refuses a token first answers without
 * an error, with the reason as JSON. It sends the error only after the client has answered with one byte. So this file makes
 * the exchange itself, as an `authenticationProvider` of KafkaJS.
 */
import { X509Certificate } from 'node:crypto'
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
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
  /** PEM file with the CAs of the token endpoint. `undefined`: the CAs that Node trusts. */
  readonly caFile: string | undefined
  readonly clientId: string
  /** The secret, or a file that holds it. The file is read again for each token. */
  readonly clientSecret: { readonly text: string } | { readonly file: string }
  readonly scope: string | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/** A person has to change a setting, the client or the broker. The message says what. */
export class LoginRefused extends Error {
  /** KafkaJS reads this: trying again cannot help. */
  readonly retriable = false
  override readonly name = 'LoginRefused'
}

/** The token endpoint gives no token at present. */
class TokenUnavailable extends Error {
  readonly retriable = true
  override readonly name = 'TokenUnavailable'
}

/** How long after a failed request no connection begins another one. */
const failureMs = 1_000
/**
 * A session ends with its token, and a connection may log in again at most once per second. So a token must be valid for more
 * than a second, and for one second more, because JSON Web Tokens expire at whole seconds.
 */
const leastLeftMs = 3_000
/** The client's answer to the reason of a refusal (RFC 7628 section 3.2.3). */
const acknowledgement = Buffer.from('\u0001')

type OnFailure = (error: LoginRefused | TokenUnavailable) => void

const sources = new WeakMap<TokenLogin, TokenSource>()

/** @param log logs failed requests. The log of the first client is used for all clients */
function sourceOf(login: TokenLogin, log: KafkaLog): TokenSource {
  const known = sources.get(login)
  if (known !== undefined) return known
  const failures = new FailureLog(log)
  const what = 'the request for a token to log in to Kafka'
  const source = new TokenSource({
    now: () => performance.now(),
    failureMs,
    leastLeftMs,
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

/**
 * What KafkaJS needs for this login. `prepare` gets a token; patches.ts calls it before each login.
 *
 * @param onFailure called with the reason of each failed login
 */
export function tokenAuthenticator(
  login: TokenLogin,
  log: KafkaLog,
  onFailure: OnFailure,
): Pick<Mechanism, 'authenticationProvider'> & { readonly prepare: () => Promise<unknown> } {
  const source = sourceOf(login, log)
  const telling = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work
    } catch (error) {
      if (error instanceof LoginRefused || error instanceof TokenUnavailable) onFailure(error)
      throw error
    }
  }
  const logIn = async (connection: AuthenticationProviderArgs): Promise<void> => {
    const token = await source.current()
    const reason = await showToken(token, connection)
    if (reason === undefined) return
    source.drop(token)
    throw new LoginRefused(refusalOf(login, connection, reason))
  }
  return {
    prepare: () => telling(source.current()),
    authenticationProvider: (connection) => ({ authenticate: () => telling(logIn(connection)) }),
  }
}

/** The principal's name: the subject of the newest token, or the client id if it cannot be read. */
export function subjectOf(login: TokenLogin): string {
  const { sub } = claimsOf(sources.get(login)?.newest?.value ?? '')
  return typeof sub === 'string' && /^[\w.@:|+-]{1,200}$/.test(sub) ? sub : login.clientId
}

// --- the exchange with the broker --------------------------------------------------------------------

/** @returns why the broker refused the token; `undefined` if it accepted it */
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
  // The broker accepts no other request on this connection before this one.
  await saslAuthenticate({ request: { encode: () => sized(acknowledgement) } }).catch(
    () => undefined,
  )
  const content = parseJson(answer)
  const status = isJsonObject(content) ? content['status'] : undefined
  return typeof status === 'string' && /^[\w-]{1,60}$/.test(status) ? status : 'no reason given'
}

/** For example, a connection logs in again with a token of another subject. */
function asRefusal(error: unknown): string {
  const type: unknown = error instanceof Error && 'type' in error ? error.type : undefined
  if (type === 'SASL_AUTHENTICATION_FAILED') return type
  throw error
}

/** KafkaJS expects the bytes after their length. */
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
    `${where} ${answer.message}: check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT, and its logs.`,
  )
}

const untrusted = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED)/

function unreached(where: string, error: Error): Error {
  const { code = '' }: NodeJS.ErrnoException = error
  if (untrusted.test(code)) {
    return new LoginRefused(
      `${where} has a certificate that no trusted CA has signed (${code}): set KAFKA_SASL_OAUTHBEARER_CA to a file with its CA.`,
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
  return new LoginRefused(`${where} refused client "${clientId}" (${error}): check ${settings}.`)
}

/** Without the query, which may hold a key. */
function shownUrl(text: string): string {
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

/** White space around the secret is removed: editors end files with a line feed. */
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
    // Node silently ignores a CA file without a certificate.
    void new X509Certificate(text)
  } catch {
    throw new LoginRefused(`KAFKA_SASL_OAUTHBEARER_CA: ${caFile} holds no certificate in PEM.`)
  }
  return text
}

/** @throws {LoginRefused} if a file of the login cannot be read or used */
export function checkLoginFiles(login: TokenLogin): void {
  authoritiesOf(login)
  secretOf(login)
}
