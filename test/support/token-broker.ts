/** A broker for tests that accepts logins with tokens of an identity provider, and grants rights by their subject. */
import { type EmbeddedKafka, freePort, startEmbeddedKafka } from '../../examples/sandbox/sandbox.ts'
import type { IdentityProvider } from './identity-provider.ts'

export interface TokenBroker {
  readonly kafka: EmbeddedKafka
  /** Plaintext. Its only user may do everything. */
  readonly open: string
  /** SASL OAUTHBEARER; a login lasts as long as its connection. */
  readonly token: string
  /** The same; a login lasts for two seconds. */
  readonly brief: string
  stop(): Promise<void>
}

const bearer = 'org.apache.kafka.common.security.oauthbearer'

export async function startTokenBroker(provider: IdentityProvider): Promise<TokenBroker> {
  const ports: Record<string, number> = {}
  for (const name of ['OPEN', 'TOKEN', 'BRIEF', 'CONTROLLER']) ports[name] = await freePort()
  const names = Object.keys(ports)
  const address = (name: string) => `127.0.0.1:${ports[name]}`
  const tokenSettings = ['token', 'brief'].map((name) => ({
    [`listener.name.${name}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
    [`listener.name.${name}.oauthbearer.sasl.server.callback.handler.class`]: `${bearer}.OAuthBearerValidatorCallbackHandler`,
    [`listener.name.${name}.oauthbearer.sasl.jaas.config`]: `${bearer}.OAuthBearerLoginModule required;`,
  }))
  const kafka = await startEmbeddedKafka({
    javaFlags: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${provider.jwksUrl}`],
    overrides: {
      ...Object.assign({}, ...tokenSettings),
      listeners: names.map((name) => `${name}://${address(name)}`).join(','),
      'advertised.listeners': names
        .filter((name) => name !== 'CONTROLLER')
        .map((name) => `${name}://${address(name)}`)
        .join(','),
      'listener.security.protocol.map':
        'OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT,TOKEN:SASL_PLAINTEXT,BRIEF:SASL_PLAINTEXT',
      'inter.broker.listener.name': 'OPEN',
      'controller.quorum.voters': `1@${address('CONTROLLER')}`,
      'listener.name.brief.oauthbearer.connections.max.reauth.ms': '2000',
      'sasl.oauthbearer.jwks.endpoint.url': provider.jwksUrl,
      'sasl.oauthbearer.expected.issuer': provider.issuer,
      'sasl.oauthbearer.expected.audience': 'kafka',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'false',
      'super.users': 'User:ANONYMOUS',
    },
  })
  return {
    kafka,
    open: address('OPEN'),
    token: address('TOKEN'),
    brief: address('BRIEF'),
    stop: () => kafka.stop(),
  }
}
