/** Actions of tests on the shared broker, with only the Kafka client. */
import { kafkajs } from '../../src/edge/kafka/kafkajs.ts'
import { onTestFinished } from 'vitest'
import { type Compression, compressionTypes } from '../../src/edge/kafka/batches.ts'
import { createKafka, type KafkaLog, type KafkaSettings } from '../../src/edge/kafka/client.ts'
import { createTableSource } from '../../src/edge/kafka/table-source.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import { createTopics, leadersElected } from './create-topics.ts'

export const silentLog: KafkaLog = () => {}

export function settingsOf(brokers: readonly string[], clientId = 'test'): KafkaSettings {
  return { brokers, clientId }
}

export interface KafkaTools {
  readonly admin: kafkajs.Admin
  createTopic(
    topic: string,
    partitions: number,
    configs?: Readonly<Record<string, string>>,
  ): Promise<void>
  /** Resolves when the broker that is asked for metadata knows them. */
  addPartitions(topic: string, count: number): Promise<void>
  /** @throws {Error} when a record was not written */
  produce(
    topic: string,
    messages: readonly kafkajs.Message[],
    compression?: Compression,
  ): Promise<void>
  /** Writes and commits records as one transaction. Its marker takes an offset too. */
  produceInTransaction(topic: string, messages: readonly kafkajs.Message[]): Promise<void>
  /** Removes the records before `offset`, as retention does. */
  deleteRecords(topic: string, partition: number, offset: number): Promise<void>
  /** All records up to the present end offsets, in order of arrival. */
  readAll(topic: string): Promise<readonly InboundRecord[]>
  /** Makes the group forget the member with this client id. */
  expel(groupId: string, clientId: string): Promise<void>
}

/** Disconnected when the test ends. */
export async function useKafka(brokers: readonly string[]): Promise<KafkaTools> {
  const kafka = createKafka(settingsOf(brokers), silentLog, 'command')
  const admin = kafka.admin()
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await Promise.all([admin.connect(), producer.connect()])
  onTestFinished(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })
  return {
    admin,
    async createTopic(topic, partitions, configs = {}) {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      await createTopics(admin, [{ topic, numPartitions: partitions, configEntries }])
    },
    async addPartitions(topic, count) {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] })
      await leadersElected(admin, [topic], count)
    },
    async produce(topic, messages, compression = 'none') {
      const type = compressionTypes[compression]
      const written = await producer.send({ topic, messages: [...messages], compression: type })
      // KafkaJS reports success for records of partitions that it does not know, and does not send them.
      const known = new Set(written.map(({ partition }) => partition))
      for (const { partition } of messages) {
        if (partition === undefined || known.has(partition)) continue
        throw new Error(`no record was written to partition ${partition} of ${topic}`)
      }
    },
    async produceInTransaction(topic, messages) {
      const transactional = kafka.producer({
        transactionalId: `${topic}-tx`,
        idempotent: true,
        maxInFlightRequests: 1,
      })
      await transactional.connect()
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [...messages] })
      await transaction.commit()
      await transactional.disconnect()
    },
    async deleteRecords(topic, partition, offset) {
      // The client refuses unless it already knows the topic.
      await admin.fetchTopicOffsets(topic)
      const partitions = [{ partition, offset: String(offset) }]
      await admin.deleteTopicRecords({ topic, partitions })
    },
    async readAll(topic) {
      const records: InboundRecord[] = []
      const table = createTableSource({
        settings: settingsOf(brokers),
        topic,
        setting: 'HOOKTIDE_TOPIC_HOOKS',
        log: silentLog,
      })
      await table.start(
        (record) => records.push(record),
        (error) => {
          throw error
        },
      )
      await table.stop()
      return records
    },
    async expel(groupId, clientId) {
      const { groups } = await admin.describeGroups([groupId])
      const member = groups[0]?.members.find((one) => one.clientId === clientId)
      if (member === undefined) throw new Error(`group ${groupId} has no member ${clientId}`)
      await leaveGroup(brokers, groupId, member.memberId)
    },
  }
}

interface LeavingCoordinator {
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
}

interface LeavingCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  findGroupCoordinator(request: { readonly groupId: string }): Promise<LeavingCoordinator>
}

/**
 * Any client may report that a member leaves. KafkaJS has no call for it. An assigner gives access to its cluster object.
 */
async function leaveGroup(brokers: readonly string[], groupId: string, memberId: string) {
  let cluster: LeavingCluster | undefined
  createKafka(settingsOf(brokers), silentLog, 'command').consumer({
    groupId,
    partitionAssigners: [
      (config) => {
        cluster = config.cluster as unknown as LeavingCluster
        return kafkajs.PartitionAssigners.roundRobin(config)
      },
    ],
  })
  if (cluster === undefined) throw new Error('the client made no cluster object')
  await cluster.connect()
  const coordinator = await cluster.findGroupCoordinator({ groupId })
  await coordinator.leaveGroup({ groupId, memberId })
  await cluster.disconnect()
}
