import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { writeDocExamples, type DocExamples } from '../support/doc-examples.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig
let examples: DocExamples
/** The same, for a topic whose events have the schema in Avro. */
let avroExamples: DocExamples

beforeAll(async () => {
  const { brokers, registryUrl } = surroundings()
  rig = await createBrokerRig({
    brokers,
    registryUrl,
    answer: ({ path }) => ({ kind: 'respond', status: path === '/gone' ? 410 : 204 }),
  })
  const topic = `${rig.prefix}.events`
  const avroTopic = `${topic}-in-avro`
  await Promise.all([init('json-schema', topic), init('avro', avroTopic)])
  const replaced = {
    'localhost:9092': brokers.join("', '"),
    'http://localhost:8081/apis/ccompat/v7': registryUrl,
    'auth.webhook.results': `${rig.prefix}.webhook.results`,
    'auth.webhook.dead-letters': `${rig.prefix}.webhook.dead-letters`,
    'auth.events.rejected': `${rig.prefix}.events.rejected`,
    "groupId: 'alerts'": `groupId: '${rig.prefix}-alerts'`,
  }
  examples = await writeDocExamples({ ...replaced, 'auth.events': topic })
  avroExamples = await writeDocExamples({ ...replaced, 'auth.events': avroTopic })
  await rig.putHooks(
    { id: 'welcome' },
    { id: 'gone' },
    { id: 'account', events: ['Organization.Created'] },
    { id: 'last', events: ['User.Created'] },
  )
  await rig.run({ HOOKTIDE_EVENT_TOPICS: `${topic},${avroTopic}` })
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await examples[Symbol.asyncDispose]()
  await avroExamples[Symbol.asyncDispose]()
})

async function init(format: string, topic: string): Promise<void> {
  const environment = { ...rig.environment, HOOKTIDE_EVENT_TOPICS: topic }
  const { code, stderr } = await hooktide(['init', '--event-format', format], environment)
  if (code !== 0) throw new Error(stderr)
}

describe("the documents' producers", () => {
  it('write plain JSON with KafkaJS', async () => {
    await examples.start('produce-json.ts').finished
    expect(await deliveredAs('sign-in-4711')).toMatchObject({
      event: 'PostSignIn',
      userId: 'b8d1wq5rtn0s',
      userIp: '2001:db8:41::9f',
    })
  })

  it('write plain JSON with a shell and kcat', async ({ skip }) => {
    skip(isKcatMissing(), 'kcat is not installed')
    await examples.start('produce-json.sh').finished
    expect(await deliveredAs('sign-in-4712')).toMatchObject({
      event: 'PostSignIn',
      userId: 'k3v9tq2mzx7a',
    })
  })

  it('write events framed for the registry, as JSON Schema says', async () => {
    await examples.start('produce-json-schema.ts').finished
    expect(await deliveredAs('sign-in-4713')).toMatchObject({
      event: 'PostSignIn',
      userId: 'b8d1wq5rtn0s',
    })
    const { readAll } = await useKafka(surroundings().brokers)
    const record = (await readAll(`${rig.prefix}.events`)).find(({ headers }) =>
      [...headers].some(([, value]) => String(value) === 'sign-in-4713'),
    )
    expect(record?.value?.[0]).toBe(0)
  })

  it('write events in Avro, which receivers get as JSON', async () => {
    await avroExamples.start('produce-avro.ts').finished
    const body = await deliveredAs('organization-h8q2w6e0r4t9')
    expect(body).toMatchObject({
      event: 'Organization.Created',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { id: 'h8q2w6e0r4t9', customData: { seats: 40 } },
    })
  })
})

describe("the documents' reader of results", () => {
  it('reports the end of every run, and only once if a crash repeated a call', async () => {
    const headers = { 'event-id': 'read' }
    await rig.sendEvents({ headers })
    const isOurs = ({ eventId }: { readonly eventId: string }) => eventId === 'read'
    await rig.results.waitFor((all) => all.filter(isOurs).length === 2)
    // What a crash between a call's record and its commit leads to.
    const { produce, readAll } = await useKafka(surroundings().brokers)
    const topic = `${rig.prefix}.webhook.results`
    const records = await readAll(topic)
    await produce(
      topic,
      records.map(({ key, value }) => ({ key, value })),
    )
    await rig.sendEvents({ fields: { event: 'User.Created' } })

    await using reader = examples.start('read-results.ts')
    await reader.waitForLine((line) => line === 'User.Created reached last')
    // KafkaJS logs JSON to the same place.
    const lines = reader.lines.slice(0, -1).filter((line) => !line.startsWith('{'))
    expect(lines).toHaveLength(records.length)
    expect(new Set(lines)).toEqual(
      new Set([
        'PostSignIn reached welcome',
        'Organization.Created reached account',
        'PostSignIn for gone is dead: gone, ask the endpoint',
        'PostSignIn for gone is dead: endpoint-disabled, ask the endpoint',
      ]),
    )
  })
})

function isKcatMissing(): boolean {
  return spawnSync('kcat', ['-V']).error !== undefined && process.env['CI'] === undefined
}

/** The body that a successful call for this event carried. */
async function deliveredAs(id: string): Promise<unknown> {
  const results = await rig.results.waitFor((all) =>
    all.some(({ eventId, outcome }) => eventId === id && outcome === 'delivered'),
  )
  const result = results.find(({ eventId, outcome }) => eventId === id && outcome === 'delivered')
  const call = rig.receiver.requests.find(
    ({ headers }) => headers['webhook-id'] === result?.deliveryId,
  )
  return JSON.parse(call?.body.toString() ?? 'null')
}
