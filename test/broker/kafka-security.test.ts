import { writeFile } from 'node:fs/promises'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import {
  groupRight,
  processorRights,
  type Right,
  topicRight,
} from '../../src/edge/kafka/needed-rights.ts'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import type { KafkaSettings } from '../../src/edge/kafka/client.ts'
import { missingRights } from '../../src/edge/kafka/rights.ts'
import { checkFiles, type PasswordLogin, type TlsSettings } from '../../src/edge/kafka/security.ts'
import { grant, revoke } from '../support/acls.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide, startRun, type RunningProcess } from '../support/hooktide-process.ts'
import { authority, expiredCertificate, expiredKey } from '../support/kafka-certificates.ts'
import { silentLog, useKafka } from '../support/kafka-tools.ts'
import { listening } from '../support/listening.ts'
import { uniqueNames } from '../support/names.ts'
import {
  loginVariables,
  passwordOf,
  startSecuredBroker,
  type SecuredBroker,
} from '../support/secured-broker.ts'

const users = ['processor', 'sender', 'owner', 'watcher', 'nobody']
let broker: SecuredBroker

beforeAll(async () => {
  broker = await startSecuredBroker(users)
})
afterAll(() => broker.stop())

function login(username: string, mechanism: PasswordLogin['mechanism'] = 'scram-sha-512') {
  return { mechanism, username, password: passwordOf(username) }
}

/** The broker's CA, and what is given. */
function tls(files: Partial<TlsSettings> = {}): TlsSettings {
  const { authority: caFile } = broker.files
  return { caFile, certFile: undefined, keyFile: undefined, keyPassphrase: undefined, ...files }
}

function client(address: string, security: Partial<KafkaSettings['security']> = {}): KafkaSettings {
  const whole = { tls: undefined, sasl: undefined, ...security }
  return { brokers: [address], clientId: 'test', security: whole }
}

async function refusalOf(settings: KafkaSettings): Promise<string> {
  try {
    const admin = await connectAdmin(settings, silentLog)
    await admin.stop()
    return 'none'
  } catch (error) {
    return String(error)
  }
}

function environmentOf(username: string): Record<string, string> {
  return loginVariables(broker, username)
}

describe('a connection', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('logs in by %s', async (name) => {
    const sasl = login('processor', name)
    expect(await refusalOf(client(broker.sasl, { tls: tls(), sasl }))).toBe('none')
  })

  it('logs in without TLS if the broker has none', async () => {
    const sasl = login('processor', 'plain')
    expect(await refusalOf(client(broker.plainSasl, { sasl }))).toBe('none')
  })

  it.each(['clientKey', 'lockedClientKey'] as const)(
    'presents a certificate with %s',
    async (key) => {
      const { clientCertificate: certFile, [key]: keyFile } = broker.files
      const keyPassphrase = key === 'clientKey' ? undefined : 'sesame'
      const settings = client(broker.mutual, { tls: tls({ certFile, keyFile, keyPassphrase }) })
      expect(await refusalOf(settings)).toBe('none')
      const right = topicRight('Read', `${uniqueNames().prefix}.topic`)
      const admin = await useKafka([broker.open])
      expect(await missingRights(settings, silentLog, [right])).toEqual([right])
      await grant(admin.admin, 'User:CN=processor,O=Example', [right])
      expect(await missingRights(settings, silentLog, [right])).toEqual([])
    },
  )

  const refusals: readonly (readonly [string, () => KafkaSettings, RegExp])[] = [
    [
      'a wrong password',
      () => client(broker.sasl, { tls: tls(), sasl: { ...login('processor'), password: 'no' } }),
      /refused the login of user "processor" by scram-sha-512: check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD\.$/,
    ],
    [
      'an unknown user',
      () => client(broker.sasl, { tls: tls(), sasl: login('whoever', 'plain') }),
      /refused the login of user "whoever" by plain/,
    ],
    [
      'a mechanism that the broker does not offer',
      () => client(broker.scramOnly, { tls: tls(), sasl: login('processor', 'plain') }),
      /does not offer plain: set KAFKA_SASL_MECHANISM/,
    ],
    [
      'no login where one is asked for',
      () => client(broker.sasl, { tls: tls() }),
      /closed the connection after its first answer: if it needs a login, set KAFKA_SASL_MECHANISM.* If not, the program on this port is not Kafka\.$/,
    ],
    [
      'a login where none is asked for',
      () => client(broker.open, { sasl: login('processor', 'plain') }),
      /needs no login on this port/,
    ],
    [
      'an unknown CA',
      () => client(broker.sasl, { tls: tls({ caFile: undefined }), sasl: login('processor') }),
      /No trusted CA has signed the certificate of the broker at localhost:\d+ .*KAFKA_SSL_CA/,
    ],
    [
      'a name that the certificate does not have',
      () => client(broker.sasl.replace('localhost', '127.0.0.1'), { tls: tls() }),
      /broker at 127\.0\.0\.1:\d+ is for DNS:localhost: use one of these names in KAFKA_BROKERS/,
    ],
    [
      'no TLS to a TLS port',
      () => client(broker.sasl, { sasl: login('processor') }),
      /speaks TLS: set KAFKA_SSL=true/,
    ],
    [
      'TLS to a port without',
      () => client(broker.open, { tls: tls() }),
      /closed the connection within the TLS handshake: use its TLS port in KAFKA_BROKERS, or set KAFKA_SSL=false/,
    ],
    [
      'no client certificate where one is asked for',
      () => client(broker.mutual, { tls: tls() }),
      /refused the TLS connection .*set KAFKA_SSL_CERT and KAFKA_SSL_KEY/,
    ],
  ]
  it.each(refusals)('with %s ends with one sentence that says so', async (_, settings, says) => {
    const refusal = await refusalOf(settings())
    expect(refusal).toMatch(says)
    expect(refusal.split('\n')).toHaveLength(1)
    expect(refusal).not.toContain('secret')
  })

  it('to a broker whose certificate has expired says so', async () => {
    const server = createTlsServer({ cert: expiredCertificate, key: expiredKey })
    expect(await refusalOf(client(`localhost:${await listening(server)}`, { tls: tls() }))).toMatch(
      /^UserError: The certificate of the broker at localhost:\d+ has expired: have it renewed\.$/,
    )
  })

  it('has its own login, which no other client uses', async () => {
    const settings = client(broker.sasl, { tls: tls(), sasl: Object.freeze(login('processor')) })
    expect(await refusalOf(settings)).toBe('none')
    const sasl = { ...login('processor'), ...settings.security?.sasl, password: 'another' }
    expect(await refusalOf({ ...settings, security: { tls: tls(), sasl } })).toMatch(/refused/)
    expect(await refusalOf(settings)).toBe('none')
  })

  it('uses renewed files', async () => {
    const caFile = `${broker.files.authority}-renewed`
    await writeFile(caFile, expiredCertificate)
    const settings = client(broker.sasl, { tls: tls({ caFile }), sasl: login('processor') })
    expect(await refusalOf(settings)).toMatch(/No trusted CA/)
    await writeFile(caFile, authority)
    expect(await refusalOf(settings)).toBe('none')
  })
})

describe('files of certificates and keys', () => {
  const faults: readonly (readonly [string, () => Partial<TlsSettings>, RegExp])[] = [
    ['a CA', () => ({ caFile: '/absent' }), /KAFKA_SSL_CA: \/absent cannot be read \(ENOENT\)\.$/],
    [
      'a CA without a certificate',
      () => ({ caFile: broker.files.clientKey }),
      /KAFKA_SSL_CA: \S+clientKey holds no certificate in PEM\.$/,
    ],
    ['a certificate', () => ({ certFile: '/', keyFile: '/' }), /KAFKA_SSL_CERT: \/ cannot be read/],
    [
      'a key of another certificate',
      () => ({ certFile: broker.files.clientCertificate, keyFile: broker.files.serverStore }),
      /KAFKA_SSL_KEY: the key in \S+serverStore cannot be used with the certificate in \S+clientCertificate/,
    ],
    [
      'a locked key without its passphrase',
      () => ({ certFile: broker.files.clientCertificate, keyFile: broker.files.lockedClientKey }),
      /KAFKA_SSL_KEY: .*KAFKA_SSL_KEY_PASSPHRASE if it has one\.$/,
    ],
  ]
  it.each(faults)('are named if they cannot be used: %s', (_, files, says) => {
    expect(() => checkFiles({ tls: tls(files()), sasl: undefined })).toThrow(says)
  })
})

describe('rights', () => {
  it('that are missing are all found, without changing anything', async () => {
    const { admin, createTopic } = await useKafka([broker.open])
    const { prefix, group } = uniqueNames()
    const topic = `${prefix}.topic`
    await createTopic(topic, 1)
    const wanted = [
      topicRight('Read', topic),
      topicRight('Write', topic),
      topicRight('DescribeConfigs', topic),
      groupRight('Read', group),
      { ...groupRight('Read', `${group}.replay.`), isPrefix: true },
      { ...groupRight('Delete', `${group}.replay.`), isPrefix: true },
      topicRight('Write', `${prefix}.absent`),
    ]
    const settings = client(broker.sasl, { tls: tls(), sasl: login('nobody') })
    expect(await missingRights(settings, silentLog, wanted)).toEqual(wanted)
    await grant(admin, 'User:nobody', wanted)
    expect(await missingRights(settings, silentLog, wanted)).toEqual([])
    for (const right of wanted) {
      await revoke(admin, 'User:nobody', [right])
      expect(await missingRights(settings, silentLog, wanted)).toEqual([right])
      await grant(admin, 'User:nobody', [right])
    }
    const [offsets] = await admin.fetchTopicOffsets(topic)
    expect(offsets?.high).toBe('0')
  })

  it('of producers, hook owners and readers of results are those of one topic', async () => {
    const { admin, createTopic } = await useKafka([broker.open])
    const { prefix } = uniqueNames()
    const [events, hooks, results] = ['events', 'hooks', 'webhook.results'].map(
      (name) => `${prefix}.${name}`,
    ) as [string, string, string]
    await Promise.all([events, hooks, results].map((topic) => createTopic(topic, 1)))
    const event = JSON.stringify({ event: 'Mfa.Bound', createdAt: '2026-09-14T09:02:11.019Z' })
    const hook = JSON.stringify({ events: ['PostSignIn'], config: { url: 'https://a.example' } })
    const use = (user: string, args: readonly string[], input = '') =>
      hooktide(args, { ...environmentOf(user), HOOKTIDE_TOPIC_PREFIX: prefix }, input)
    const send = () => use('sender', ['events', 'send', '-f', '-'], event)

    const before = await send()
    expect(before).toMatchObject({ code: 1 })
    expect(before.stderr).toMatch(/^User:sender has no right to Write on topic [^\n]*\n$/)
    await grant(admin, 'User:sender', [topicRight('Write', events)])
    await grant(admin, 'User:owner', [topicRight('Read', hooks), topicRight('Write', hooks)])
    await grant(admin, 'User:watcher', [topicRight('Read', results)])
    const after = await Promise.all([
      send(),
      use('owner', ['hooks', 'put', '-f', '-'], hook),
      use('watcher', ['results', '--from', 'earliest']),
    ])
    expect(after).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }])
  })
})

const patience = { timeout: 20_000 }

async function readiness(process: RunningProcess): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${await process.port}/readyz`)
  return await response.text()
}

describe('a processor', () => {
  it('refuses to start without its rights, and lists each with the command that grants it', async () => {
    const { prefix } = uniqueNames()
    const process = startRun({ ...environmentOf('nobody'), HOOKTIDE_TOPIC_PREFIX: prefix })
    expect(await process.exited).toBe(1)
    const said = process.errorOutput()
    expect(said).toMatch(/^The processor cannot start:\n {2}User:nobody has no right to Read/)
    expect(said).toContain(
      `--command-config client.properties --add --allow-principal "User:nobody" --operation Write --operation DescribeConfigs --topic "${prefix}.webhook.results"`,
    )
    expect(said).not.toContain('    at ')
  })

  it('refuses to start with a wrong password, in one sentence', async () => {
    const process = startRun({ ...environmentOf('nobody'), KAFKA_SASL_PASSWORD: 'wrong' })
    expect(await process.exited).toBe(1)
    expect(process.errorOutput()).toMatch(/^Kafka at [^\n]* refused the login[^\n]*\n$/)
    const [first, second, refusal] = process.lines.map(({ msg }) => String(msg))
    expect([first, second]).toEqual(['starting', 'listening'])
    expect(refusal).toMatch(/^Kafka at .* refused the login of user /)
    expect(process.lines).toHaveLength(3)
  })

  it('delivers, retries, rejects, and writes dead letters and notices with exactly its rights, and waits if one is removed', async () => {
    const { admin } = await useKafka([broker.open])
    let answers = 0
    await using rig = await createBrokerRig({
      brokers: [broker.open],
      environment: {
        HOOKTIDE_RETRY_SCHEDULE: '1s',
        HOOKTIDE_RETRY_TIERS: '1s',
        HOOKTIDE_NOTICES: 'true',
      },
      answer: ({ path }) => {
        if (path === '/gone') return { kind: 'respond', status: 410 }
        if (path === '/flaky' && (answers += 1) === 1) return { kind: 'respond', status: 500 }
        return undefined
      },
    })
    const { topics, tiers, groupId } = readSettings(rig.environment)
    const tierTopics = tiers.map(({ topic }) => topic)
    await grant(
      admin,
      'User:processor',
      processorRights(topics, tierTopics, { groupId, notices: true }),
    )
    const owner = { id: 'owner', events: ['Hooktide.Endpoint.Disabled'] }
    await rig.putHooks({ id: 'flaky' }, { id: 'gone' }, owner)
    const process = await rig.run(environmentOf('processor'))
    await rig.sendEvents({}, { value: 'no JSON' })
    const finals = (count: number) =>
      rig.results.waitFor((all) => all.filter(({ final }) => final).length >= count)
    await finals(3)
    await rig.deadLetters.waitFor((all) => all.length === 1)

    const taken: readonly (readonly [Right, string])[] = [
      [topicRight('Write', topics.results), 'sending records'],
      [topicRight('Read', `${rig.prefix}.events`), 'reading'],
      [groupRight('Read', groupId), 'the membership'],
    ]
    for (const [index, [right, what]] of taken.entries()) {
      await revoke(admin, 'User:processor', [right])
      await rig.sendEvents({})
      const line = await process.waitForLine(({ msg }) => msg === `${what} failed, trying again`)
      const says = `User:processor has no right to ${right.operation} on ${right.resource} ${right.name}: grant it`
      expect(line['error']).toContain(says)
      await expect.poll(() => readiness(process), patience).toContain(says)
      await grant(admin, 'User:processor', [right])
      await finals(5 + 2 * index)
      await expect.poll(() => readiness(process), patience).toBe('ready\n')
      expect(process.lines.filter(({ msg }) => msg === line.msg)).toHaveLength(1)
    }

    process.signal('SIGTERM')
    expect(await process.exited).toBe(0)
    const { groups } = await admin.listGroups()
    const own = groups.map((group) => group.groupId).filter((id) => id.startsWith(groupId))
    expect(own.toSorted()).toEqual([groupId, `${groupId}.retry`])
    expect(process.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  })
})
