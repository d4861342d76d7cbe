import { describe, expect, it, onTestFinished } from 'vitest'
import { UserError } from '../../src/core/model/errors.ts'
import { connectAdmin, type KafkaAdmin } from '../../src/edge/kafka/admin.ts'
import { createGroupSource } from '../../src/edge/kafka/group-source.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'
import { started } from './group-listener.ts'

async function useAdmin(): Promise<KafkaAdmin> {
  const admin = await connectAdmin(settingsOf(surroundings().brokers), silentLog)
  onTestFinished(() => admin.stop())
  return admin
}

const newTopic = (topic: string) => ({
  topic,
  partitions: 2,
  configs: { 'message.timestamp.type': 'LogAppendTime' },
})

describe('the Kafka admin', () => {
  it('creates a topic once and describes it', async () => {
    const admin = await useAdmin()
    const topic = `${uniqueNames().prefix}.topic`
    expect(await admin.describeTopic(topic)).toBeUndefined()
    expect(await admin.createTopic(newTopic(topic))).toEqual({ partitions: 2, replicas: 1 })
    const again = { ...newTopic(topic), partitions: 5, configs: {} }
    expect(await admin.createTopic(again)).toBeUndefined()

    const description = await admin.describeTopic(topic)
    expect(description?.partitions).toBe(2)
    expect(description?.configs).toMatchObject({
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'max.message.bytes': expect.stringMatching(/^\d+$/),
    })
    expect(await admin.listTopics()).toContain(topic)
  })

  it('returns the addresses of the brokers, and how many replicas a topic gets by default', async () => {
    const admin = await useAdmin()
    const address = { host: expect.any(String) as unknown, port: expect.any(Number) as unknown }
    expect(await admin.describeCluster()).toEqual({
      brokers: 1,
      addresses: [address],
      defaultReplicas: 1,
    })
  })

  it('says what is wrong with a topic that cannot be created', async () => {
    const admin = await useAdmin()
    const topic = { ...newTopic(`${uniqueNames().prefix}.topic`), replicationFactor: 7 }

    await expect(admin.createTopic(topic)).rejects.toThrow(UserError)
    await expect(admin.createTopic(topic)).rejects.toThrow(/replication factor/i)
  })

  it('finds offsets by time, and the range of kept offsets', async () => {
    const admin = await useAdmin()
    const tools = await useKafka(surroundings().brokers)
    const topic = `${uniqueNames().prefix}.topic`
    await tools.createTopic(topic, 1)
    await tools.produce(topic, [
      { value: 'a', timestamp: '1000000' },
      { value: 'b', timestamp: '2000000' },
      { value: 'c', timestamp: '3000000' },
    ])
    await tools.deleteRecords(topic, 0, 1)

    expect(await admin.offsets(topic)).toEqual([{ topic, partition: 0, low: 1, end: 3 }])
    expect(await admin.offsetsAt(topic, 2_000_001)).toEqual([{ topic, partition: 0, offset: 2 }])
    expect(await admin.offsetsAt(topic, 9_000_000)).toEqual([{ topic, partition: 0, offset: 3 }])
  })

  it('sets the offsets of a group without members, and of no other group', async () => {
    const admin = await useAdmin()
    const { prefix, group } = uniqueNames()
    const topic = `${prefix}.topic`
    await admin.createTopic(newTopic(topic))
    expect(await admin.groupOffsets(group, [topic])).toEqual([])
    const entry = { topic, partition: 1, offset: 4, metadata: 'from outside' }
    await admin.commitOffsets(group, [entry])
    expect(await admin.groupOffsets(group, [topic])).toEqual([entry])

    const source = createGroupSource({
      settings: settingsOf(surroundings().brokers),
      groupId: group,
      topics: [topic],
      sessionTimeoutMs: 6000,
      log: silentLog,
    })
    onTestFinished(() => source.stop())
    await started(source)
    await expect(admin.commitOffsets(group, [entry])).rejects.toThrow(/running members/)
  })

  it('names the address if no broker answers', async () => {
    const connecting = connectAdmin(settingsOf(['127.0.0.1:1']), silentLog)

    await expect(connecting).rejects.toThrow(/127\.0\.0\.1:1.*KAFKA_BROKERS/s)
    await expect(connecting).rejects.toThrow(UserError)
  })
})
