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
 *
 * Partitions do not wait for each other here. A refusal names no partition, so that batches that were sent together have to
 * be sent one by one after it.
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

export type BatchOutcome =
  | { readonly kind: 'written' }
  /** It was refused for its size. */
  | { readonly kind: 'too-large' }
  /** It is not known whether it was written. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** One of those that were sent together failed, and it is not known which. */
  | { readonly kind: 'unclear' }

const refusedForSize = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
/** How long a leader waits for its replicas. Below the client's own time-out, so that an answer comes. */
const replicationMs = 10_000
const stopMs = 2_000
/** Sequence numbers are non-negative 32 bit integers and begin anew. */
const sequenceCount = 2 ** 31

/** What brokers know a producer by. */
interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** What a partition's broker knows of this producer. */
interface Standing {
  readonly identity: ProducerIdentity
  nextSequence: number
  /** Whether the last batch failed, so that it may have been written. */
  isDoubtful: boolean
}

export class SequencedProducer {
  readonly #settings: KafkaSettings
  readonly #cluster: InnerCluster
  readonly #compression: Compression
  #connecting: Promise<void> | undefined
  /** Of partitions that are written to from now on. A partition keeps the one that it began with. */
  #identity: ProducerIdentity | undefined
  #requested: Promise<ProducerIdentity> | undefined
  readonly #standings = new Map<TargetPartition, Standing>()

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
      // KafkaJS asks only once for a topic that is new to it, also if that fails.
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

  /**
   * Tries once, with one request to each leader. At most one batch of each partition may be out.
   *
   * @param ended gets the outcome of each batch as soon as it is known
   * @returns when all have their outcomes. Never rejects.
   */
  async send<Batch extends PartitionBatch>(
    batches: readonly Batch[],
    ended: (batch: Batch, outcome: BatchOutcome) => void,
  ): Promise<void> {
    try {
      await this.#connect()
    } catch (error) {
      return this.#failed(batches, error, ended)
    }
    const byLeader = Map.groupBy(batches, ({ target }) => this.#leaderOf(target))
    await Promise.all([...byLeader].map(([nodeId, list]) => this.#request(nodeId, list, ended)))
  }

  async stop(): Promise<void> {
    await within(this.#cluster.disconnect(), stopMs, undefined)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#cluster.connect().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }

  /** `undefined` if the partition is not known. */
  #leaderOf({ topic, partition }: TargetPartition): string | undefined {
    return Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))[0]
  }

  async #request<Batch extends PartitionBatch>(
    nodeId: string | undefined,
    batches: readonly Batch[],
    ended: (batch: Batch, outcome: BatchOutcome) => void,
  ): Promise<void> {
    try {
      if (nodeId === undefined) throw new Error('the partition is not known')
      await this.#produce(nodeId, batches)
      for (const batch of batches) ended(batch, { kind: 'written' })
    } catch (error) {
      this.#failed(batches, error, ended)
    }
  }

  async #produce(nodeId: string, batches: readonly PartitionBatch[]): Promise<void> {
    const placed = await Promise.all(
      batches.map(async (batch) => ({ ...batch, standing: await this.#standingOf(batch.target) })),
    )
    const broker = await this.#cluster.findBroker({ nodeId })
    const encoded = await Promise.all(
      placed.map(async ({ target: { topic, partition }, records, standing }) => {
        const { identity, nextSequence: firstSequence } = standing
        const batchIdentity = { ...identity, firstSequence }
        const bytes = await encodeBatch(records, batchIdentity, Date.now(), this.#compression)
        return { topic, partition, encoded: bytes }
      }),
    )
    const byTopic = Map.groupBy(encoded, ({ topic }) => topic)
    const topicData = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }))
    await broker.produce({ acks: -1, timeout: replicationMs, topicData })
    for (const { standing, records } of placed) {
      standing.nextSequence = (standing.nextSequence + records.length) % sequenceCount
      standing.isDoubtful = false
    }
  }

  async #standingOf(target: TargetPartition): Promise<Standing> {
    const known = this.#standings.get(target)
    if (known !== undefined) return known
    if (this.#identity === undefined) {
      this.#requested ??= this.#newIdentity().finally(() => (this.#requested = undefined))
      this.#identity = await this.#requested
    }
    const standing = { identity: this.#identity, nextSequence: 0, isDoubtful: false }
    this.#standings.set(target, standing)
    return standing
  }

  async #newIdentity(): Promise<ProducerIdentity> {
    const broker = await this.#cluster.findControllerBroker()
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: 60_000,
    })
    return { producerId: BigInt(producerId), producerEpoch }
  }

  #failed<Batch extends PartitionBatch>(
    batches: readonly Batch[],
    error: unknown,
    ended: (batch: Batch, outcome: BatchOutcome) => void,
  ): void {
    const isForSize = refusedForSize.has(errorType(error) ?? '')
    const [first, ...others] = batches
    if (first !== undefined && others.length === 0) this.#failedAlone(first, error, isForSize)
    else for (const { target } of batches) this.#doubt(target)
    // What is sent next may have another leader. When this fails too, so does the next try.
    if (!isForSize) void this.#cluster.refreshMetadata().catch(() => undefined)
    const explained = this.#explained(error, first?.target.topic)
    for (const batch of batches) {
      if (others.length > 0) ended(batch, { kind: 'unclear' })
      else ended(batch, isForSize ? { kind: 'too-large' } : { kind: 'failed', error: explained })
    }
  }

  #failedAlone({ target }: PartitionBatch, error: unknown, isForSize: boolean): void {
    const isDoubtful = this.#standings.get(target)?.isDoubtful === true
    // It may have been written by an earlier try, under a larger limit: then its sequence numbers are taken.
    if (isForSize && isDoubtful) this.#begin(target)
    // Such as sequence numbers that the broker does not expect: it forgot this producer, or lost what was acknowledged.
    // What was refused for want of a right was not looked at: its sequence numbers hold.
    else if (!isForSize && !isRetriable(error) && !isRefusal(error)) this.#begin(target)
    else if (!isForSize) this.#doubt(target)
  }

  #doubt(target: TargetPartition): void {
    const standing = this.#standings.get(target)
    if (standing !== undefined) standing.isDoubtful = true
  }

  /** The partition's next batch begins with another identity, which is shared by those that begin from now on. */
  #begin(target: TargetPartition): void {
    const identity = this.#standings.get(target)?.identity
    this.#standings.delete(target)
    if (this.#identity === identity) this.#identity = undefined
  }

  /** Says what is to be done when Kafka lacks a login or a right. */
  #explained(error: unknown, topic: string | undefined): Error {
    const needed = topic === undefined ? [] : [topicRight('Write', topic)]
    const refusal =
      loginRefusal(this.#settings, error) ?? rightRefusal(this.#settings, error, ...needed)
    return refusal === undefined ? asError(error) : new Error(refusal, { cause: error })
  }
}
