/** Logto's webhooks over HTTP, by the real `hooktide ingest`, to a real broker and on to receivers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { soonForgotten, startEmbeddedKafka } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { startIngest, type RunningProcess } from '../support/hooktide-process.ts'
import { logtoKey, logtoWebhook, type LogtoWebhook } from '../support/logto-webhooks.ts'
import { byLabel, parseMetrics } from '../support/metric-lines.ts'
import { surroundings } from '../support/sandbox.ts'
import { pageOf } from '../support/steps.ts'
import { tailTopic } from '../support/topic-tail.ts'

const withKey = { HOOKTIDE_INGEST_SIGNING_KEYS: logtoKey }

/** @returns the process once it is ready, and how to send it a webhook */
async function ingest(environment: Readonly<Record<string, string>>) {
  const process = startIngest(environment)
  onTestFinished(() => process[Symbol.asyncDispose]())
  const line = await process.waitForLine(({ msg }) => msg === 'receiving webhooks')
  const origin = `http://127.0.0.1:${String(line['port'])}`
  const post = ({ body, headers }: LogtoWebhook, path = '/logto') =>
    fetch(`${origin}${path}`, { method: 'POST', body, headers })
  return { process, post }
}

function recordsOf(rig: BrokerRig, brokers: readonly string[]) {
  const tail = tailTopic(brokers, `${rig.prefix}.events`, ({ key, value, headers }) =>
    Promise.resolve({ key: key?.toString(), value: value.toString(), headers }),
  )
  onTestFinished(() => tail.stop())
  return tail
}

async function countsOf(process: RunningProcess): Promise<Readonly<Record<string, number>>> {
  const page = await pageOf(process, '/metrics')
  const counts = byLabel(parseMetrics(page), 'hooktide_ingest_requests_total')
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

describe('a webhook that Logto sends over HTTP', () => {
  it('is on the topic without hookId and otherwise unchanged, and reaches the hooks of its tenant with their signatures', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 2 })
    await rig.putHooks({ id: 'ours' }, { id: 'theirs', tenantId: 'acme' })
    await rig.run()
    const records = recordsOf(rig, brokers)
    const { process, post } = await ingest({ ...rig.environment, ...withKey })
    await process.ready()

    const webhook = logtoWebhook({ userId: 'b8d1wq5rtn0s', name: 'Zoë' })
    const response = await post(webhook)
    expect(response.status).toBe(200)
    const [record] = await records.waitFor(({ length }) => length === 1)
    expect(record).toEqual({
      key: 'b8d1wq5rtn0s',
      value: webhook.event,
      headers: { 'event-id': expect.stringMatching(/^logto-[\w-]{22}$/), 'tenant-id': 'default' },
    })
    expect(await response.json()).toEqual({ eventId: record?.headers['event-id'] })
    const [call] = await rig.receiver.waitFor(1)
    expect(call).toMatchObject({
      path: '/ours',
      logtoSignature: 'valid',
      standardSignature: 'valid',
    })
    expect(call?.body.toString()).toBe(`${webhook.event.slice(0, -1)},"hookId":"ours"}`)
    expect(await countsOf(process)).toEqual({ accepted: 1 })
  })

  it('has the same webhook-id when Logto sends it again, to the same process or to another', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'ours' })
    await rig.run()
    const records = recordsOf(rig, brokers)
    const webhook = logtoWebhook({ userId: 'u1' })
    const first = await ingest({ ...rig.environment, ...withKey })
    await first.process.ready()
    expect((await first.post(webhook)).status).toBe(200)
    expect((await first.post(webhook)).status).toBe(200)
    expect(await countsOf(first.process)).toEqual({ accepted: 1, repeated: 1 })
    const second = await ingest({ ...rig.environment, ...withKey })
    await second.process.ready()
    expect((await second.post(webhook)).status).toBe(200)
    // One partition, and one hook: what is before it has had its calls.
    await second.post(logtoWebhook({ userId: 'last' }))
    const [one, two, last] = await records.waitFor(({ length }) => length === 3)
    expect(one?.headers['event-id']).toBe(two?.headers['event-id'])
    const lastId = last?.headers['event-id']
    const results = await rig.results.waitFor((items) =>
      items.some(({ eventId }) => eventId === lastId),
    )
    const ids = new Set(results.map(({ deliveryId }) => deliveryId))
    expect(ids.size).toBe(2)
    const called = rig.receiver.requests.map(({ headers }) => headers['webhook-id'])
    expect(new Set(called)).toEqual(ids)
  })

  it('belongs to the tenant of its path, and must be signed with a key of its path', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const records = recordsOf(rig, brokers)
    const folder = await mkdtemp(join(tmpdir(), 'hooktide-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const keys = { one: 'k'.repeat(32), old: 'o'.repeat(32), acme: 'a'.repeat(32) }
    await writeFile(join(folder, 'acme.keys'), `${keys.acme}\n`)
    const sources = [
      { path: '/one', signingKeys: [keys.one, keys.old] },
      { path: '/acme', tenantId: 'acme', signingKeysFile: join(folder, 'acme.keys') },
    ]
    await writeFile(join(folder, 'sources.json'), JSON.stringify(sources))
    const { process, post } = await ingest({
      ...rig.environment,
      HOOKTIDE_INGEST_SOURCES_FILE: join(folder, 'sources.json'),
    })
    await process.ready()
    const signed = (userId: string, key: string) => logtoWebhook({ userId }, { key })
    const statuses = [
      await post(signed('a', keys.one), '/one'),
      await post(signed('b', keys.old), '/one'),
      await post(signed('c', keys.acme), '/acme'),
      await post(signed('d', keys.one), '/acme'),
      await post(signed('e', keys.one), '/logto'),
    ].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200, 401, 404])
    const written = await records.waitFor(({ length }) => length === 3)
    expect(written.map(({ key, headers }) => `${key} ${headers['tenant-id']}`)).toEqual([
      'a default',
      'b default',
      'c acme',
    ])
    const told = process.lines.map((line) => JSON.stringify(line)).join('\n')
    for (const key of Object.values(keys)) expect(told).not.toContain(key)
  })
})

describe('hooktide ingest', () => {
  it('answers the requests that have begun when it is stopped, and exits with 0', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const records = recordsOf(rig, brokers)
    const { process, post } = await ingest({ ...rig.environment, ...withKey })
    await process.ready()
    const answers = Array.from({ length: 50 }, (_, index) =>
      post(logtoWebhook({ userId: `u${index}` })).then(
        ({ status }) => status,
        () => 'refused',
      ),
    )
    await Promise.race(answers)
    process.signal('SIGTERM')
    const statuses = await Promise.all(answers)
    expect(await process.exited).toBe(0)
    const taken = statuses.filter((status) => status === 200).length
    expect(taken).toBeGreaterThan(0)
    await records.waitFor(({ length }) => length >= taken)
    expect(process.lines.at(-1)).toMatchObject({ msg: 'stopped' })
  })

  it('exits with an error that names its topic if it does not exist', async () => {
    const environment = { KAFKA_BROKERS: surroundings().brokers.join(','), ...withKey }
    await using process = startIngest({ ...environment, HOOKTIDE_TOPIC_PREFIX: 'nowhere' })
    expect(await process.exited).toBe(1)
    expect(process.errorOutput()).toContain('nowhere.events does not exist: run "hooktide init".')
  })

  it('answers 503 at once until Kafka is reachable', async () => {
    const { process, post } = await ingest({ KAFKA_BROKERS: '127.0.0.1:1', ...withKey })
    const response = await post(logtoWebhook())
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await pageOf(process, '/readyz')).toMatch(/^503 not ready: starting/)
    process.signal('SIGTERM')
    expect(await process.exited).toBe(0)
  })

  it('answers 503 while its broker is away, at once from the second on, and writes each event once', async () => {
    const kafka = await startEmbeddedKafka({ overrides: soonForgotten })
    onTestFinished(() => kafka.stop())
    await using rig = await createBrokerRig({ brokers: kafka.brokers })
    const records = recordsOf(rig, kafka.brokers)
    const ackTimeout = { HOOKTIDE_INGEST_ACK_TIMEOUT_MS: '2000' }
    const { process, post } = await ingest({ ...rig.environment, ...withKey, ...ackTimeout })
    await process.ready()
    expect((await post(logtoWebhook({ userId: 'before' }))).status).toBe(200)
    await kafka.kill()
    const webhook = logtoWebhook({ userId: 'within' })
    expect((await post(webhook)).status).toBe(503)
    const refused = await post(logtoWebhook({ userId: 'refused' }))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    await vi.waitFor(async () => expect(await pageOf(process, '/readyz')).toMatch(/^503 /), 20_000)
    await kafka.restart()
    // As Logto does, and whoever sends by hand after an outage.
    await vi.waitFor(async () => expect((await post(webhook)).status).toBe(200), {
      timeout: 60_000,
      interval: 200,
    })
    expect(await pageOf(process, '/readyz')).toBe('200 ready')
    await post(logtoWebhook({ userId: 'after' }))
    const written = await records.waitFor((items) => items.some(({ key }) => key === 'after'))
    expect(written.map(({ key }) => key)).toEqual(['before', 'within', 'after'])
    const events = parseMetrics(await pageOf(process, '/metrics'))
    expect(byLabel(events, 'hooktide_ingest_events_total')).toEqual({ '/logto': 3 })
  })
})
