/** The hook topic after compaction. The broker is one of its own, since others clean too seldom for a test. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { createTableSource } from '../../src/edge/kafka/table-source.ts'
import { type EmbeddedKafka, startEmbeddedKafka } from '../../examples/sandbox/sandbox.ts'
import { loaded } from '../contract/table-source-suite.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog, useKafka, type KafkaTools } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: { 'log.cleaner.backoff.ms': '100' } })
})

afterAll(async () => {
  await kafka.stop()
})

async function createCompacted(tools: KafkaTools, topic: string): Promise<void> {
  await tools.createTopic(topic, 1, {
    'cleanup.policy': 'compact',
    'segment.ms': '50',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '0',
  })
}

/** Appends until the check holds: a segment is closed by the first record after its time, and only closed ones are cleaned. */
async function compactUntil(
  tools: KafkaTools,
  topic: string,
  check: (keys: readonly string[]) => void,
): Promise<number> {
  let ticks = 0
  await vi.waitFor(
    async () => {
      await tools.produce(topic, [{ key: 'tick', value: '1' }])
      ticks += 1
      check((await tools.readAll(topic)).map(({ key }) => String(key)))
    },
    { timeout: 40_000, interval: 200 },
  )
  return ticks
}

async function endInMarkers(topic: string): Promise<void> {
  const client = createKafka(settingsOf(kafka.brokers), silentLog, 'command')
  const producer = client.producer({
    transactionalId: `${topic}-tx`,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  for (const end of ['commit', 'abort'] as const) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ key: end, value: '1' }] })
    await transaction[end]()
  }
  await producer.disconnect()
}

describe('a compacted hook topic', () => {
  it('is read across gaps and transaction markers, to the newest record of each key', async () => {
    const { prefix } = uniqueNames()
    const topic = `${prefix}.table`
    const tools = await useKafka(kafka.brokers)
    await createCompacted(tools, topic)
    // All but the first record of the batch are replaced by the next: what is left of it ends in a hole of 999 offsets.
    const batch = (version: number) =>
      Array.from({ length: 1000 }, (_, index) => ({ key: `key-${index}`, value: `${version}` }))
    await tools.produce(topic, [{ key: 'keep', value: '1' }, ...batch(1).slice(1)])
    await tools.produce(topic, batch(2))
    const ticks = await compactUntil(tools, topic, (keys) => expect(keys.length).toBeLessThan(1100))
    await endInMarkers(topic)
    const table = createTableSource({
      settings: settingsOf(kafka.brokers),
      topic,
      setting: 'HOOKTIDE_TOPIC_HOOKS',
      log: silentLog,
    })
    onTestFinished(() => table.stop())
    const view = await loaded(table)

    expect(view.records.length).toBeLessThan(1100)
    const newest = new Map(view.records.map(({ key, value }) => [String(key), String(value)]))
    expect(newest.get('keep')).toBe('1')
    expect(newest.get('key-999')).toBe('2')
    expect(newest.get('commit')).toBe('1')
    expect(newest.has('abort')).toBe(false)
    expect(newest.size).toBe(1003)
    expect(view.records.at(-1)?.offset).toBe(2000 + ticks)

    const { signal } = new AbortController()
    const settings = settingsOf(kafka.brokers)
    const read = new Map<string, string>()
    const options = { settings, topic, from: 'earliest', isFollowing: false } as const
    for await (const records of readTopic({ ...options, signal, log: silentLog })) {
      for (const { key, value } of records) read.set(String(key), String(value))
    }
    // Not record by record: the cleaner may have been there again meanwhile.
    expect(read).toEqual(newest)

    await tools.produce(topic, [{ key: 'live', value: '1' }])
    await view.until(() => view.texts().includes('live=1'))
  })

  it('has nothing left of a deleted hook, whatever keys it had', async () => {
    const { prefix } = uniqueNames()
    const topic = `${prefix}.hooks`
    const tools = await useKafka(kafka.brokers)
    await createCompacted(tools, topic)
    const id = 'w2f8p6u0c9ydj3ms7ealr'
    const hook = {
      id,
      events: ['PostSignIn'],
      config: { url: 'https://x.example' },
      signingKey: '',
    }
    const row = { id, tenant_id: 'default', events: '[]', config: '{"url":"x"}', signing_key: '' }
    const keys = [id, JSON.stringify(id), JSON.stringify({ id })]
    await tools.produce(topic, [
      { key: id, value: JSON.stringify(hook) },
      { key: JSON.stringify(id), value: JSON.stringify(hook) },
      { key: JSON.stringify({ id }), value: JSON.stringify(row) },
    ])
    const environment = {
      KAFKA_BROKERS: kafka.brokers.join(','),
      HOOKTIDE_TOPIC_PREFIX: prefix,
    }
    const { code, stderr } = await hooktide(['hooks', 'delete', id, '--yes'], environment)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `warning: ${id} was captured from a database: delete it there too, or its next change brings it back\n`,
    })

    await compactUntil(tools, topic, (left) => {
      expect(left.filter((key) => keys.includes(key))).toEqual([])
    })
    expect(await hooktide(['hooks', 'get', id], environment)).toMatchObject({
      code: 1,
      stderr: `There is no hook ${id}.\n`,
    })
  })
})
