/** Combines the settings of TLS and login for Kafka, and checks that they are complete. */
import type { SecuritySettings } from '../edge/kafka/security.ts'

export interface SecurityRead {
  readonly ssl: boolean | undefined
  readonly sslCa: string | undefined
  readonly sslCert: string | undefined
  readonly sslKey: string | undefined
  readonly sslKeyPassphrase: string | undefined
  readonly saslMechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined
  readonly saslUsername: string | undefined
  readonly saslPassword: string | undefined
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

/** One sentence for each combination of settings that contradicts itself or is incomplete. */
export function securityFaults(read: SecurityRead): readonly string[] {
  const files = given(read, fileVariables)
  const login = given(read, loginVariables)
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
  const missing = Object.values(loginVariables).filter((name) => !login.includes(name))
  if (login.length > 0 && missing.length > 0) {
    faults.push(
      `${missing.join(', ')} must be set too: a login needs all of ${Object.values(loginVariables).join(', ')}`,
    )
  }
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
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = read
  const hasTls = read.ssl ?? given(read, fileVariables).length > 0
  const hasLogin = mechanism !== undefined && username !== undefined && password !== undefined
  return {
    tls: hasTls
      ? {
          caFile: sslCa,
          certFile: sslCert,
          keyFile: sslKey,
          keyPassphrase: sslKeyPassphrase,
        }
      : undefined,
    sasl: hasLogin ? { mechanism, username, password } : undefined,
  }
}

/** A warning if the password would cross the network in plain text; else `undefined`. */
export function securityWarning({ tls, sasl }: SecuritySettings): string | undefined {
  if (tls !== undefined || sasl?.mechanism !== 'plain') return undefined
  return 'KAFKA_SASL_MECHANISM is plain and KAFKA_SSL is off: the password crosses the network in plain text. Use TLS, or SCRAM.'
}
