import { describe, expect, it, onTestFinished } from 'vitest'
import { readToEnd } from '../../src/commands/kafka-session.ts'
import { InterruptedError } from '../../src/core/model/errors.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { type ReadOptions, readTopic } from '../../src/edge/kafka/reader.ts'
import { topicIdsOf } from '../../src/edge/kafka/topic-ids.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { limitReading } from '../support/quotas.ts'
import { surroundings } from '../support/sandbox.ts'
import { recreateTopic } from '../support/topic-recreation.ts'

describe('a topic that is read without a group', () => {
  it('is returned in the order of each partition, whatever the timestamps are', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 2)
    const at = (value: string, partition: number, timestamp: number) => ({
      value,
      partition,
      timestamp: String(1_789_376_531_000 + timestamp),
    })
    await tools.produce(topic, [at('a1', 0, 50), at('b1', 1, 20), at('b2', 1, 60)])
    await tools.produce(topic, [at('a2', 0, 10), at('b3', 1, 40)])
    const values = await valuesOf(topic)

    expect(values.toSorted()).toEqual(['a1', 'a2', 'b1', 'b2', 'b3'])
    expect(values.filter((value) => value.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(values.filter((value) => value.startsWith('b'))).toEqual(['b1', 'b2', 'b3'])
  })

  it('is returned by time over all partitions on request, even if a partition ends with unreadable records', async () => {
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(surroundings().brokers)
    await tools.createTopic(topic, 3)
    const at = (value: string, partition: number, timestamp: number) => ({
      value,
      partition,
      timestamp: String(1_789_376_531_000 + timestamp),
    })
    // A fetch brings one of these: the others of the partition must wait for the fetches of the others.
    const padding = 'x'.repeat(700_000)
    for (const [name, time] of [
      ['a', 10],
      ['c', 30],
      ['e', 50],
    ] as const) {
      await tools.produce(topic, [at(name + padding, 0, time)])
    }
    await tools.produce(topic, [at('d', 1, 40), at('f', 1, 60)])
    await tools.produceInTransaction(topic, [at('b', 2, 20)])
    // A broker answers that a transaction is committed before its partitions say so.
    await expect.poll(() => valuesOf(topic), { timeout: 10_000 }).toContain('b')

    const seen: string[] = []
    for await (const records of read(topic, { isByTime: true })) seen.push(...initials(records))
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('is returned without records of aborted transactions, however many were open at once', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    // To KafkaJS alone this key ends a transaction.
    const key = Buffer.alloc(4)
    const open = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const client = createKafka(settingsOf(brokers), silentLog, 'command')
        const transactionalId = `${topic}-${name}`
        const producer = client.producer({
          transactionalId,
          idempotent: true,
          maxInFlightRequests: 1,
        })
        await producer.connect()
        onTestFinished(() => producer.disconnect())
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ key, value: `${name} taken back` }] })
        return { name, producer, transaction }
      }),
    )
    for (const { transaction, name } of open) {
      await transaction.send({ topic, messages: [{ value: `${name} taken back, too` }] })
    }
    for (const { transaction } of open) await transaction.abort()
    for (const { name, producer } of open) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: `${name} kept` }] })
      await transaction.commit()
    }

    const read = await tools.readAll(topic)
    expect(read.map(({ value }) => String(value))).toEqual(['a kept', 'b kept', 'c kept'])
    expect(await valuesOf(topic)).toEqual(['a kept', 'b kept', 'c kept'])
  })
})

describe('a topic whose records are deleted while it is read', () => {
  it('is read on from the remaining records, and the number of removed offsets is reported', async () => {
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(surroundings().brokers)
    await tools.createTopic(topic, 1)
    // A fetch brings one of them.
    const padding = 'x'.repeat(700_000)
    for (const name of ['a', 'b', 'c', 'd']) {
      await tools.produce(topic, [{ value: name + padding, partition: 0 }])
    }
    const removed: number[] = []
    const reading = read(topic, { onRemoved: (count) => removed.push(count) })
    const { value: first } = await reading.next()
    await tools.deleteRecords(topic, 0, 3)
    const seen = [...initials(first)]
    for await (const records of reading) seen.push(...initials(records))
    expect(seen).toEqual(['a', 'd'])
    expect(removed).toEqual([2])
  })

  it('is not read on if it was created again, since the former records are unknown', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    const padding = 'x'.repeat(700_000)
    for (const name of ['a', 'b']) {
      await tools.produce(topic, [{ value: name + padding, partition: 0 }])
    }
    const reading = read(topic)
    await reading.next()
    recreateTopic({ brokers, topic, partitions: 1, configs: {}, records: [] })
    await expect(reading.next()).rejects.toThrow(
      `Topic ${topic} ends before offset 1 of partition 0, up to which it was read: it was recreated, or has lost records. Start again from the beginning.`,
    )
  })
})

describe('a topic that is followed', () => {
  it.each([
    ['fewer', 1],
    ['more', 5],
  ])('is not read on after it was created again with %s records', async (_, count) => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    await tools.produce(topic, [
      { value: 'a', partition: 0 },
      { value: 'b', partition: 0 },
    ])
    const reading = read(topic, { isFollowing: true, checkMs: 100 })
    expect(initials((await reading.next()).value)).toEqual(['a', 'b'])
    const records = Array.from({ length: count }, () => ['k', 'new'] as const)
    recreateTopic({ brokers, topic, partitions: 1, configs: {}, records })
    await expect(reading.next()).rejects.toThrow('was recreated')
  })

  it('is passed to its end if that is no record, such as the end of a transaction', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    await tools.produceInTransaction(topic, [{ value: 'a', partition: 0 }])
    const ending = new AbortController()
    const passed: unknown[] = []
    const onPassed = (reached: unknown) => {
      passed.push(reached)
      ending.abort()
    }
    const seen: string[] = []
    const reading = read(topic, { isFollowing: true, signal: ending.signal, onPassed })
    for await (const records of reading) seen.push(...initials(records))
    expect(seen).toEqual(['a'])
    expect(passed).toEqual([[{ partition: 0, next: 2 }]])
  })

  it('is not read for long if it is no longer the one whose offsets are known', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    const [topicId] = await topicIdsOf(settingsOf(brokers), silentLog, [topic])
    expect(topicId).toMatch(/^[\da-f]{32}$/)
    const records = ['a', 'b', 'c'].map((name) => ['k', name] as const)
    recreateTopic({ brokers, topic, partitions: 1, configs: {}, records })
    const reaches = [{ partition: 0, next: 1, end: 1 }]
    const reading = read(topic, { isFollowing: true, checkMs: 100, from: { reaches, topicId } })
    await expect(toEnd(reading)).rejects.toThrow('was recreated')
  })
})

describe('a client that the broker holds to a quota', () => {
  it('waits for the rest of a topic, and does not take a pause for its end', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    // The broker looks back ten seconds: it sends one of them, and the other when it has forgotten that.
    const padding = 'x'.repeat(300_000)
    for (const name of ['a', 'b']) {
      await tools.produce(topic, [{ value: name + padding, partition: 0 }])
    }
    const clientId = topic
    await limitReading(brokers, clientId, 50_000)
    const seen: string[] = []
    const settings = settingsOf(brokers, clientId)
    for await (const records of read(topic, { settings })) seen.push(...initials(records))
    expect(seen).toEqual(['a', 'b'])
  })
})

describe('a command that is asked to end while it reads', () => {
  it('does not continue with half of a topic', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 1)
    await tools.produce(topic, [{ value: 'a', partition: 0 }])
    const ending = new AbortController()
    const settings = readSettings({ KAFKA_BROKERS: brokers.join(',') })
    const reading = readToEnd({ settings, signal: ending.signal }, topic)
    expect(initials((await reading.next()).value)).toEqual(['a'])
    ending.abort('SIGINT')
    await expect(reading.next()).rejects.toThrow(InterruptedError)
  })
})

async function valuesOf(topic: string): Promise<readonly string[]> {
  const values: string[] = []
  for await (const records of read(topic)) values.push(...records.map(({ value }) => String(value)))
  return values
}

function read(topic: string, options: Partial<ReadOptions> = {}) {
  return readTopic({
    settings: settingsOf(surroundings().brokers),
    topic,
    from: 'earliest',
    isFollowing: false,
    signal: new AbortController().signal,
    log: silentLog,
    ...options,
  })
}

/** A broker may know of a new topic a little later than others. */
async function toEnd(reading: AsyncIterable<readonly InboundRecord[]>): Promise<void> {
  for await (const records of reading) initials(records)
}

function initials(records: readonly InboundRecord[] = []): readonly string[] {
  return records.map(({ value }) => String(value).slice(0, 1))
}
