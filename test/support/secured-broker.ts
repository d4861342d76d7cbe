/** A broker of the tests that requires authentication, and allows only what ACLs grant. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedKafka, freePort, startEmbeddedKafka } from '../../examples/sandbox/sandbox.ts'
import * as pem from './kafka-certificates.ts'

export interface SecuredBroker {
  readonly kafka: EmbeddedKafka
  /** Plaintext. Its only user may do everything. */
  readonly open: string
  /** TLS; PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly sasl: string
  /** TLS; SCRAM-SHA-512 alone. */
  readonly scramOnly: string
  /** TLS with client certificates. */
  readonly mutual: string
  /** Plain; SASL PLAIN. */
  readonly plainSasl: string
  /** Paths of the certificates and keys. */
  readonly files: Readonly<Record<FileName, string>>
  stop(): Promise<void>
}

const files = {
  authority: pem.authority,
  serverCertificate: pem.serverCertificate,
  clientCertificate: pem.clientCertificate,
  clientKey: pem.clientKey,
  lockedClientKey: pem.lockedClientKey,
  serverStore: pem.serverKey + pem.serverCertificate,
} as const
type FileName = keyof typeof files

const loginModule = 'org.apache.kafka.common.security'
const mechanisms = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512'

/** Every user's password is `<user>-secret`. */
export function passwordOf(user: string): string {
  return `${user}-secret`
}

/** The environment variables that log the command line in as `username`. */
export function loginVariables(
  broker: Pick<SecuredBroker, 'sasl' | 'files'>,
  username: string,
): Record<string, string> {
  return {
    KAFKA_BROKERS: broker.sasl,
    KAFKA_SSL_CA: broker.files.authority,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: passwordOf(username),
  }
}

export async function startSecuredBroker(users: readonly string[]): Promise<SecuredBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-certificates-'))
  const entries = Object.entries(files).map(
    ([name, text]) => [name, join(folder, name), text] as const,
  )
  for (const [, path, text] of entries) await writeFile(path, text)
  const paths = Object.fromEntries(entries.map(([name, path]) => [name, path])) as Record<
    FileName,
    string
  >
  const ports: Record<string, number> = {}
  for (const name of ['OPEN', 'SASL', 'SCRAM', 'MUTUAL', 'CLEAR', 'CONTROLLER']) {
    ports[name] = await freePort()
  }
  const address = (name: string) => `localhost:${ports[name]}`
  const names = Object.keys(ports)
  const plainUsers = users.map((user) => `user_${user}="${passwordOf(user)}"`).join(' ')
  const plainLogin = `${loginModule}.plain.PlainLoginModule required ${plainUsers};`
  const scramLogin = `${loginModule}.scram.ScramLoginModule required;`
  const kafka = await startEmbeddedKafka({
    formatArguments: users.flatMap((user) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=${user},password=${passwordOf(user)}]`,
      ]),
    ),
    overrides: {
      listeners: names.map((name) => `${name}://127.0.0.1:${ports[name]}`).join(','),
      'advertised.listeners': names
        .filter((name) => name !== 'CONTROLLER')
        .map((name) => `${name}://${address(name)}`)
        .join(','),
      'listener.security.protocol.map':
        'OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,SCRAM:SASL_SSL,MUTUAL:SSL,CLEAR:SASL_PLAINTEXT',
      'inter.broker.listener.name': 'OPEN',
      'controller.quorum.voters': `1@127.0.0.1:${ports['CONTROLLER']}`,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': paths.serverStore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': paths.authority,
      'listener.name.mutual.ssl.client.auth': 'required',
      'listener.name.sasl.sasl.enabled.mechanisms': mechanisms,
      'listener.name.scram.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.clear.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': plainLogin,
      'listener.name.clear.plain.sasl.jaas.config': plainLogin,
      'listener.name.sasl.scram-sha-256.sasl.jaas.config': scramLogin,
      'listener.name.sasl.scram-sha-512.sasl.jaas.config': scramLogin,
      'listener.name.scram.scram-sha-512.sasl.jaas.config': scramLogin,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'false',
      'super.users': 'User:ANONYMOUS',
    },
  })
  return {
    kafka,
    open: address('OPEN'),
    sasl: address('SASL'),
    scramOnly: address('SCRAM'),
    mutual: address('MUTUAL'),
    plainSasl: address('CLEAR'),
    files: paths,
    async stop() {
      await kafka.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
