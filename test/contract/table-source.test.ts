import { describe, expect, it, onTestFinished } from 'vitest'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { maxBatchBytes } from '../../src/edge/kafka/batches.ts'
import { createTableSource, type TableSourceOptions } from '../../src/edge/kafka/table-source.ts'
import type { TableSource } from '../../src/ports.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { settingsOf, silentLog, useKafka, type KafkaTools } from '../support/kafka-tools.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'
import { recreateTopic } from '../support/topic-recreation.ts'
import { describeTableSource, loaded, type TableWorld } from './table-source-suite.ts'

describeTableSource('in memory', async (partitions) => {
  const broker = createMemoryBroker(createHandClock())
  broker.createTopic('topic', { partitions })
  return {
    table: () => broker.tableSource('topic'),
    async produce(partition, records) {
      for (const [key, value] of records) broker.produce('topic', { key, value, partition })
    },
    async recreate(records) {
      broker.recreateTopic('topic')
      for (const [key, value] of records) broker.produce('topic', { key, value, partition: 0 })
    },
  }
})

interface RealWorld extends TableWorld {
  readonly topic: string
  readonly group: string
  readonly tools: KafkaTools
  tableWith(options: Partial<TableSourceOptions>): TableSource
}

async function makeRealWorld(partitions: number): Promise<RealWorld> {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const topic = `${prefix}.table`
  const tools = await useKafka(brokers)
  await tools.createTopic(topic, partitions, { 'cleanup.policy': 'compact' })
  const tableWith = (options: Partial<TableSourceOptions>): TableSource => {
    const table = createTableSource({
      settings: settingsOf(brokers, 'table'),
      topic,
      setting: 'HOOKTIDE_TOPIC_HOOKS',
      checkMs: 200,
      log: silentLog,
      ...options,
    })
    onTestFinished(() => table.stop())
    return table
  }
  return {
    topic,
    group,
    tools,
    tableWith,
    table: () => tableWith({}),
    produce: (partition, records) =>
      tools.produce(
        topic,
        records.map(([key, value]) => ({ partition, key, value })),
      ),
    async recreate(records) {
      const configs = { 'cleanup.policy': 'compact' }
      recreateTopic({ brokers, topic, partitions, configs, records })
    },
  }
}

describeTableSource('Kafka', makeRealWorld)

describe('a table source on Kafka', () => {
  it('is loaded when the topic ends with markers of transactions, which readers do not get', async () => {
    const world = await makeRealWorld(1)
    await world.produce(0, [['a', '1']])
    const kafka = createKafka(settingsOf(surroundings().brokers), silentLog, 'command')
    const producer = kafka.producer({
      transactionalId: `${world.group}-tx`,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: world.topic, messages: [{ key: end, value: '1' }] })
      await transaction[end]()
    }
    await producer.disconnect()
    const view = await loaded(world.table())

    expect(view.texts()).toEqual(['a=1', 'commit=1'])
  })

  it('fails at unreadable records, since they may change any key', async () => {
    const world = await makeRealWorld(1)
    await world.produce(0, [['a', '1']])
    const view = await loaded(world.table())
    const bomb = { partition: 0, key: 'b', value: Buffer.alloc(maxBatchBytes) }
    await world.tools.produce(world.topic, [bomb], 'zstd')
    await world.produce(0, [['c', '1']])
    await view.until(() => view.failures.length > 0)

    const message =
      /up to offset 1 of partition 0, 1 in number, cannot be read .*HOOKTIDE_TOPIC_HOOKS/
    expect(view.failures.map((error) => error.message)).toEqual([expect.stringMatching(message)])
    expect(view.texts()).toEqual(['a=1'])
    await expect(loaded(world.table())).rejects.toThrow(message)
  })

  it('says how far it has read when loading takes too long', async () => {
    const world = await makeRealWorld(1)
    await world.produce(0, [['a', '1']])
    const table = world.tableWith({ loadTimeoutMs: 0 })

    await expect(loaded(table)).rejects.toThrow(/was not read within 0 ms/)
  })

  it('belongs to no group', async () => {
    const world = await makeRealWorld(1)
    const before = new Set(
      (await world.tools.admin.listGroups()).groups.map(({ groupId }) => groupId),
    )
    const view = await loaded(world.table())
    await world.produce(0, [['a', '1']])
    await view.until(() => view.records.length === 1)

    const { groups } = await world.tools.admin.listGroups()
    expect(groups.filter(({ groupId }) => !before.has(groupId))).toEqual([])
  })

  it('reads partitions that are added', async () => {
    const world = await makeRealWorld(1)
    const view = await loaded(world.table())
    await world.tools.addPartitions(world.topic, 2)
    await world.produce(1, [['b', '1']])
    await view.until(() => view.records.length === 1)

    expect(view.texts()).toEqual(['b=1'])
  })

  it('rejects when it is stopped before it has read', async () => {
    const world = await makeRealWorld(1)
    const table = world.table()
    const loading = loaded(table)
    await table.stop()

    await expect(loading).rejects.toThrow(`stopped before topic ${world.topic} was read`)
  })
})
