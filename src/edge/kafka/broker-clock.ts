/** The time of the brokers' clock. KafkaJS has no request for it. */
import type { EpochMs } from '../../core/model/model.ts'
import { asError } from '../../core/model/errors.ts'
import type { KafkaLog, KafkaSettings } from './client.ts'
import { clusterOf } from './cluster.ts'
import { askFlexibly, lengthOf, noTags, type Decoder } from './flexible-request.ts'

export type ClockReading =
  /** `aheadMs`: how far this machine's clock is ahead of the broker's, within half of the time of the request. */
  | { readonly kind: 'read'; readonly aheadMs: number; readonly unsureMs: number }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Compares clocks on a connection of its own. Needs Kafka 3.4 with KRaft, and the right to describe the cluster. */
export async function readBrokerClock(
  settings: KafkaSettings,
  log: KafkaLog,
  now: () => EpochMs,
): Promise<ClockReading> {
  const cluster = clusterOf(settings, log)
  try {
    await cluster.connect()
    await cluster.refreshMetadata()
    const broker = await cluster.findControllerBroker()
    const before = now()
    const time = await leaderTime(broker)
    const after = now()
    if (time === undefined) return { kind: 'unknown', reason: 'the broker does not tell its time' }
    const unsureMs = (after - before) / 2
    return { kind: 'read', aheadMs: (before + after) / 2 - time, unsureMs }
  } catch (error) {
    return { kind: 'unknown', reason: asError(error).message }
  } finally {
    await cluster.disconnect()
  }
}

/**
 * DescribeQuorum 1 (KIP-595, KIP-836, Kafka 3.4): the leader of the quorum reports the present time as its own last fetch.
 *
 * @returns `undefined` when the broker does not know the request, or may not answer it
 */
async function leaderTime(broker: object): Promise<EpochMs | undefined> {
  return await askFlexibly(broker, {
    apiKey: 55,
    apiName: 'DescribeQuorum',
    version: 1,
    encode(encoder) {
      encoder
        .writeUVarInt(lengthOf(1)) // topics
        .writeUVarIntString('__cluster_metadata')
        .writeUVarInt(lengthOf(1)) // partitions
        .writeInt32(0)
        .writeUVarInt(noTags)
        .writeUVarInt(noTags)
        .writeUVarInt(noTags)
    },
    decode(decoder) {
      if (decoder.readInt16() !== 0) return undefined // error_code
      const times = decoder.readUVarIntArray(readTopic).flat(2)
      const newest = Math.max(0, ...times)
      return newest === 0 ? undefined : newest
    },
  })
}

function readTopic(topic: Decoder) {
  topic.readUVarIntString() // topic_name
  const partitions = topic.readUVarIntArray(readPartition)
  topic.readTaggedFields()
  return partitions
}

function readPartition(partition: Decoder): readonly EpochMs[] {
  partition.readInt32() // partition_index
  partition.readInt16() // error_code
  partition.readInt32() // leader_id
  partition.readInt32() // leader_epoch
  partition.readBytes(8) // high_watermark
  const voters = partition.readUVarIntArray(readReplica)
  partition.readUVarIntArray(readReplica) // observers
  partition.readTaggedFields()
  return voters
}

function readReplica(replica: Decoder): EpochMs {
  replica.readInt32() // replica_id
  replica.readBytes(8) // log_end_offset
  const lastFetch = replica.readBytes(8).readBigInt64BE() // last_fetch_timestamp
  replica.readBytes(8) // last_caught_up_timestamp
  replica.readTaggedFields()
  return Number(lastFetch)
}
