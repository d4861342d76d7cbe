import { describe, expect, it } from 'vitest'
import { readSettings, shownSettings } from '../../src/settings/settings.ts'
import { UserError } from '../../src/core/model/errors.ts'
import { grantLines, processorRights } from '../../src/edge/kafka/needed-rights.ts'
import { securityOf, securityWarning } from '../../src/settings/security.ts'

type Environment = Readonly<Record<string, string>>

const login: Environment = {
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'processor',
  KAFKA_SASL_PASSWORD: 'opensesame',
}

function faultsOf(environment: Environment): readonly string[] {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) {
      return error.message.split('\n  ').slice(1)
    }
    throw error
  }
  return []
}

describe('security of connections to Kafka', () => {
  it('is none when nothing is set', () => {
    expect(securityOf(readSettings({}))).toEqual({ tls: undefined, sasl: undefined })
  })

  it('is TLS if the setting says so, or if a file is named', () => {
    expect(securityOf(readSettings({ KAFKA_SSL: 'true' })).tls).toBeDefined()
    expect(securityOf(readSettings({ KAFKA_SSL_CA: '/ca.pem' })).tls).toMatchObject({
      caFile: '/ca.pem',
    })
    expect(securityOf(readSettings({ KAFKA_SSL: 'false' })).tls).toBeUndefined()
  })

  it('is a login with a mechanism in upper or lower case', () => {
    expect(securityOf(readSettings(login)).sasl).toEqual({
      mechanism: 'scram-sha-512',
      username: 'processor',
      password: 'opensesame',
    })
  })

  const halves: readonly (readonly [Environment, RegExp])[] = [
    [{ KAFKA_SASL_USERNAME: 'a' }, /^KAFKA_SASL_MECHANISM, KAFKA_SASL_PASSWORD must be set too/],
    [
      { KAFKA_SASL_USERNAME: 'a', KAFKA_SASL_PASSWORD: 'b' },
      /^KAFKA_SASL_MECHANISM must be set too: a login needs all of KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD$/,
    ],
    [
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'a' },
      /^KAFKA_SASL_PASSWORD must be set too: a login needs all of /,
    ],
    [{ KAFKA_SSL_CERT: '/a.pem' }, /^KAFKA_SSL_KEY must be set too/],
    [{ KAFKA_SSL_KEY: '/a.pem' }, /^KAFKA_SSL_CERT must be set too/],
    [{ KAFKA_SSL_KEY_PASSPHRASE: 'a' }, /^KAFKA_SSL_KEY must be set too/],
    [{ KAFKA_SSL: 'no', KAFKA_SSL_CA: '/a.pem' }, /^KAFKA_SSL is false, but KAFKA_SSL_CA is set/],
    [{ ...login, KAFKA_SASL_MECHANISM: 'gssapi' }, /^KAFKA_SASL_MECHANISM must be one of plain, /],
    [{ KAFKA_SSL: 'perhaps' }, /^KAFKA_SSL must be true or false/],
  ]
  it.each(halves)('refuses %j, in one sentence', (environment, says) => {
    const faults = faultsOf(environment)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(says)
  })

  it('names all that is missing at once', () => {
    expect(faultsOf({ KAFKA_SSL_CERT: '/a.pem', KAFKA_SASL_PASSWORD: 'a' })).toHaveLength(2)
  })

  const token: Environment = {
    KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT: 'https://id.example/token?key=hush',
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'me',
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'hush-hush',
  }
  const without = (name: keyof typeof token) =>
    Object.fromEntries(Object.entries(token).filter(([other]) => other !== name))

  it('is a login by token, with a secret or a file of it', () => {
    expect(securityOf(readSettings(token)).sasl).toEqual({
      mechanism: 'oauthbearer',
      tokenEndpoint: 'https://id.example/token?key=hush',
      caFile: undefined,
      clientId: 'me',
      clientSecret: { text: 'hush-hush' },
      scope: undefined,
      parameters: {},
    })
    const read = readSettings({
      ...without('KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET'),
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: '/secret',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT: 'http://localhost:8080/token',
      KAFKA_SASL_OAUTHBEARER_PARAMETERS: 'resource=https://a.example/%26&audience=b',
    })
    expect(securityOf(read).sasl).toMatchObject({
      clientSecret: { file: '/secret' },
      parameters: { resource: 'https://a.example/&', audience: 'b' },
    })
    expect(JSON.stringify(shownSettings(readSettings(token)))).not.toContain('hush')
  })

  const secretName = 'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET'
  const endpoint = (url: string) => ({ ...token, KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT: url })
  const parameters = (text: string) => ({ ...token, KAFKA_SASL_OAUTHBEARER_PARAMETERS: text })
  const tokenFaults: readonly (readonly [Environment, RegExp])[] = [
    [without(secretName), /^KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET or \S+_FILE must be set too/],
    [{ ...token, [`${secretName}_FILE`]: '/a' }, /are both set: remove one of them$/],
    [without('KAFKA_SASL_OAUTHBEARER_CLIENT_ID'), /^KAFKA_SASL_OAUTHBEARER_CLIENT_ID must be set/],
    [{ ...token, KAFKA_SASL_USERNAME: 'a' }, /^KAFKA_SASL_USERNAME must not be set/],
    [{ KAFKA_SASL_OAUTHBEARER_SCOPE: 'a' }, /^KAFKA_SASL_MECHANISM must be oauthbearer where/],
    [endpoint('http://id.example/token'), /^\S+TOKEN_ENDPOINT must be an https URL; http is taken/],
    [endpoint('https://hush:hush@id.example'), /^\S+TOKEN_ENDPOINT must have neither credentials/],
    [endpoint('id.example'), /^\S+TOKEN_ENDPOINT must be an http or https URL/],
    [parameters('scope=a'), /^\S+PARAMETERS must be parameters as in a query.* without grant_type/],
    [parameters('a=1&a=2'), /^\S+PARAMETERS names the same parameter twice$/],
  ]
  it.each(tokenFaults)('refuses a login by token in one sentence: %j', (environment, says) => {
    const faults = faultsOf(environment)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(says)
    expect(faults[0]).not.toContain('hush')
  })

  it('never shows its secrets', () => {
    const shown = JSON.stringify(
      shownSettings(
        readSettings({
          ...login,
          KAFKA_SSL_CERT: '/a.pem',
          KAFKA_SSL_KEY: '/a.key',
          KAFKA_SSL_KEY_PASSPHRASE: 'whisper',
        }),
      ),
    )
    expect(shown).not.toMatch(/opensesame|whisper/)
    expect(shown).toContain('"saslPassword":true')
  })

  it('warns about a password in plain text, and about nothing else', () => {
    const warningOf = (environment: Environment) =>
      securityWarning(securityOf(readSettings(environment)))
    const plain = { ...login, KAFKA_SASL_MECHANISM: 'plain' }
    expect(warningOf(plain)).toMatch(/in plain text/)
    expect(warningOf({ ...plain, KAFKA_SSL: 'true' })).toBeUndefined()
    expect(warningOf(token)).toMatch(/tokens cross the network in plain text/)
    expect(warningOf({ ...token, KAFKA_SSL: 'true' })).toBeUndefined()
    expect(warningOf(login)).toBeUndefined()
    expect(warningOf({})).toBeUndefined()
  })
})

describe('missing rights', () => {
  it('are listed by resource, with the command that grants them', () => {
    const { topics, groupId } = readSettings({})
    const lines = grantLines(
      'User:a',
      '--bootstrap-server b:1',
      processorRights(topics, ['auth.webhook.retry.5s'], { groupId, notices: true }),
    )
    expect(lines).toContain(
      'User:a has no right to Read and DescribeConfigs and Write on topic auth.events: grant it with: ' +
        'kafka-acls.sh --bootstrap-server b:1 --add --allow-principal "User:a" --operation Read --operation DescribeConfigs --operation Write --topic "auth.events"',
    )
    expect(lines).toContain(
      'User:a has no right to Read on group hooktide.retry: grant it with: ' +
        'kafka-acls.sh --bootstrap-server b:1 --add --allow-principal "User:a" --operation Read --group "hooktide.retry"',
    )
    expect(lines).toHaveLength(10)
  })
})
