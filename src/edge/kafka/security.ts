/**
 * Secures connections to Kafka, and finds out why one was refused. The sockets are created here and not by KafkaJS, because
 * KafkaJS reports every refusal as a broker that is away.
 *
 * Certificates and keys are read again for each connection. So a running process uses renewed files for its next connection.
 * Open connections do not change.
 */
import { X509Certificate } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { ISocketFactory, KafkaConfig, SASLOptions } from 'kafkajs'
import { asError, UserError } from '../../core/model/errors.ts'
import { readSettingFile } from '../bounded-file.ts'
import type { KafkaLog } from './client.ts'
import { checkLoginFiles, LoginRefused, subjectOf, tokenAuthenticator } from './token-login.ts'
import type { TokenLogin } from './token-login.ts'

export interface TlsSettings {
  /** PEM file with the CAs to trust. `undefined`: the CAs that Node trusts. */
  readonly caFile: string | undefined
  /** PEM files of the client's certificate and of its key. Both are set, or none. */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly keyPassphrase: string | undefined
}

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** All clients of a process must have the same object of a `TokenLogin`, because they share its token by identity. */
export type SaslSettings = PasswordLogin | TokenLogin

export interface SecuritySettings {
  readonly tls: TlsSettings | undefined
  readonly sasl: SaslSettings | undefined
}

export const noSecurity: SecuritySettings = { tls: undefined, sasl: undefined }

/** Why a connection failed, and what to do. */
export interface ConnectionFault {
  readonly message: string
  /** An immediate retry cannot help. */
  readonly isCertain: boolean
  /** Set if a later retry may help: an error with KafkaJS's `retriable`. */
  readonly cause?: Error
}

type OnFault = (fault: ConnectionFault) => void

/** Creates a new object for each call, because KafkaJS writes an authenticator for the first credentials into it. */
export function saslOptions(
  { sasl }: SecuritySettings,
  log: KafkaLog,
  onFault: OnFault,
): KafkaConfig['sasl'] {
  if (sasl?.mechanism !== 'oauthbearer') {
    const login: SASLOptions | undefined = sasl && { ...sasl }
    return login
  }
  const onFailure = (error: Error) => {
    const { message } = error
    onFault({
      message,
      isCertain: true,
      ...(error instanceof LoginRefused ? {} : { cause: error }),
    })
  }
  return { mechanism: sasl.mechanism, ...tokenAuthenticator(sasl, log, onFailure) }
}

/** The principal as Kafka's ACLs name it. A broker may map names of certificates to others, and use another claim. */
export function principalOf({ tls, sasl }: SecuritySettings): string {
  if (sasl?.mechanism === 'oauthbearer') return `User:${subjectOf(sasl)}`
  if (sasl !== undefined) return `User:${sasl.username}`
  if (tls?.certFile === undefined) return 'User:ANONYMOUS'
  // Java writes the parts of a name in reverse order.
  const { subject } = new X509Certificate(readSettingFile(tls.certFile))
  return `User:${subject.split('\n').toReversed().join(',')}`
}

/** @throws {UserError} when a file cannot be read or used */
export function checkFiles({ tls, sasl }: SecuritySettings): void {
  if (tls !== undefined) secureContext(tls)
  if (sasl?.mechanism !== 'oauthbearer') return
  try {
    checkLoginFiles(sasl)
  } catch (error) {
    throw unusable(asError(error).message, error)
  }
}

const keepAliveMs = 60_000

export function socketFactory(security: SecuritySettings, onFault: OnFault): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const where = `${host}:${port}`
    const socket =
      security.tls === undefined
        ? connect({ host, port }, onConnect)
        : tlsSocket(security.tls, { host, port, onConnect })
    socket.setKeepAlive(true, keepAliveMs)
    if (security.tls === undefined) watchPlain(socket, where, onFault)
    else watchTls(socket, { where, hasCertificate: security.tls.certFile !== undefined }, onFault)
    if (security.sasl === undefined) watchForLogin(socket, where, onFault)
    return socket
  }
}

function tlsSocket(
  tls: TlsSettings,
  { host, port, onConnect }: Pick<Parameters<ISocketFactory>[0], 'host' | 'port' | 'onConnect'>,
): Socket {
  return connectTls(
    {
      host,
      port,
      // An address cannot be a server name, but it is compared with those in the certificate.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      secureContext: secureContext(tls),
      // Explicit, so that no environment variable can change it.
      rejectUnauthorized: true,
    },
    onConnect,
  )
}

// --- files -------------------------------------------------------------------------------------------

function secureContext({ caFile, certFile, keyFile, keyPassphrase }: TlsSettings): SecureContext {
  const ca = caFile === undefined ? undefined : certificates(caFile, 'KAFKA_SSL_CA')
  const cert = certFile === undefined ? undefined : certificates(certFile, 'KAFKA_SSL_CERT')
  const key = keyFile === undefined ? undefined : fileText(keyFile, 'KAFKA_SSL_KEY')
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(keyPassphrase === undefined ? {} : { passphrase: keyPassphrase }),
    })
  } catch (error) {
    throw unusable(
      `KAFKA_SSL_KEY: the key in ${keyFile} cannot be used with the certificate in ${certFile} (${reasonOf(error)}): ` +
        'name the key of that certificate in PEM, and its passphrase in KAFKA_SSL_KEY_PASSPHRASE if it has one.',
      error,
    )
  }
}

function certificates(path: string, variable: string): string {
  const text = fileText(path, variable)
  try {
    // Node ignores a CA file without a certificate.
    void new X509Certificate(text)
  } catch (error) {
    throw unusable(`${variable}: ${path} holds no certificate in PEM.`, error)
  }
  return text
}

function fileText(path: string, variable: string): string {
  try {
    return readSettingFile(path)
  } catch (error) {
    throw unusable(`${variable}: ${path} cannot be read (${reasonOf(error)}).`, error)
  }
}

function unusable(message: string, cause: unknown): UserError {
  return new UserError(['Settings are not usable:', `  ${message}`], 2, { cause })
}

// --- refusals ----------------------------------------------------------------------------------------

const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
])

function watchTls(
  socket: Socket,
  { where, hasCertificate }: { readonly where: string; readonly hasCertificate: boolean },
  onFault: OnFault,
): void {
  let isSecure = false
  socket.once('secureConnect', () => {
    isSecure = true
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const message = tlsFault(error, where, hasCertificate)
    if (message !== undefined) onFault({ message, isCertain: true })
    else if (!isSecure && error.code === 'ECONNRESET') onFault(noTls(where, false))
  })
}

function tlsFault(
  error: NodeJS.ErrnoException,
  where: string,
  hasCertificate: boolean,
): string | undefined {
  const { code = '' } = error
  if (untrusted.has(code)) {
    return `No trusted CA has signed the certificate of the broker at ${where} (${code}): set KAFKA_SSL_CA to a file with its CA.`
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return `The certificate of the broker at ${where} has expired: have it renewed.`
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return `The certificate of the broker at ${where} is not valid yet: check the clock of this machine.`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The certificate of the broker at ${where} is for ${namesOf(error)}: use one of these names in KAFKA_BROKERS, and in the broker's advertised.listeners.`
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return noTls(where, true).message
  if (/ALERT/.test(code)) {
    const alert = /ALERT_(.*)/.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ') ?? code
    return hasCertificate
      ? `The broker at ${where} refused the TLS connection (${alert}): check that it trusts the CA of the certificate in KAFKA_SSL_CERT.`
      : `The broker at ${where} refused the TLS connection (${alert}): if it needs a client certificate, set KAFKA_SSL_CERT and KAFKA_SSL_KEY.`
  }
  return undefined
}

function namesOf(error: object): string {
  const certificate: unknown = 'cert' in error ? error.cert : undefined
  const names: unknown =
    typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate
      ? certificate.subjectaltname
      : undefined
  return typeof names === 'string' ? names : 'other names'
}

function noTls(where: string, isCertain: boolean): ConnectionFault {
  const seen = isCertain ? 'does not speak TLS' : 'closed the connection within the TLS handshake'
  const message = `The broker at ${where} ${seen}: use its TLS port in KAFKA_BROKERS, or set KAFKA_SSL=false to connect without TLS.`
  return { message, isCertain }
}

/** The first bytes of a TLS alert. An answer of Kafka that begins with these would have 336 MiB. */
const alertStart = Buffer.from([0x15, 0x03])

function watchPlain(socket: Socket, where: string, onFault: OnFault): void {
  socket.once('data', (chunk: Buffer) => {
    if (!chunk.subarray(0, alertStart.length).equals(alertStart)) return
    const message = `The broker at ${where} speaks TLS: set KAFKA_SSL=true, and KAFKA_SSL_CA if you use a CA of your own.`
    onFault({ message, isCertain: true })
  })
}

/** Before a login, Kafka answers the request for its versions, and closes the connection at the next one. */
function watchForLogin(socket: Socket, where: string, onFault: OnFault): void {
  let answers = 0
  const count = () => {
    answers += 1
    if (answers > 1) socket.off('data', count)
  }
  socket.on('data', count)
  socket.once('end', () => {
    if (answers !== 1) return
    const message = `The broker at ${where} closed the connection after its first answer: if it needs a login, set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD. If not, the program on this port is not Kafka.`
    onFault({ message, isCertain: false })
  })
}

function reasonOf(error: unknown): string {
  const { code, message }: NodeJS.ErrnoException = asError(error)
  return code ?? message
}
