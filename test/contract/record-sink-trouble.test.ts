/** What a sink does with all other records while those of one topic or partition cannot be written. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type EmbeddedCluster,
  type EmbeddedNode,
  startEmbeddedCluster,
} from '../../examples/sandbox/sandbox.ts'
import type { KafkaLog } from '../../src/edge/kafka/client.ts'
import { clusterOf } from '../../src/edge/kafka/cluster.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import type { RecordSink } from '../../src/ports.ts'
import { createTopics } from '../support/create-topics.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'
import { recordOf } from './record-sink-suite.ts'

function sinkOf(brokers: readonly string[], log: KafkaLog = silentLog): RecordSink {
  const sink = createSink({ settings: settingsOf(brokers), log })
  onTestFinished(() => sink.stop())
  return sink
}

/** A write, and whether it has been acknowledged so far. */
function tracked(writing: Promise<void>) {
  const tracked = { isWritten: false, done: writing.then(() => void (tracked.isWritten = true)) }
  return tracked
}

describe('a record sink, while one topic takes no records', () => {
  it('writes to the others when it does not exist', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    const { prefix } = uniqueNames()
    const [here, missing] = [`${prefix}.here`, `${prefix}.missing`]
    await tools.createTopic(here, 2)
    const sink = sinkOf(brokers)
    const waits = tracked(sink.write([recordOf({ topic: missing }, 'a', '1')]))
    await sink.write([recordOf({ topic: here }, 'a', '1'), recordOf({ topic: here }, 'b', '1')])
    const mixed = tracked(
      sink.write([recordOf({ topic: here }, 'c', '1'), recordOf({ topic: missing }, 'b', '2')]),
    )
    await sink.write([recordOf({ topic: here }, 'd', '1')])
    expect([waits.isWritten, mixed.isWritten, sink.pendingCount()]).toEqual([false, false, 2])
    await vi.waitFor(() => expect(sink.trouble()).toContain(missing), 10_000)

    await tools.createTopic(missing, 1)
    await Promise.all([waits.done, mixed.done])
    expect((await tools.readAll(missing)).map(({ value }) => String(value))).toEqual(['1', '2'])
    expect(await tools.readAll(here)).toHaveLength(4)
    expect([sink.pendingCount(), sink.trouble()]).toEqual([0, undefined])
  })

  it('writes to the others when it was deleted, and says which partition waits', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    const { prefix } = uniqueNames()
    const [here, gone] = [`${prefix}.here`, `${prefix}.gone`]
    await tools.createTopic(here, 2)
    await tools.createTopic(gone, 1)
    const warned = Promise.withResolvers<void>()
    const sink = sinkOf(brokers, (level, _, fields) => {
      const isAboutIt = String(fields?.['error']).includes(`${gone}/0: `)
      if (level === 'warn' && isAboutIt) warned.resolve()
    })
    const both = [recordOf({ topic: gone }, 'a', '1'), recordOf({ topic: here }, 'a', '1')]
    await sink.write(both)
    await tools.admin.deleteTopics({ topics: [gone] })
    const waits = tracked(sink.write(both))
    await warned.promise
    for (const key of ['b', 'c', 'd']) await sink.write([recordOf({ topic: here }, key, '1')])
    expect([waits.isWritten, sink.pendingCount()]).toEqual([false, 1])
    expect(await tools.readAll(here)).toHaveLength(5)

    await tools.createTopic(gone, 1)
    await waits.done
    expect(await tools.readAll(gone)).toHaveLength(1)
  })
})

describe('a record sink, while one broker of three hangs', () => {
  let cluster: EmbeddedCluster

  beforeAll(async () => {
    // No leader moves before the broker goes on.
    cluster = await startEmbeddedCluster({ overrides: { 'broker.session.timeout.ms': '120000' } })
  }, 120_000)

  afterAll(async () => {
    await cluster.stop()
  })

  it('writes to the partitions of the others, and each record once and in order', async () => {
    const { brokers } = cluster
    const tools = await useKafka(brokers)
    const topic = `${uniqueNames().prefix}.spread`
    // Partitions with a replica on the broker that hangs would wait for it, whoever leads them.
    const configEntries = [{ name: 'min.insync.replicas', value: '1' }]
    await createTopics(tools.admin, [
      { topic, numPartitions: 6, replicationFactor: 1, configEntries },
    ])
    const leaders = await leadersOf(brokers, topic)
    const hung = leaders[0] ?? expect.fail('partition 0 has no leader')
    const node = nodeOf(cluster, hung)
    const sink = sinkOf(brokers)
    const keys = Array.from({ length: 60 }, (_, n) => `key-${n}`)
    await sink.write(keys.map((key) => recordOf({ topic }, key, '0')))
    const placed = new Map(
      (await tools.readAll(topic)).map(({ key, partition }) => [String(key), partition]),
    )
    const isHung = (key: string) => leaders[placed.get(key) ?? -1] === hung
    expect(new Set(keys.map(isHung)).size).toBe(2)

    process.kill(node.pid(), 'SIGSTOP')
    onTestFinished(() => void process.kill(node.pid(), 'SIGCONT'))
    const stuck = ['1', '2', '3'].map((value) =>
      tracked(sink.write(keys.filter(isHung).map((key) => recordOf({ topic }, key, value)))),
    )
    for (const value of ['1', '2', '3']) {
      await sink.write(
        keys.filter((key) => !isHung(key)).map((key) => recordOf({ topic }, key, value)),
      )
    }
    expect(stuck.map(({ isWritten }) => isWritten)).toEqual([false, false, false])

    process.kill(node.pid(), 'SIGCONT')
    await Promise.all(stuck.map(({ done }) => done))
    const byKey = Map.groupBy(await tools.readAll(topic), ({ key }) => String(key))
    for (const key of keys) {
      const values = byKey.get(key)?.map(({ value }) => String(value))
      expect({ key, values }).toEqual({ key, values: ['0', '1', '2', '3'] })
    }
  }, 120_000)
})

/** Ids of the nodes that lead the topic's partitions, by partition. */
async function leadersOf(brokers: readonly string[], topic: string): Promise<readonly number[]> {
  const asked = clusterOf(settingsOf(brokers), silentLog)
  await asked.connect()
  await asked.addMultipleTargetTopics([topic])
  const leaders = asked
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => [
      partitionId,
      Number(Object.keys(asked.findLeaderForPartitions(topic, [partitionId]))[0]),
    ])
  await asked.disconnect()
  const byPartition = new Map(leaders.map(([partition = -1, leader = -1]) => [partition, leader]))
  return Array.from(
    { length: byPartition.size },
    (_, partition) => byPartition.get(partition) ?? -1,
  )
}

function nodeOf(cluster: EmbeddedCluster, id: number): EmbeddedNode {
  return cluster.nodes.find((one) => one.id === id) ?? expect.fail(`there is no node ${id}`)
}
