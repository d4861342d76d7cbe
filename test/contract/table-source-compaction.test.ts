/** Reading over what compaction removed. The broker is one of its own, since others clean too seldom for a test. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTableSource } from '../../src/edge/kafka-table-source.ts'
import { startEmbeddedKafka, type EmbeddedKafka } from '../../src/sandbox/kafka.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { loaded } from './table-source-suite.ts'

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: { 'log.cleaner.backoff.ms': '100' } })
})

afterAll(async () => {
  await kafka.stop()
})

describe('a table source on a compacted topic', () => {
  it('crosses the holes and arrives at the newest record of each key', async () => {
    const { prefix, group } = uniqueNames()
    const topic = `${prefix}.table`
    const tools = await useKafka(kafka.brokers)
    await tools.createTopic(topic, 1, {
      'cleanup.policy': 'compact',
      'segment.ms': '50',
      'min.cleanable.dirty.ratio': '0.01',
    })
    // All but the first record of the batch are replaced by the next: what is left of it ends in a hole of 999 offsets.
    const batch = (version: number) =>
      Array.from({ length: 1000 }, (_, index) => ({ key: `key-${index}`, value: `${version}` }))
    await tools.produce(topic, [{ key: 'keep', value: '1' }, ...batch(1).slice(1)])
    await tools.produce(topic, batch(2))
    const produced = { count: 2000 }
    await vi.waitFor(
      async () => {
        // A segment is closed by the first record that comes after its time, and only closed ones are cleaned.
        await tools.produce(topic, [{ key: 'tick', value: '1' }])
        produced.count += 1
        expect((await tools.readAll(topic)).length).toBeLessThan(1100)
      },
      { timeout: 40_000, interval: 200 },
    )
    const table = createTableSource({
      settings: settingsOf(kafka.brokers),
      group,
      instance: 'instance',
      topic,
      sessionTimeoutMs: 6000,
      log: silentLog,
    })
    onTestFinished(() => table.stop())
    const view = await loaded(table)
    await tools.produce(topic, [{ key: 'live', value: '1' }])
    await view.until(() => view.texts().includes('live=1'))

    expect(view.records.length).toBeLessThan(1100)
    const newest = new Map(view.records.map(({ key, value }) => [String(key), String(value)]))
    expect(newest.get('keep')).toBe('1')
    expect(newest.get('key-999')).toBe('2')
    expect(newest.size).toBe(1003)
    expect(view.records.at(-1)?.offset).toBe(produced.count)
  })
})
