import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RegistryClient, type RegistryAnswer } from '../../src/edge/registry/client.ts'
import { authEventAvro } from '../support/avro-events.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { framed } from '../support/memory-schemas.ts'
import { startRegistryProxy, type RegistryProxy } from '../support/registry-proxy.ts'
import { surroundings } from '../support/sandbox.ts'

const time = '2026-09-14T09:02:11.019Z'
const jsonSchema = readFileSync(
  new URL('../../schemas/auth-event.schema.json', import.meta.url),
  'utf8',
)
const plainText = (n: number) => `{"event":"PostSignIn","createdAt":"${time}","n":${n}}`
const bodyOf = (text: string) => text.replace(/}\s*$/, ',"hookId":"a"}')

function hookText(rig: BrokerRig): string {
  return JSON.stringify({
    id: 'a',
    tenantId: 'default',
    name: 'A',
    events: ['PostSignIn'],
    config: { url: rig.urlOf('a') },
    signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
    enabled: true,
  })
}

/** A producer that uses the registry's own client. */
interface Producer {
  readonly avroId: number
  readonly jsonId: number
  avro(userId: string): Promise<Buffer>
  json(text: string): Buffer
}

async function registerForms(rig: BrokerRig): Promise<Producer> {
  const host = surroundings().registryUrl
  const registry = new SchemaRegistry({ host })
  const client = new RegistryClient({ url: host, username: undefined, password: undefined })
  const [avroId, jsonId] = await Promise.all([
    registeredId(client.register(`${rig.prefix}-avro`, { type: 'AVRO', text: authEventAvro })),
    registeredId(client.register(`${rig.prefix}-json`, { type: 'JSON', text: jsonSchema })),
  ])
  return {
    avroId,
    jsonId,
    avro: (userId) =>
      registry.encode(avroId, { event: 'PostSignIn', createdAt: Date.parse(time), userId }),
    json: (text) => framed(jsonId, text),
  }
}

async function registeredId(registering: Promise<RegistryAnswer<number>>): Promise<number> {
  const answer = await registering
  if (answer.kind !== 'found') throw new Error(answer.message)
  return answer.value
}

async function makeRig(registryUrl: string): Promise<BrokerRig> {
  const { brokers } = surroundings()
  const rig = await createBrokerRig({
    brokers,
    registryUrl,
    partitions: 2,
    environment: { HOOKTIDE_RETRY_SCHEDULE: '1s', HOOKTIDE_RETRY_TIERS: '1s' },
    answer: ({ headers, body }) =>
      headers['hooktide-attempt'] === '1' && body.includes('"userId":"twice"')
        ? { kind: 'respond', status: 500 }
        : undefined,
  })
  onTestFinished(() => rig[Symbol.asyncDispose]())
  return rig
}

async function makeProxy(): Promise<RegistryProxy> {
  const proxy = await startRegistryProxy(surroundings().registryUrl)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return proxy
}

const unreadyOf = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).text()

describe('three value forms on one topic', () => {
  it('are delivered, JSON byte for byte and Avro as JSON, also in retries; other values are rejected', async () => {
    const rig = await makeRig(surroundings().registryUrl)
    const producer = await registerForms(rig)
    await rig.putHooks({ id: 'a' })
    await rig.run()
    const spaced = `{ "event":"PostSignIn","createdAt":"${time}", "n":1.0e0 , "é":"\\u00e9" }`
    const broken = [
      framed(producer.avroId, 'garbage'),
      framed(2_000_000_001, 'unknown'),
      Buffer.from([0, 0]),
    ]
    await rig.sendEvents(
      { value: plainText(1) },
      { value: producer.json(spaced) },
      { value: await producer.avro('twice') },
      ...broken.map((value) => ({ value })),
    )
    const received = await rig.receiver.waitFor(4)
    const bodies = received.map(({ body }) => body.toString())
    expect(bodies.slice(0, 3)).toEqual(
      expect.arrayContaining([
        bodyOf(plainText(1)),
        `{ "event":"PostSignIn","createdAt":"${time}", "n":1.0e0 , "é":"\\u00e9" ,"hookId":"a"}`,
      ]),
    )
    const avroBodies = bodies.filter((body) => body.includes('"userId":"twice"'))
    expect(avroBodies).toHaveLength(2)
    expect(avroBodies[1]).toBe(avroBodies[0])
    expect(avroBodies[0]).toMatch(
      /^{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","userAgent":null,.*,"hookId":"a"}$/,
    )
    for (const { logtoSignature } of received) expect(logtoSignature).toBe('valid')
    const rejected = await rig.rejected.waitFor((items) => items.length === 3)
    const byReason = new Map(rejected.map((one) => [one.headers['hooktide-reason'], one.value]))
    expect(byReason).toEqual(
      new Map([
        ['invalid-avro', broken[0]],
        ['unknown-schema', broken[1]],
        ['truncated-frame', broken[2]],
      ]),
    )
  })
})

describe('a registry that stops answering', () => {
  it('at the start makes run wait if hooks are framed, and /readyz says why', async () => {
    const proxy = await makeProxy()
    const rig = await makeRig(proxy.url)
    const producer = await registerForms(rig)
    await rig.sendHooks(
      { key: 'a', value: producer.json(hookText(rig)) },
      { key: 'b', value: framed(2_000_000_001, 'x') },
    )
    await rig.sendEvents({ value: plainText(1) }, { value: await producer.avro('one') })
    const shown = await hooktide(['hooks', 'get', 'a', '--json'], rig.environment)
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('"name":"A"') })
    const listed = await hooktide(['hooks', 'list'], rig.environment)
    expect(listed.stdout).toContain('The schema registry has no schema 2000000001')
    await proxy.hang()
    const process = rig.start()
    const waiting = await process.waitForLine(({ msg }) => /no answer within 5 s/.test(msg ?? ''))
    expect(waiting['level']).toBe('warn')
    expect(await unreadyOf(await process.port)).toMatch(/starting: The registry .*no answer/)
    await proxy.pass()
    expect(await rig.receiver.waitFor(2)).toHaveLength(2)
    expect(rig.rejected.items).toEqual([])
  })

  it('later, whether down or hanging, delays only framed events, and loses and rejects none', async () => {
    const proxy = await makeProxy()
    const rig = await makeRig(proxy.url)
    const producer = await registerForms(rig)
    await rig.putHooks({ id: 'a' })
    const process = await rig.run()
    await proxy.down()
    await rig.sendEvents(
      { value: await producer.avro('one'), partition: 0 },
      { value: plainText(1), partition: 1 },
    )
    await process.waitForLine(({ msg }) => msg === 'framed records wait for their schemas')
    const [first] = await rig.receiver.waitFor(1)
    expect(first?.body.toString()).toBe(bodyOf(plainText(1)))
    expect(await unreadyOf(await process.port)).toMatch(
      /framed records wait for their schemas: .*ECONNREFUSED/,
    )
    await proxy.hang()
    await rig.sendEvents({ value: producer.json(plainText(2)), partition: 1 })
    await proxy.hanging
    await proxy.pass()
    expect(await rig.receiver.waitFor(3)).toHaveLength(3)
    await process.waitForLine(({ msg }) => msg === 'framed records have their schemas')
    expect(await unreadyOf(await process.port)).not.toMatch(/schema/)
    expect(rig.rejected.items).toEqual([])
    const lines = process.lines.filter(({ msg }) => msg === 'framed records wait for their schemas')
    expect(lines.length).toBeLessThanOrEqual(3)
  })
})

describe('a framed event without a registry setting', () => {
  it('is rejected, with one warning that names the setting', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const process = await rig.run()
    await rig.sendEvents({ value: framed(1, '{}') }, { value: framed(2, '{}') })
    const rejected = await rig.rejected.waitFor((items) => items.length === 2)
    expect(rejected.map(({ headers }) => headers['hooktide-reason'])).toEqual([
      'no-registry',
      'no-registry',
    ])
    const warnings = process.lines.filter(
      ({ level, msg }) => level === 'warn' && /SCHEMA_REGISTRY_URL is not set/.test(msg ?? ''),
    )
    expect(warnings).toHaveLength(1)
  })
})
