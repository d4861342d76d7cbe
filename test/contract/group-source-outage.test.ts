/** What the Kafka adapters do while their broker is gone. It is one of their own, since it is killed. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createGroupSource } from '../../src/edge/kafka/group-source.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createTableSource } from '../../src/edge/kafka/table-source.ts'
import {
  type EmbeddedKafka,
  soonForgotten,
  startEmbeddedKafka,
} from '../../examples/sandbox/sandbox.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { started } from './group-listener.ts'
import { loaded } from './table-source-suite.ts'

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: soonForgotten })
})

afterAll(async () => {
  await kafka.stop()
})

describe('while the broker is away', () => {
  it('nothing is committed, proven or lost, and everything continues when it is back', async () => {
    const settings = settingsOf(kafka.brokers)
    const { prefix, group } = uniqueNames()
    const topic = `${prefix}.topic`
    const tools = await useKafka(kafka.brokers)
    await tools.createTopic(topic, 2)
    const common = { settings, log: silentLog, sessionTimeoutMs: 6000 }
    const source = createGroupSource({ ...common, groupId: group, topics: [topic] })
    const table = createTableSource({
      settings,
      log: silentLog,
      topic,
      setting: 'HOOKTIDE_TOPIC_HOOKS',
    })
    const sink = createSink({ settings, log: silentLog })
    onTestFinished(async () => {
      await Promise.all([source.stop(), table.stop(), sink.stop()])
    })
    const recordOf = (value: number) => ({
      topic,
      key: `${value}`,
      value: Buffer.from(`${value}`),
      headers: [],
    })
    await sink.write([0, 1, 2, 3].map(recordOf))
    const listener = await started(source)
    const view = await loaded(table)
    await listener.until(() => listener.records.length === 4)

    await kafka.kill()
    const provenAt = source.provenAt()
    let isWritten = false
    const values = Array.from({ length: 500 }, (_, index) => index + 4)
    const writing = sink.write(values.map(recordOf)).then(() => {
      isWritten = true
    })
    const outcome = await source.commit([{ topic, partition: 0, offset: 1, metadata: 'lost' }])
    expect(outcome).toBe('unavailable')
    expect(source.provenAt()).toBe(provenAt)
    expect(isWritten).toBe(false)
    expect(sink.pendingCount()).toBe(500)

    await kafka.restart()
    await writing
    const seen = (records: readonly { readonly key: Buffer | null }[]) =>
      new Set(records.map((record) => String(record.key))).size
    await listener.until(() => seen(listener.records) === 504)
    await view.until(() => seen(view.records) === 504)
    // The first records can arrive before the first heartbeat is answered.
    await vi.waitFor(() => expect(source.provenAt()).toBeGreaterThan(provenAt ?? Infinity), 10_000)
    expect(listener.failures).toEqual([])
    expect(view.failures).toEqual([])
    const kept = { topic, partition: 0, offset: 1, metadata: 'kept' }
    expect(await source.commit([kept])).toBe('committed')
    // A position is taken up where it stood: what was applied is not applied again.
    expect(view.records).toHaveLength(
      new Set(view.records.map((record) => `${record.partition}-${record.offset}`)).size,
    )
  })
})
