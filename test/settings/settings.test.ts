import { hash } from 'node:crypto'
import { Resolver } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { readSettings, shownSettings } from '../../src/settings/settings.ts'
import { flagNames } from '../../src/settings/table.ts'
import { UserError } from '../../src/core/model/errors.ts'

function faultsOf(
  environment: Readonly<Record<string, string>>,
  flags: Parameters<typeof readSettings>[1] = {},
): string {
  try {
    readSettings(environment, flags)
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) return error.message
    throw error
  }
  return ''
}

describe('settings', () => {
  it('all have defaults', () => {
    const settings = readSettings({})
    expect(settings.topics).toMatchObject({
      events: ['auth.events'],
      retryPrefix: 'auth.webhook.retry.',
    })
    expect(settings.tiers.map(({ topic }) => topic)).toEqual(
      ['1s', '5s', '30s', '5m', '30m', '2h'].map((delay) => `auth.webhook.retry.${delay}`),
    )
    expect(settings.retrySchedule).toHaveLength(9)
    expect(settings.instance).not.toBe('')
  })

  it('derive topic names from the prefix, and allow each to be set separately', () => {
    const { topics } = readSettings({
      HOOKTIDE_TOPIC_PREFIX: 'acme',
      HOOKTIDE_TOPIC_HOOKS: 'webhooks',
      HOOKTIDE_EVENT_TOPICS: 'a, b',
    })
    expect(topics).toMatchObject({
      events: ['a', 'b'],
      hooks: 'webhooks',
      results: 'acme.webhook.results',
    })
  })

  it('let flags override variables', () => {
    const settings = readSettings({ HOOKTIDE_GROUP_ID: 'variable' }, { groupId: 'flag' })
    expect(settings.groupId).toBe('flag')
  })

  it('report every fault at once, each with the name of its setting', () => {
    const faults = faultsOf({
      KAFKA_BROKERS: ' , ',
      HOOKTIDE_ALLOW_HTTP: 'maybe',
      HOOKTIDE_TIMEOUT_MS: '-1',
      HOOKTIDE_RETRY_TIERS: '5s,5000ms',
      HOOKTIDE_RETRY_SCHEDULE: '5',
      HOOKTIDE_ALLOW_CIDRS: '10.0.0.0/40',
      SCHEMA_REGISTRY_URL: 'nonsense',
      HOOKTIDE_LOG_LEVEL: 'loud',
      HOOKTIDE_TOPIC_HOOKS: 'no spaces',
    })
    expect(faults.match(/^ {2}[A-Z_]+/gm)?.map((name) => name.trim())).toEqual([
      'KAFKA_BROKERS',
      'SCHEMA_REGISTRY_URL',
      'HOOKTIDE_TOPIC_HOOKS',
      'HOOKTIDE_RETRY_SCHEDULE',
      'HOOKTIDE_RETRY_TIERS',
      'HOOKTIDE_TIMEOUT_MS',
      'HOOKTIDE_ALLOW_HTTP',
      'HOOKTIDE_ALLOW_CIDRS',
      'HOOKTIDE_LOG_LEVEL',
    ])
  })

  it.each(['nohost', 'host:port', 'a:9092,b', 'http://a:9092'])(
    'refuse %s as brokers',
    (brokers) => {
      expect(faultsOf({ KAFKA_BROKERS: brokers })).toContain(
        'KAFKA_BROKERS must be host:port pairs',
      )
    },
  )

  it.each(['a.example:9092', '127.0.0.1:9092, [::1]:9093'])('accept %s as brokers', (brokers) => {
    expect(faultsOf({ KAFKA_BROKERS: brokers })).toBe('')
  })

  it.each([
    ['10.0.0.2', ['10.0.0.2']],
    ['10.0.0.2:5353, [fd00::2]:53 ,fd00::3,[fd00::4]', 4],
    ['', undefined],
  ])('accept %j as name servers', (text, expected) => {
    const { nameServers } = readSettings({ HOOKTIDE_NAME_SERVERS: text })
    expect(typeof expected === 'number' ? nameServers?.length : nameServers).toEqual(expected)
    if (nameServers !== undefined) new Resolver().setServers(nameServers)
  })

  it.each(['ns.example', '10.0.0.300', '10.0.0.2:', '10.0.0.2:0', '10.0.0.2:65536', '[10.0.0.2]'])(
    'refuse %s as a name server',
    (text) => {
      expect(faultsOf({ HOOKTIDE_NAME_SERVERS: `10.0.0.1,${text}` })).toContain(
        `HOOKTIDE_NAME_SERVERS must be addresses with or without a port, such as 10.0.0.2 or [fd00::2]:5353, and "${text}" is not one`,
      )
    },
  )

  it.each(['fe80::1%eth0', '[fd00::2', 'fd00::2]:53', '[]:53', '10.0.0.2:5a', 'fd00::2:99999'])(
    'refuse %s as a name server too',
    (text) => {
      expect(faultsOf({ HOOKTIDE_NAME_SERVERS: text })).toContain('HOOKTIDE_NAME_SERVERS must be')
    },
  )

  it('are shown without secrets', () => {
    const shown = JSON.stringify(
      shownSettings(
        readSettings({
          SCHEMA_REGISTRY_PASSWORD: 'hunter2',
          SCHEMA_REGISTRY_URL: 'http://user:hunter2@registry.example/',
          HOOKTIDE_EGRESS_PROXY: 'http://user:hunter2@proxy.example/',
        }),
      ),
    )
    expect(shown).not.toContain('hunter2')
    expect(shown).toContain('registry.example')
  })

  it.each(['http://user:hunter2@hunter2@a.example', 'http:user:hunter2@a.example'])(
    'show %s without the login before its host',
    (url) => {
      const shown = JSON.stringify(shownSettings(readSettings({ SCHEMA_REGISTRY_URL: url })))
      expect(shown).not.toContain('hunter2')
      expect(shown).toContain('a.example')
    },
  )

  it.each(['SCHEMA_REGISTRY_URL', 'HOOKTIDE_EGRESS_PROXY'])(
    'show what %s has in place of a URL, without its credentials',
    (variable) => {
      const must = `${variable} must be an http or https URL such as http://host.example:8080`
      expect(faultsOf({ [variable]: 'registry:8081' })).toContain(`${must}, not "registry:8081"`)
      expect(faultsOf({ [variable]: 'ftp://registry/' })).toContain(
        `${must}, not "ftp://registry/"`,
      )
      expect(faultsOf({ [variable]: 'http://a.example:0/' })).toContain(must)
      for (const url of [
        'ftp://me:hunter2@a.example',
        'me:hunter2@a.example',
        'http://me:hunter2@',
      ]) {
        expect(faultsOf({ [variable]: url })).toContain(must)
        expect(faultsOf({ [variable]: url })).not.toContain('hunter2')
      }
    },
  )

  const urls = [
    'http://me:hunter2@a.example',
    'http://hunter2@a.example/x',
    'http://a.example/?token=hunter2',
    'http://a.example/#hunter2',
    'me:hunter2@a.example',
    '?hunter2',
  ]
  it.each(urls)('accept %s from a variable and not from a flag, and name the variable', (url) => {
    const registry = faultsOf({}, { registryUrl: url })
    expect(registry).toContain(
      '--registry-url must have no credentials and no query, since arguments are visible in the process list: ' +
        'set SCHEMA_REGISTRY_URL, or SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
    )
    const proxy = faultsOf({}, { egressProxy: url })
    expect(proxy).toMatch(/--egress-proxy must have no .*: set HOOKTIDE_EGRESS_PROXY$/)
    expect(registry + proxy).not.toContain('hunter2')
    expect(faultsOf({}, { registryUrl: 'http://a.example/apis' })).toBe('')
  })

  it('show a URL without query and fragment, and of a user name only whether it is set', () => {
    const shown = JSON.stringify(
      shownSettings(
        readSettings({
          SCHEMA_REGISTRY_URL: 'http://a.example/apis?token=hunter2#hunter2',
          SCHEMA_REGISTRY_USERNAME: 'hunter2',
        }),
      ),
    )
    expect(shown).not.toContain('hunter2')
    expect(shown).toContain('"http://a.example/apis"')
    expect(shown).toContain('"registryUsername":true')
  })

  it.each([
    'me:hunter2@a:9092',
    'hunter2@a:9092',
    'SASL_SSL://me:hunter2@a:9092',
    'a:1,b:hunter2@c:2',
  ])('refuse brokers with a login, and do not repeat it: %s', (brokers) => {
    for (const fault of [
      faultsOf({ KAFKA_BROKERS: brokers }),
      faultsOf({}, { brokers: brokers }),
    ]) {
      expect(fault).toContain('set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD for a login')
      expect(fault).not.toContain('hunter2')
    }
  })

  it.each(['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'])(
    'refuse the content of a file in place of its path in %s, and do not quote it',
    (variable) => {
      const pem = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'
      for (const text of [pem, pem.replaceAll('\n', ' ')]) {
        const fault = faultsOf({ [variable]: text })
        expect(fault).toContain(
          `${variable} must be the path of a file, but has the content of one`,
        )
        expect(fault).not.toContain('hunter2')
      }
    },
  )

  it('refuse keys in place of the path of their file, and do not quote them', () => {
    for (const keys of ['ab'.repeat(32), Buffer.alloc(32, 7).toString('base64')]) {
      const fault = faultsOf({ HOOKTIDE_ENCRYPTION_KEYS_FILE: keys })
      expect(fault).toContain('must be the path of a file, but has the content of one')
      expect(fault).not.toContain(keys)
    }
  })

  it('accept only names of event topics that Kafka allows', () => {
    expect(faultsOf({ HOOKTIDE_EVENT_TOPICS: 'a,b\u009bc' })).toContain(
      'HOOKTIDE_EVENT_TOPICS must be topic names',
    )
  })

  it.each([
    ['HOOKTIDE_RESULT_BODIES', 'one of'],
    ['HOOKTIDE_ALLOW_HTTP', 'true or false'],
    ['HOOKTIDE_MAX_IN_FLIGHT', 'a whole number'],
    ['HOOKTIDE_RETRY_SCHEDULE', 'durations'],
    ['HOOKTIDE_ALLOW_CIDRS', 'no address range|not an address range'],
    ['HOOKTIDE_NAME_SERVERS', 'addresses'],
    ['KAFKA_BROKERS', 'host:port pairs'],
    ['KAFKA_SASL_MECHANISM', 'one of'],
  ])('do not show a secret that was given to %s', (variable, says) => {
    for (const secret of ['hunter2-Q8s', 'deadbeef00112233', 'k9X4']) {
      const fault = faultsOf({ [variable]: secret })
      expect(fault).toMatch(new RegExp(says))
      expect(fault).toContain('"(hidden)"')
      expect(fault).not.toContain(secret)
    }
  })

  it('show the likely value of a misspelt one', () => {
    expect(faultsOf({ HOOKTIDE_RESULT_BODIES: 'allways' })).toContain('not "allways"')
    expect(faultsOf({ HOOKTIDE_RETRY_SCHEDULE: '5s,5 minutes' })).toContain('"5 minutes"')
    expect(faultsOf({ HOOKTIDE_ALLOW_CIDRS: '10.0.0.0/33' })).toContain('"10.0.0.0/33"')
    expect(faultsOf({ HOOKTIDE_TIMEOUT_MS: '15s' })).toContain('not "15s"')
  })

  it('name all forms of true and false', () => {
    expect(faultsOf({ HOOKTIDE_ALLOW_HTTP: 'on' })).toContain(
      'HOOKTIDE_ALLOW_HTTP must be true or false (or 1 or 0, yes or no), not "on"',
    )
  })

  it.each([
    ['no base64', '!'.repeat(44)],
    ['too short', Buffer.alloc(31, 1).toString('base64')],
    ['too long', Buffer.alloc(33, 1).toString('base64')],
    ['base64url', Buffer.alloc(32, 255).toString('base64url')],
    ['a passphrase', 'correct horse battery staple'],
  ])('refuse an encryption key that is %s, without repeating it', (_, text) => {
    const good = Buffer.alloc(32, 7).toString('hex')
    const message = faultsOf({ HOOKTIDE_ENCRYPTION_KEYS: `${good},${text}` })
    expect(message).toMatch(/HOOKTIDE_ENCRYPTION_KEYS must be keys of 32 bytes .* key 2 is none/)
    for (const word of text.split(' ')) expect(message).not.toContain(word)
  })

  it('read encryption keys as base64 or hex, newest first, and show none of them', () => {
    const texts = [
      Buffer.alloc(32, 1).toString('base64'),
      Buffer.alloc(32, 2).toString('hex'),
      Buffer.alloc(32, 3).toString('hex').toUpperCase(),
    ]
    const settings = readSettings({ HOOKTIDE_ENCRYPTION_KEYS: texts.join(' , ') })
    const ids = settings.encryptionKeys?.map(({ id }) => id)
    expect(ids).toEqual(
      [1, 2, 3].map((byte) => hash('sha256', Buffer.alloc(32, byte), 'hex').slice(0, 12)),
    )
    expect(shownSettings(settings)).toMatchObject({ encryptionKeys: true })
    expect(readSettings({}).encryptionKeys).toBeUndefined()
  })

  it('refuse encryption keys that are given twice, or by variable and file', () => {
    const text = Buffer.alloc(32, 1).toString('base64')
    expect(faultsOf({ HOOKTIDE_ENCRYPTION_KEYS: `${text},${text}` })).toMatch(/has key \w+ twice/)
    expect(
      faultsOf({ HOOKTIDE_ENCRYPTION_KEYS: text, HOOKTIDE_ENCRYPTION_KEYS_FILE: 'keys' }),
    ).toContain('HOOKTIDE_ENCRYPTION_KEYS and HOOKTIDE_ENCRYPTION_KEYS_FILE are both set')
  })

  it('accept no secret as an argument, because arguments are visible in the process list', () => {
    expect(flagNames).not.toContain('registryPassword')
    expect(flagNames).not.toContain('encryptionKeys')
  })
})
