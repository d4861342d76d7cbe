/**
 * Writes batches to partitions, each exactly once as long as the process lives, whichever node leads the partition.
 *
 * KafkaJS's own producer does not do this, for two reasons:
 *
 * - If one of several nodes fails within a send, its partitions may move to another node, which has already answered for its
 *   own partitions. KafkaJS takes that answer as one for the moved partitions too, and reports records as written that were
 *   never sent.
 * - It resets sequence numbers while requests with these numbers are still in flight.
 *
 * So this file keeps the sequence numbers, and uses only the requests of KafkaJS. A batch has the current sequence number of
 * its partition. The number rises only with an acknowledgement, so the broker recognizes a batch that is sent again and
 * writes it once. For this, a batch with an unknown outcome must be sent again unchanged before anything else is sent to its
 * partition.
 */
import { asError } from '../../core/model/errors.ts'
import { topicRight } from './needed-rights.ts'
import type { OutboundRecord } from '../../core/model/model.ts'
import { encodeBatch } from './batch-encoding.ts'
import type { Compression } from './batches.ts'
import { errorType, isRetriable, type KafkaLog, type KafkaSettings } from './client.ts'
import { clusterOf } from './cluster.ts'
import type { InnerCluster } from './inner.ts'
import { isRefusal, loginRefusal, rightRefusal } from './refusals.ts'
import { within } from '../waiting.ts'

/** A partition. There is one object for each partition, and objects are compared by identity. */
export interface TargetPartition {
  readonly topic: string
  readonly partition: number
}

/** The records that are written to one partition at once, either all or none. */
export interface PartitionBatch {
  readonly target: TargetPartition
  readonly records: readonly OutboundRecord[]
}

/** `failed`: it is not known whether it was written. `too-large`: it was refused for its size. */
export type BatchOutcome = 'written' | 'failed' | 'too-large'

export interface Sent {
  /** In the order of the batches. */
  readonly outcomes: readonly BatchOutcome[]
  /** Why batches failed, if some did: the first reason met. */
  readonly error: Error | undefined
}

const refusedForSize = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
/** How long a leader waits for its replicas. Below the client's own time-out, so that an answer comes. */
const replicationMs = 10_000
const stopMs = 2_000
/** Sequence numbers are non-negative 32 bit integers and begin anew. */
const sequenceCount = 2 ** 31

/** What the broker knows this producer by, and where each partition stands with it. */
interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly nextSequence: Map<TargetPartition, number>
}

export class SequencedProducer {
  readonly #settings: KafkaSettings
  readonly #cluster: InnerCluster
  readonly #compression: Compression
  #identity: Identity | undefined
  #isConnected = false
  /** Partitions whose last batch failed. */
  readonly #doubtful = new Set<TargetPartition>()

  constructor(settings: KafkaSettings, compression: Compression, log: KafkaLog) {
    this.#settings = settings
    this.#compression = compression
    this.#cluster = clusterOf(settings, log)
  }

  /** @throws {Error} when no broker answers, or the topic does not exist */
  async partitionCount(topic: string): Promise<number> {
    try {
      await this.#connect()
      await this.#cluster.addMultipleTargetTopics([topic])
      // KafkaJS lets who asks for metadata share the answer that is under way, which may be about the topics of before;
      // and it asks once for a topic that is new to it, whatever came of that.
      if (this.#countOf(topic) === 0) await this.#cluster.refreshMetadata()
    } catch (error) {
      throw this.#explained(error, topic)
    }
    const count = this.#countOf(topic)
    if (count === 0) throw new Error(`topic ${topic} has no partitions`)
    return count
  }

  #countOf(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length
  }

  /** Asks anew which partitions there are and who leads them. */
  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata()
  }

  /** Tries once. At most one batch of each partition; one send at a time. Never rejects. */
  async send(batches: readonly PartitionBatch[]): Promise<Sent> {
    const outcomes = new Map<PartitionBatch, BatchOutcome>()
    let firstError: Error | undefined
    const failed = (list: readonly PartitionBatch[], error: unknown): void => {
      firstError ??= this.#explained(error, list[0]?.target.topic)
      for (const batch of list) {
        outcomes.set(batch, 'failed')
        this.#doubtful.add(batch.target)
      }
    }
    try {
      await this.#connect()
      const identity = (this.#identity ??= await this.#newIdentity())
      const request = async (nodeId: string, list: readonly PartitionBatch[]): Promise<void> => {
        try {
          await this.#produce(nodeId, list, identity)
          for (const batch of list) outcomes.set(batch, 'written')
        } catch (error) {
          const isForSize = refusedForSize.has(errorType(error) ?? '')
          if (list.length > 1 && (isForSize || isRefusal(error))) {
            // The refusal names no partition, and the others of the request were written.
            for (const batch of list) await request(nodeId, [batch])
          } else if (isForSize) {
            for (const batch of list) this.#refuse(batch, outcomes)
          } else {
            failed(list, error)
            await this.#recover(error)
          }
        }
      }
      const byLeader = this.#byLeader(batches, failed)
      const isAnyUnknown = firstError !== undefined
      await Promise.all(byLeader.map(([nodeId, list]) => request(nodeId, list)))
      if (isAnyUnknown) await this.#cluster.refreshMetadata()
    } catch (error) {
      failed(
        batches.filter((batch) => !outcomes.has(batch)),
        error,
      )
      await this.#recover(error)
    }
    return { outcomes: batches.map((batch) => outcomes.get(batch) ?? 'failed'), error: firstError }
  }

  async stop(): Promise<void> {
    await within(this.#cluster.disconnect(), stopMs, undefined)
  }

  async #connect(): Promise<void> {
    if (this.#isConnected) return
    await this.#cluster.connect()
    this.#isConnected = true
  }

  async #newIdentity(): Promise<Identity> {
    const broker = await this.#cluster.findControllerBroker()
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: 60_000,
    })
    this.#doubtful.clear()
    return { producerId: BigInt(producerId), producerEpoch, nextSequence: new Map() }
  }

  #byLeader(
    batches: readonly PartitionBatch[],
    failed: (list: readonly PartitionBatch[], error: unknown) => void,
  ): readonly (readonly [nodeId: string, list: readonly PartitionBatch[]])[] {
    const byLeader = new Map<string, PartitionBatch[]>()
    for (const batch of batches) {
      const { topic, partition } = batch.target
      const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))
      if (nodeId === undefined) {
        failed([batch], new Error(`partition ${partition} of ${topic} is not known`))
        continue
      }
      const list = byLeader.get(nodeId)
      if (list === undefined) byLeader.set(nodeId, [batch])
      else list.push(batch)
    }
    return [...byLeader]
  }

  async #produce(
    nodeId: string,
    batches: readonly PartitionBatch[],
    identity: Identity,
  ): Promise<void> {
    const { nextSequence } = identity
    const broker = await this.#cluster.findBroker({ nodeId })
    const encoded = await Promise.all(
      batches.map(async ({ target, records }) => {
        const batchIdentity = { ...identity, firstSequence: nextSequence.get(target) ?? 0 }
        const bytes = await encodeBatch(records, batchIdentity, Date.now(), this.#compression)
        return { topic: target.topic, partition: target.partition, encoded: bytes }
      }),
    )
    const byTopic = Map.groupBy(encoded, ({ topic }) => topic)
    const topicData = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }))
    await broker.produce({ acks: -1, timeout: replicationMs, topicData })
    for (const { target, records } of batches) {
      const next = (nextSequence.get(target) ?? 0) + records.length
      nextSequence.set(target, next % sequenceCount)
      this.#doubtful.delete(target)
    }
  }

  #refuse(batch: PartitionBatch, outcomes: Map<PartitionBatch, BatchOutcome>): void {
    outcomes.set(batch, 'too-large')
    // It may have been written by an earlier try, under a larger limit: then its sequence numbers are taken.
    if (this.#doubtful.has(batch.target)) this.#identity = undefined
  }

  /** Says what is to be done when Kafka lacks a login or a right. */
  #explained(error: unknown, topic: string | undefined): Error {
    const needed = topic === undefined ? [] : [topicRight('Write', topic)]
    const refusal =
      loginRefusal(this.#settings, error) ?? rightRefusal(this.#settings, error, ...needed)
    return refusal === undefined ? asError(error) : new Error(refusal, { cause: error })
  }

  /** Sees that the next try does not meet the same. */
  async #recover(error: unknown): Promise<void> {
    // Such as sequence numbers that the broker does not expect: it forgot this producer, or lost what was acknowledged.
    // What was refused for want of a right was not looked at: its sequence numbers hold.
    if (!isRetriable(error) && !isRefusal(error)) this.#identity = undefined
    // When that fails too, so does the next try.
    await this.#cluster.refreshMetadata().catch(() => undefined)
  }
}
