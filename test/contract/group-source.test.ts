import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createGroupSource } from '../../src/edge/kafka/group-source.ts'
import type { GroupSource } from '../../src/ports.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { silentLog, settingsOf, useKafka, type KafkaTools } from '../support/kafka-tools.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'
import type { MemoryGroupSource } from '../support/memory-group.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'
import { started, valuesOf } from './group-listener.ts'
import { describeGroupSource, type GroupWorld } from './group-source-suite.ts'

describeGroupSource('in memory', async (partitions) => {
  const clock = createHandClock()
  const broker = createMemoryBroker(clock)
  const sources = new Set<MemoryGroupSource>()
  broker.createTopic('topic', { partitions })
  return {
    topic: 'topic',
    source() {
      const source = broker.groupSource({ groupId: 'group', topics: ['topic'] })
      sources.add(source)
      return source
    },
    async produce(partition, values) {
      for (const value of values) broker.produce('topic', { key: null, value, partition })
    },
    async setCommitted(partition, offset, metadata) {
      broker.setCommitted('group', { topic: 'topic', partition }, offset, metadata)
    },
    async committed(partition) {
      const found = broker.committed('group', { topic: 'topic', partition })
      return found && { offset: found.offset, metadata: found.metadata }
    },
    async expel(source) {
      for (const one of sources) if (one === source) void one.freeze().then(() => one.thaw())
    },
    elapse: (ms) => clock.advance(ms),
  }
})

interface RealWorld extends GroupWorld {
  readonly groupId: string
  readonly tools: KafkaTools
  sourceOf(topics: readonly string[]): GroupSource
}

async function makeRealWorld(partitions: number): Promise<RealWorld> {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const topic = `${prefix}.topic`
  const tools = await useKafka(brokers)
  await tools.createTopic(topic, partitions)
  const clientIds = new Map<GroupSource, string>()
  const sourceOf = (topics: readonly string[]): GroupSource => {
    const clientId = `member-${clientIds.size}`
    const source = createGroupSource({
      settings: settingsOf(brokers, clientId),
      groupId: group,
      topics,
      sessionTimeoutMs: 3000,
      metadataMaxAgeMs: 300,
      endIntervalMs: 200,
      log: silentLog,
    })
    clientIds.set(source, clientId)
    onTestFinished(() => source.stop())
    return source
  }
  return {
    topic,
    groupId: group,
    tools,
    sourceOf,
    source: () => sourceOf([topic]),
    produce: (partition, values) =>
      tools.produce(
        topic,
        values.map((value) => ({ partition, value })),
      ),
    async setCommitted(partition, offset, metadata) {
      const admin = await connectAdmin(settingsOf(brokers), silentLog)
      await admin.commitOffsets(group, [{ topic, partition, offset, metadata }])
      await admin.stop()
    },
    async committed(partition) {
      const [found] = await tools.admin.fetchOffsets({ groupId: group, topics: [topic] })
      const commit = found?.partitions.find((one) => one.partition === partition)
      if (commit === undefined || commit.offset === '-1') return undefined
      return { offset: Number(commit.offset), metadata: commit.metadata ?? '' }
    },
    expel: (source) => tools.expel(group, clientIds.get(source) ?? ''),
    elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }
}

describeGroupSource('Kafka', makeRealWorld)

describe('a group source on Kafka', () => {
  it('passes on keys, repeated headers, tombstones and the append time', async () => {
    const world = await makeRealWorld(1)
    await world.tools.produce(world.topic, [
      {
        key: 'key',
        value: null,
        headers: { name: ['one', Buffer.of(0xff)], __proto__x: 'plain', empty: '' },
        timestamp: '1700000000000',
      },
    ])
    const listener = await started(world.source())
    await listener.until(() => listener.records.length === 1)

    const [record] = listener.records
    expect({ ...record, headers: [...(record?.headers ?? [])] }).toEqual({
      topic: world.topic,
      partition: 0,
      offset: 0,
      key: Buffer.from('key'),
      value: null,
      headers: [
        ['name', Buffer.from('one')],
        ['name', Buffer.of(0xff)],
        ['__proto__x', Buffer.from('plain')],
        ['empty', Buffer.alloc(0)],
      ],
      timestamp: 1_700_000_000_000,
    })
  })

  it('continues after records that retention removed, and does not change the commit', async () => {
    const world = await makeRealWorld(1)
    await world.produce(0, ['a', 'b', 'c'])
    await world.setCommitted(0, 0, 'kept')
    await world.tools.deleteRecords(world.topic, 0, 2)
    const listener = await started(world.source())
    await listener.until(() => listener.records.length === 1)

    expect(valuesOf(listener, 0)).toEqual(['c'])
    expect(listener.assignments).toHaveLength(1)
    expect(await world.committed(0)).toEqual({ offset: 0, metadata: 'kept' })
  })

  it('has read a partition to its end if the end is a marker of a transaction', async () => {
    const world = await makeRealWorld(1)
    await world.tools.produceInTransaction(world.topic, [{ value: 'a' }])
    const listener = await started(world.source())
    await listener.until(() => listener.nexts.get(0) === 2)

    expect(valuesOf(listener, 0)).toEqual(['a'])
    expect(listener.ends.get(0)).toBe(2)
  })

  it('begins a new epoch at the earliest record when the committed offset is beyond the end', async () => {
    const world = await makeRealWorld(1)
    await world.produce(0, ['a', 'b'])
    await world.setCommitted(0, 50, 'of another life')
    const listener = await started(world.source())
    await listener.until(() => listener.records.length === 2)

    expect(listener.assignments).toHaveLength(2)
    expect(listener.assignments[1]).toEqual([
      {
        topic: world.topic,
        partition: 0,
        isKept: false,
        committedOffset: 0,
        committedMetadata: '',
      },
    ])
    expect(await world.committed(0)).toEqual({ offset: 50, metadata: 'of another life' })
  })

  it('gives each topic to the members that subscribe to it, whichever member is the leader', async () => {
    const world = await makeRealWorld(2)
    const added = `${world.topic}.added`
    await world.tools.createTopic(added, 2)
    const old = await started(world.sourceOf([world.topic]))
    const fresh = await started(world.sourceOf([world.topic, added]))
    await old.until(() => old.assignments.length === 2)
    const ofTopic = (topic: string) =>
      fresh.assignments.at(-1)?.filter((one) => one.topic === topic).length

    expect(old.owned()).toHaveLength(1)
    expect(ofTopic(world.topic)).toBe(1)
    expect(ofTopic(added)).toBe(2)
  })

  it('reads partitions that are added later, from their beginning', async () => {
    const world = await makeRealWorld(1)
    const listener = await started(world.source())
    await world.tools.addPartitions(world.topic, 3)
    await world.produce(2, ['first'])
    await listener.until(() => listener.records.length === 1)

    expect(listener.owned()).toEqual(['0+', '1', '2'])
    expect(listener.records[0]).toMatchObject({ partition: 2, offset: 0 })
  })

  it('proves nothing after it has learnt that the group expelled it, until it has joined again', async () => {
    const world = await makeRealWorld(2)
    const source = world.source()
    const first = await started(source)
    const second = await started(world.source())
    await first.until(() => first.assignments.length === 2)
    const held = Promise.withResolvers<void>()
    second.drain = () => held.promise
    await world.expel(source)
    await second.until(() => second.drains === 1)
    await vi.waitFor(() => expect(source.provenAt()).toBeUndefined(), 2_000)
    held.resolve()
    await first.until(() => first.assignments.length === 3)
    expect(source.provenAt()).toBeGreaterThan(0)
  })

  it('does not start if it was stopped while it waited for the broker', async () => {
    const source = createGroupSource({
      settings: settingsOf(['127.0.0.1:1']),
      groupId: uniqueNames().group,
      topics: ['any'],
      sessionTimeoutMs: 3000,
      log: silentLog,
    })
    const starting = started(source)
    await source.stop()

    await expect(starting).rejects.toThrow(/stopped/)
  })
})
