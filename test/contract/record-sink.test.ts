import { describe, expect, it, onTestFinished } from 'vitest'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { settingsOf, silentLog, useKafka, type KafkaTools } from '../support/kafka-tools.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'
import {
  describeRecordSink,
  recordOf,
  type MakeSinkWorld,
  type SinkWorld,
} from './record-sink-suite.ts'

describeRecordSink('in memory', async (options) => {
  const broker = createMemoryBroker(createHandClock())
  broker.createTopic('topic', options)
  return { topic: 'topic', sink: () => broker.sink(), read: async () => broker.read('topic') }
})

interface RealWorld extends SinkWorld {
  readonly tools: KafkaTools
}

async function makeRealWorld({
  partitions,
  maxMessageBytes,
}: Parameters<MakeSinkWorld>[0]): Promise<RealWorld> {
  const { brokers } = surroundings()
  const topic = `${uniqueNames().prefix}.sink`
  const tools = await useKafka(brokers)
  const configs =
    maxMessageBytes === undefined ? {} : { 'max.message.bytes': String(maxMessageBytes) }
  await tools.createTopic(topic, partitions, configs)
  return {
    topic,
    tools,
    sink() {
      const sink = createSink({ settings: settingsOf(brokers), log: silentLog })
      onTestFinished(() => sink.stop())
      return sink
    },
    read: () => tools.readAll(topic),
  }
}

describeRecordSink('Kafka', makeRealWorld)

describe('a record sink on Kafka', () => {
  it('chooses the same partition as the default partitioner', async () => {
    const world = await makeRealWorld({ partitions: 5 })
    const keys = Array.from({ length: 200 }, (_, index) => `ключ-${'x'.repeat(index % 9)}-${index}`)
    await world.sink().write(keys.map((key) => recordOf(world, key, 'ours')))
    await world.tools.produce(
      world.topic,
      keys.map((key) => ({ key, value: 'theirs' })),
    )
    const byKey = Map.groupBy(await world.read(), (record) => String(record.key))

    expect(byKey.size).toBe(keys.length)
    for (const records of byKey.values()) {
      expect(records).toHaveLength(2)
      expect(new Set(records.map((record) => record.partition)).size).toBe(1)
    }
  })

  it('writes more at once than one batch of a partition may hold', async () => {
    const world = await makeRealWorld({ partitions: 1 })
    const value = 'x'.repeat(4096)
    const records = Array.from({ length: 1000 }, (_, index) => recordOf(world, `${index}`, value))
    await world.sink().write(records)

    expect((await world.read()).map((record) => Number(record.key))).toEqual(
      records.map((_, index) => index),
    )
  })

  it('writes to a new topic while it refreshes the partitions of another', async () => {
    const world = await makeRealWorld({ partitions: 1 })
    const other = { ...world, topic: `${world.topic}.other` }
    await world.tools.createTopic(other.topic, 1)
    const settings = settingsOf(surroundings().brokers)
    const sink = createSink({ settings, partitionsMaxAgeMs: 0, log: silentLog })
    onTestFinished(() => sink.stop())
    await sink.write([recordOf(world, 'key', 'first')])
    await sink.write([recordOf(world, 'key', 'second'), recordOf(other, 'key', 'third')])

    expect(await world.tools.readAll(other.topic)).toHaveLength(1)
  })

  it('waits for a topic that does not exist yet', async () => {
    const world = await makeRealWorld({ partitions: 1 })
    const late = { ...world, topic: `${world.topic}.late` }
    const warned = Promise.withResolvers<void>()
    const sink = createSink({
      settings: settingsOf(surroundings().brokers),
      log: (level) => {
        if (level === 'warn') warned.resolve()
      },
    })
    onTestFinished(() => sink.stop())
    const writing = sink.write([recordOf(late, 'key', 'value')])
    await warned.promise
    expect(sink.pendingCount()).toBe(1)
    await world.tools.createTopic(late.topic, 1)
    await writing

    expect(await world.tools.readAll(late.topic)).toHaveLength(1)
  })

  it.each(['at the same time', 'later'])(
    'writes a record for one partition soon while hundreds wait for others that were written %s',
    async (when) => {
      const world = await makeRealWorld({ partitions: 2 })
      const other = { ...world, topic: `${world.topic}.other` }
      await world.tools.createTopic(other.topic, 1)
      const sink = createSink({
        settings: settingsOf(surroundings().brokers),
        limits: { maxRecords: 20, maxBytesPerPartition: 1_000_000 },
        log: silentLog,
      })
      onTestFinished(() => sink.stop())
      // Both topics are known from here on.
      await sink.write([recordOf(world, 'key', 'value'), recordOf(other, 'key', 'value')])
      const written: string[] = []
      const many = Array.from({ length: 2_000 }, (_, n) => recordOf(world, `key${n}`, 'value'))
      const writes = many.map((record) => sink.write([record]))
      const writingMany = Promise.all(writes).then(() => written.push('many'))
      if (when === 'later') await Promise.race(writes)
      const writingOne = sink.write([recordOf(other, 'key', 'value')])
      await Promise.all([writingMany, writingOne.then(() => written.push('one'))])
      expect(written).toEqual(['one', 'many'])
    },
  )
})
