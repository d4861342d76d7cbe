import { describe, expect, it } from 'vitest'
import { connectAdmin, type KafkaAdmin } from '../../src/edge/kafka/admin.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { createGroupSource } from '../../src/edge/kafka/group-source.ts'
import { RegistryClient } from '../../src/edge/registry/client.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const quiet = () => undefined

interface Rig extends AsyncDisposable {
  readonly prefix: string
  readonly group: string
  readonly admin: KafkaAdmin
  readonly environment: Readonly<Record<string, string>>
}

async function rigOf(): Promise<Rig> {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const admin = await connectAdmin({ brokers, clientId: 'test' }, quiet)
  return {
    ...{ prefix, group, admin },
    environment: {
      KAFKA_BROKERS: brokers.join(','),
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: group,
      HOOKTIDE_RETRY_TIERS: '5s,2h',
      HOOKTIDE_HTTP_PORT: '0',
    },
    [Symbol.asyncDispose]: () => admin.stop(),
  }
}

const linesOf = (text: string) => text.trim().split('\n')

describe('hooktide init', () => {
  it('creates what a processor needs, and finds nothing to do the second time', async () => {
    await using rig = await rigOf()
    const { prefix, group, admin, environment } = rig
    const first = await hooktide(['init', '--partitions', '3'], environment)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(linesOf(first.stdout).every((line) => line.startsWith('created'))).toBe(true)

    expect(linesOf(first.stdout)[0]).toBe(`created  ${prefix}.events (3 partitions, 1 replica)`)

    const tier = await admin.describeTopic(`${prefix}.webhook.retry.2h`)
    expect(tier).toMatchObject({
      partitions: 3,
      configs: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '1209600000' },
    })
    const hooks = await admin.describeTopic(`${prefix}.hooks`)
    expect(hooks).toMatchObject({ partitions: 1, configs: { 'cleanup.policy': 'compact' } })
    const events = await admin.describeTopic(`${prefix}.events`)
    const size = Number(events?.configs['max.message.bytes'])
    expect(tier?.configs['max.message.bytes']).toBe(String(size + 65_536))
    const own = [`${prefix}.events`, `${prefix}.webhook.requests`]
    expect(await admin.groupOffsets(group, own)).toHaveLength(6)
    const tiers = [`${prefix}.webhook.retry.5s`, `${prefix}.webhook.retry.2h`]
    expect(await admin.groupOffsets(`${group}.retry`, tiers)).toHaveLength(6)

    const second = await hooktide(['init'], environment)
    expect(second.code).toBe(0)
    expect(linesOf(second.stdout).every((line) => line.startsWith('exists'))).toBe(true)
  })

  it('alters no existing topic, says what differs, and fails when a processor could not start', async () => {
    await using rig = await rigOf()
    const { prefix, admin, environment } = rig
    const topics = [
      { topic: `${prefix}.hooks`, partitions: 2, configs: { 'cleanup.policy': 'delete' } },
      { topic: `${prefix}.webhook.retry.7m`, partitions: 1, configs: {} },
      { topic: `${prefix}.webhook.results`, partitions: 1, configs: { 'retention.ms': '1000' } },
    ]
    for (const topic of topics) await admin.createTopic(topic)
    const { code, stdout } = await hooktide(['init', '--json'], environment)
    expect(code).toBe(1)
    const steps = linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))
    const differing = steps
      .filter(({ state }) => state === 'differs')
      .map(({ topic, differences }) => [
        topic,
        Array.isArray(differences)
          ? differences.map(({ setting, severity }) => `${setting} ${severity}`)
          : [],
      ])
    expect(differing).toEqual([
      [`${prefix}.hooks`, ['cleanup.policy refused', 'partitions advised']],
      [`${prefix}.webhook.results`, ['retention.ms advised', 'max.message.bytes refused']],
      [`${prefix}.webhook.retry.7m`, ['message.timestamp.type refused']],
    ])
    const hooks = await admin.describeTopic(`${prefix}.hooks`)
    expect(hooks).toMatchObject({ partitions: 2, configs: { 'cleanup.policy': 'delete' } })
    expect(await admin.describeTopic(`${prefix}.events`)).toMatchObject({ partitions: 6 })
  })

  it('starts a new group at the requested time, and never moves one that has started', async () => {
    await using rig = await rigOf()
    const { prefix, group, admin, environment } = rig
    const topic = `${prefix}.events`
    await admin.createTopic({ topic, partitions: 1, configs: { 'retention.ms': '-1' } })
    const producer = createKafka(
      { brokers: surroundings().brokers, clientId: 'test' },
      quiet,
      'command',
    ).producer()
    await producer.connect()
    const messages = ['1000', '2000', '3000'].map((timestamp) => ({ value: '{}', timestamp }))
    await producer.send({ topic, messages })
    await producer.disconnect()

    const from = ['--from', '1970-01-01T00:00:02Z']
    expect((await hooktide(['init', ...from], environment)).code).toBe(0)
    const committed = [{ topic, partition: 0, offset: 1, metadata: '' }]
    expect(await admin.groupOffsets(group, [topic])).toEqual(committed)
    expect((await hooktide(['init', '--from', 'earliest'], environment)).code).toBe(0)
    expect(await admin.groupOffsets(group, [topic])).toEqual(committed)
    const other = { ...environment, HOOKTIDE_GROUP_ID: `${group}-2` }
    expect((await hooktide(['init'], other)).code).toBe(0)
    expect(await admin.groupOffsets(`${group}-2`, [topic])).toMatchObject([{ offset: 3 }])
  })

  it('does not change the offsets of a running group, and says that it must be stopped', async () => {
    await using rig = await rigOf()
    const { prefix, group, admin, environment } = rig
    const topic = `${prefix}.events`
    await admin.createTopic({ topic, partitions: 1, configs: {} })
    const source = createGroupSource({
      settings: { brokers: surroundings().brokers, clientId: 'test' },
      groupId: group,
      topics: [topic],
      sessionTimeoutMs: 6_000,
      log: quiet,
    })
    await source.start({
      onAssigned: quiet,
      onFetched: quiet,
      onEnd: quiet,
      onRebalance: () => Promise.resolve(),
      beforeRejoin: () => Promise.resolve(),
      onFailed: quiet,
    })
    try {
      const { code, stdout } = await hooktide(['init'], environment)
      expect(code).toBe(1)
      expect(stdout).toMatch(
        /blocked {2}offsets .*\.events: missing, and they cannot be set while the group runs/,
      )
      expect(await admin.groupOffsets(group, [topic])).toEqual([])
    } finally {
      await source.stop()
    }
  })

  it('registers the results schema if a registry is set', async () => {
    await using rig = await rigOf()
    const { registryUrl } = surroundings()
    const environment = { ...rig.environment, SCHEMA_REGISTRY_URL: registryUrl }
    const { code, stdout } = await hooktide(['init'], environment)
    expect(code).toBe(0)
    expect(stdout).toContain(`schema ${rig.prefix}.webhook.results-value`)
    const answer = await fetch(
      `${registryUrl}/subjects/${rig.prefix}.webhook.results-value/versions`,
    )
    expect(await answer.json()).toEqual([1])
  })

  it.each([
    ['avro', '"name": "AuthEvent"'],
    ['json-schema', '"title": "Auth event"'],
  ])('registers the schema of events in the form %s under each event topic', async (form, text) => {
    await using rig = await rigOf()
    const { registryUrl } = surroundings()
    const topics = [`${rig.prefix}.one`, `${rig.prefix}.two`]
    const environment = {
      ...rig.environment,
      SCHEMA_REGISTRY_URL: registryUrl,
      HOOKTIDE_EVENT_TOPICS: topics.join(','),
    }
    const args = ['init', '--event-format', form]
    expect(await hooktide(args, environment)).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout } = await hooktide([...args, '--json'], environment)
    expect(code).toBe(0)
    const steps = linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))
    const schemas = steps.filter(({ kind }) => kind === 'schema')
    expect(schemas.map(({ subject, state }) => [subject, state])).toEqual(
      [`${rig.prefix}.webhook.results`, ...topics].map((topic) => [`${topic}-value`, 'ready']),
    )
    const registered = await fetch(`${registryUrl}/schemas/ids/${String(schemas[1]?.['id'])}`)
    const { schema } = (await registered.json()) as { readonly schema: string }
    expect(schema).toContain(text)
    const level = await fetch(`${registryUrl}/config/${topics[0]}-value`)
    expect(await level.json()).toEqual({ compatibilityLevel: 'BACKWARD' })
  })

  it('says what the registry refuses, and completes everything else', async () => {
    await using rig = await rigOf()
    const { registryUrl } = surroundings()
    const subject = `${rig.prefix}.events-value`
    const fields = [{ name: 'event', type: 'int' }]
    const other = JSON.stringify({
      type: 'record',
      name: 'AuthEvent',
      namespace: 'hooktide',
      fields,
    })
    const client = new RegistryClient({
      url: registryUrl,
      username: undefined,
      password: undefined,
    })
    await client.register(subject, { type: 'AVRO', text: other })
    const environment = { ...rig.environment, SCHEMA_REGISTRY_URL: registryUrl }
    const { code, stdout, stderr } = await hooktide(['init', '--event-format', 'avro'], environment)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const lines = linesOf(stdout)
    expect(lines.at(-2)).toMatch(/^ready {4}schema .*results-value, id \d+$/)
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^refused {2}schema ${subject}: The registry at .* refuses auth-event.avsc under ${subject} as incompatible with the one there: .*ncompatible`,
      ),
    )
    expect(lines.slice(0, -2).every((line) => line.startsWith('created'))).toBe(true)
  })

  it.each([
    [['--from', 'yesterday'], /--from must be latest/],
    [['--partitions', '0'], /--partitions must be a whole number/],
    [['--event-format', 'xml'], /--event-format must be one of json, json-schema, avro, not "xml"/],
    [['--event-format', 'avro'], /needs a registry: set SCHEMA_REGISTRY_URL/],
    [['topics'], /takes no arguments, but got "topics"/],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stderr } = await hooktide(['init', ...args], { KAFKA_BROKERS: '127.0.0.1:1' })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

describe('hooktide run', () => {
  it('names everything that keeps it from starting, each with its fix', async () => {
    await using rig = await rigOf()
    const { prefix, admin, environment } = rig
    const topics = [
      { topic: `${prefix}.events`, partitions: 1, configs: {} },
      { topic: `${prefix}.hooks`, partitions: 1, configs: { 'cleanup.policy': 'delete' } },
      { topic: `${prefix}.webhook.retry.5s`, partitions: 1, configs: {} },
    ]
    for (const topic of topics) await admin.createTopic(topic)
    const { code, stderr } = await hooktide(['run'], environment)
    expect(code).toBe(1)
    for (const refusal of [
      `${prefix}.webhook.results (results) does not exist: run "hooktide init"`,
      `${prefix}.webhook.retry.2h (retries) does not exist`,
      `${prefix}.hooks: cleanup.policy is delete, not compact`,
      `${prefix}.webhook.retry.5s: message.timestamp.type is CreateTime`,
      `${prefix}.webhook.retry.5s: max.message.bytes is 1048588, not at least 1114124`,
      `kafka-configs.sh --bootstrap-server ${environment['KAFKA_BROKERS']} --alter --entity-type topics --entity-name ${prefix}.hooks --add-config cleanup.policy=compact`,
      `Group ${rig.group} has no offsets on topic ${prefix}.events`,
    ]) {
      expect(stderr).toContain(refusal)
    }
  })
})

describe('a command whose broker does not answer', () => {
  it.each([['init'], ['hooks list'], ['results']])(
    '%s says so and names KAFKA_BROKERS',
    async (name) => {
      const { code, stderr } = await hooktide(name.split(' '), { KAFKA_BROKERS: '127.0.0.1:1' })
      expect(code).toBe(1)
      expect(stderr).toContain('127.0.0.1:1')
      expect(stderr.trim().split('\n')).toHaveLength(1)
      expect(stderr).toMatch(/check KAFKA_BROKERS/i)
    },
  )
})
