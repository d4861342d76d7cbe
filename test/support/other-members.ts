/** Other programs in a consumer group: a classic member, one of the consumer protocol, and one of a share group. */
import { randomBytes } from 'node:crypto'
import type { Consumer, PartitionAssigner } from 'kafkajs'
import { kafkajs } from '../../src/edge/kafka/kafkajs.ts'
import { onTestFinished } from 'vitest'
import { clusterOf } from '../../src/edge/kafka/cluster.ts'
import {
  askFlexibly,
  lengthOf,
  noTags,
  type Encoder,
} from '../../src/edge/kafka/flexible-request.ts'
import { settingsOf, silentLog } from './kafka-tools.ts'

export interface OtherMember {
  leave(): Promise<void>
}

export const otherClient = 'other-program'

/** An ordinary consumer of KafkaJS. Resolves when it has joined. */
export async function joinClassic(
  brokers: readonly string[],
  groupId: string,
  topic: string,
  assigner?: PartitionAssigner,
): Promise<OtherMember> {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: otherClient,
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const partitionAssigners = assigner === undefined ? {} : { partitionAssigners: [assigner] }
  const consumer: Consumer = kafka.consumer({ groupId, ...partitionAssigners })
  onTestFinished(() => consumer.disconnect())
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: () => Promise.resolve() })
  await joined
  return { leave: () => consumer.disconnect() }
}

const leaving = -1

/** ConsumerGroupHeartbeat 0 (KIP-848). The member is removed when it has sent nothing for 45 s. */
export function joinConsumerProtocol(
  brokers: readonly string[],
  groupId: string,
  topic: string,
): Promise<OtherMember> {
  return joinBy(brokers, groupId, {
    apiKey: 68,
    apiName: 'ConsumerGroupHeartbeat',
    version: 0,
    write(encoder) {
      encoder
        .writeUVarIntString(null) // instance_id
        .writeUVarIntString(null) // rack_id
        .writeInt32(60_000) // rebalance_timeout_ms
        .writeUVarInt(lengthOf(1))
        .writeUVarIntString(topic)
        .writeUVarIntString(null) // server_assignor
        .writeUVarInt(lengthOf(0)) // topic_partitions
    },
  })
}

/** ShareGroupHeartbeat 1 (KIP-932). */
export function joinShareGroup(
  brokers: readonly string[],
  groupId: string,
  topic: string,
): Promise<OtherMember> {
  return joinBy(brokers, groupId, {
    apiKey: 76,
    apiName: 'ShareGroupHeartbeat',
    version: 1,
    write(encoder) {
      encoder
        .writeUVarIntString(null) // rack_id
        .writeUVarInt(lengthOf(1))
        .writeUVarIntString(topic)
    },
  })
}

async function joinBy(
  brokers: readonly string[],
  groupId: string,
  request: {
    readonly apiKey: number
    readonly apiName: string
    readonly version: number
    /** The bytes after the member's epoch. */
    readonly write: (encoder: Encoder) => void
  },
): Promise<OtherMember> {
  const cluster = clusterOf(settingsOf(brokers, otherClient), silentLog)
  await cluster.connect()
  onTestFinished(() => cluster.disconnect())
  const memberId = randomBytes(16).toString('base64url')
  const beat = async (epoch: number) => {
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    const { write, ...about } = request
    const answer = await askFlexibly(coordinator, {
      ...about,
      encode(encoder) {
        encoder.writeUVarIntString(groupId).writeUVarIntString(memberId).writeInt32(epoch)
        write(encoder)
        encoder.writeUVarInt(noTags)
      },
      decode(decoder) {
        decoder.readInt32() // throttle_time_ms
        return { error: decoder.readInt16(), message: decoder.readUVarIntString() }
      },
    })
    if (answer?.error !== 0) throw new Error(`${request.apiName}: ${answer?.message ?? 'unknown'}`)
  }
  await beat(0)
  return { leave: () => beat(leaving) }
}
