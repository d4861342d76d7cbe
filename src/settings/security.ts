/** Combines the settings of TLS and login for Kafka, and checks that they are complete. */
import type { SaslSettings, SecuritySettings } from '../edge/kafka/security.ts'

export interface SecurityRead {
  readonly ssl: boolean | undefined
  readonly sslCa: string | undefined
  readonly sslCert: string | undefined
  readonly sslKey: string | undefined
  readonly sslKeyPassphrase: string | undefined
  readonly saslMechanism: SaslSettings['mechanism'] | undefined
  readonly saslUsername: string | undefined
  readonly saslPassword: string | undefined
  readonly oauthTokenEndpoint: string | undefined
  readonly oauthCa: string | undefined
  readonly oauthClientId: string | undefined
  readonly oauthClientSecret: string | undefined
  readonly oauthClientSecretFile: string | undefined
  readonly oauthScope: string | undefined
  readonly oauthParameters: Readonly<Record<string, string>> | undefined
}

const fileVariables = {
  sslCa: 'KAFKA_SSL_CA',
  sslCert: 'KAFKA_SSL_CERT',
  sslKey: 'KAFKA_SSL_KEY',
} as const
const loginVariables = {
  saslMechanism: 'KAFKA_SASL_MECHANISM',
  saslUsername: 'KAFKA_SASL_USERNAME',
  saslPassword: 'KAFKA_SASL_PASSWORD',
} as const
const tokenVariables = {
  oauthTokenEndpoint: 'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT',
  oauthClientId: 'KAFKA_SASL_OAUTHBEARER_CLIENT_ID',
} as const
const secretVariables = {
  oauthClientSecret: 'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET',
  oauthClientSecretFile: 'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE',
} as const
const furtherTokenVariables = {
  oauthCa: 'KAFKA_SASL_OAUTHBEARER_CA',
  oauthScope: 'KAFKA_SASL_OAUTHBEARER_SCOPE',
  oauthParameters: 'KAFKA_SASL_OAUTHBEARER_PARAMETERS',
} as const

/** One sentence for each combination of settings that contradicts itself or is incomplete. */
export function securityFaults(read: SecurityRead): readonly string[] {
  const files = given(read, fileVariables)
  const faults: string[] = []
  if (read.ssl === false && files.length > 0) {
    faults.push(`KAFKA_SSL is false, but ${files.join(', ')} is set: remove one of them`)
  }
  if (read.sslCert !== undefined && read.sslKey === undefined) {
    faults.push('KAFKA_SSL_KEY must be set too: KAFKA_SSL_CERT cannot be used without its key')
  }
  if (read.sslKey !== undefined && read.sslCert === undefined) {
    faults.push('KAFKA_SSL_CERT must be set too: KAFKA_SSL_KEY belongs to a certificate')
  }
  if (read.sslKeyPassphrase !== undefined && read.sslKey === undefined) {
    faults.push('KAFKA_SSL_KEY must be set too: KAFKA_SSL_KEY_PASSPHRASE has no effect without it')
  }
  const ofLogin = read.saslMechanism === 'oauthbearer' ? tokenFaults(read) : passwordFaults(read)
  return [...faults, ...ofLogin]
}

function passwordFaults(read: SecurityRead): readonly string[] {
  const login = given(read, loginVariables)
  const missing = Object.values(loginVariables).filter((name) => !login.includes(name))
  const foreign = given(read, { ...tokenVariables, ...secretVariables, ...furtherTokenVariables })
  if (foreign.length > 0) {
    return [
      `KAFKA_SASL_MECHANISM must be oauthbearer where ${foreign.join(', ')} is set: remove it, or set the mechanism`,
    ]
  }
  if (login.length === 0 || missing.length === 0) return []
  return [
    `${missing.join(', ')} must be set too: a login needs all of ${Object.values(loginVariables).join(', ')}`,
  ]
}

function tokenFaults(read: SecurityRead): readonly string[] {
  const { saslUsername, saslPassword } = loginVariables
  const foreign = given(read, { saslUsername, saslPassword })
  // One that cannot be read has its own fault, and is not there.
  const missing = (Object.keys(tokenVariables) as (keyof typeof tokenVariables)[])
    .filter((name) => name in read && read[name] === undefined)
    .map((name) => tokenVariables[name])
  const secrets = given(read, secretVariables)
  const faults: string[] = []
  if (foreign.length > 0) {
    faults.push(`${foreign.join(' and ')} must not be set: a login by oauthbearer has none`)
  }
  if (missing.length > 0) {
    faults.push(`${missing.join(', ')} must be set too: KAFKA_SASL_MECHANISM is oauthbearer`)
  }
  if (secrets.length === 0) {
    faults.push(
      `${Object.values(secretVariables).join(' or ')} must be set too: the client needs its secret`,
    )
  }
  if (secrets.length > 1) faults.push(`${secrets.join(' and ')} are both set: remove one of them`)
  return faults
}

function given(
  read: SecurityRead,
  variables: Readonly<Partial<Record<keyof SecurityRead, string>>>,
): readonly string[] {
  return (Object.entries(variables) as [keyof SecurityRead, string][])
    .filter(([name]) => read[name] !== undefined)
    .map(([, variable]) => variable)
}

/** @param read settings without {@link securityFaults} */
export function securityOf(read: SecurityRead): SecuritySettings {
  const { sslCa, sslCert, sslKey, sslKeyPassphrase } = read
  const hasTls = read.ssl ?? given(read, fileVariables).length > 0
  return {
    tls: hasTls
      ? {
          caFile: sslCa,
          certFile: sslCert,
          keyFile: sslKey,
          keyPassphrase: sslKeyPassphrase,
        }
      : undefined,
    sasl: loginOf(read),
  }
}

function loginOf(read: SecurityRead): SaslSettings | undefined {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = read
  if (mechanism !== 'oauthbearer') {
    const isWhole = mechanism !== undefined && username !== undefined && password !== undefined
    return isWhole ? { mechanism, username, password } : undefined
  }
  const { oauthTokenEndpoint: tokenEndpoint, oauthClientId: clientId } = read
  const { oauthClientSecret: text, oauthClientSecretFile: file = '' } = read
  if (tokenEndpoint === undefined || clientId === undefined) return undefined
  return {
    mechanism,
    tokenEndpoint,
    caFile: read.oauthCa,
    clientId,
    clientSecret: text === undefined ? { file } : { text },
    scope: read.oauthScope,
    parameters: read.oauthParameters ?? {},
  }
}

/** A warning if the password would cross the network in plain text; else `undefined`. */
export function securityWarning({ tls, sasl }: SecuritySettings): string | undefined {
  if (tls !== undefined) return undefined
  if (sasl?.mechanism === 'oauthbearer') {
    return 'KAFKA_SASL_MECHANISM is oauthbearer and KAFKA_SSL is off: tokens cross the network in plain text. Use TLS.'
  }
  if (sasl?.mechanism !== 'plain') return undefined
  return 'KAFKA_SASL_MECHANISM is plain and KAFKA_SSL is off: the password crosses the network in plain text. Use TLS, or SCRAM.'
}
