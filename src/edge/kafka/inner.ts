/**
 * Types of the private objects of KafkaJS that are used here: its cluster, its connections to nodes, a membership of a
 * group, and the result of a fetch. KafkaJS does not declare them. `patches.ts` refuses any version other than the one that
 * these types describe.
 */
import type { Cluster } from 'kafkajs'
import type { EpochMs } from '../../core/model/model.ts'
import type { PackedHeaders } from '../../core/event/packed-headers.ts'

export interface PartitionOffset {
  readonly partition: number
  readonly offset: string
  readonly metadata?: string | null
}

export interface TopicOffsets {
  readonly topic: string
  readonly partitions: readonly PartitionOffset[]
}

/** Partitions of a topic, in requests. */
interface TopicPartitions<Partition> {
  readonly topic: string
  readonly partitions: readonly Partition[]
}

interface NumberedPartition {
  readonly partition: number
}

export interface InnerCluster {
  readonly targetTopics: Set<string>
  readonly brokerPool: {
    /** Replaced as a whole when it is refreshed. */
    readonly metadata: object | null
    /** When the next request refreshes it. */
    readonly metadataExpireAt: EpochMs | null
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[]
  /** Partitions by the node that leads them. */
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>
  findBroker(request: { readonly nodeId: string }): Promise<InnerBroker>
  findControllerBroker(): Promise<InnerBroker>
  findGroupCoordinator(request: { readonly groupId: string }): Promise<Coordinator>
  fetchTopicsOffset(
    requests: readonly (TopicPartitions<NumberedPartition> & {
      readonly fromBeginning: boolean
      readonly fromTimestamp?: EpochMs
    })[],
  ): Promise<readonly TopicOffsets[]>
}

/** A topic in a fetch request. */
export type FetchTopic = TopicPartitions<FetchPosition>

/** Where a fetch of a partition begins. */
export interface FetchPosition extends NumberedPartition {
  readonly fetchOffset: string
  readonly maxBytes: number
}

export interface FetchRequest {
  /** Milliseconds that the node waits for `minBytes`. */
  readonly maxWaitTime: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly isolationLevel?: number
  readonly rackId?: string
  readonly topics: readonly FetchTopic[]
}

export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly FetchedPartition[]
  }[]
}

interface HeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
}

/** Requests to one node. Each except `deleteGroups` rejects with the first error in the answer. */
export interface InnerBroker {
  metadata(topics: readonly string[]): Promise<unknown>
  describeConfigs(request: {
    readonly resources: readonly {
      readonly type: number
      readonly name: string
      readonly configNames: readonly string[]
    }[]
  }): Promise<unknown>
  fetch(request: FetchRequest): Promise<FetchAnswer>
  initProducerId(request: {
    readonly transactionTimeout: number
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
  produce(request: {
    readonly acks: number
    readonly timeout: number
    readonly topicData: readonly TopicPartitions<EncodedPartition>[]
  }): Promise<unknown>
  heartbeat(request: HeartbeatRequest): Promise<unknown>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly TopicPartitions<NumberedPartition>[]
  }): Promise<{ readonly responses: readonly TopicOffsets[] }>
  offsetCommit(
    request: HeartbeatRequest & { readonly topics: readonly TopicOffsets[] },
  ): Promise<unknown>
  describeGroups(request: {
    readonly groupIds: readonly string[]
  }): Promise<{ readonly groups: readonly DescribedGroup[] }>
  deleteGroups(
    groupIds: readonly string[],
  ): Promise<{ readonly results: readonly { readonly errorCode: number }[] }>
}

/** The coordinator of a group. */
export type Coordinator = Pick<
  InnerBroker,
  'heartbeat' | 'offsetFetch' | 'offsetCommit' | 'describeGroups'
>

/** A classic group. A broker of Kafka 4 reports groups of other kinds as `Dead`. */
export interface DescribedGroup {
  readonly state: string
  /** Such as `consumer` or `connect`; empty without members. */
  readonly protocolType: string
  /** The assignor; empty without members and while it is not decided. */
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly clientHost: string
  }[]
}

/** Assigners get KafkaJS's whole cluster object. KafkaJS's types declare a part of it. */
export function innerOf(cluster: Cluster): InnerCluster {
  return cluster as unknown as InnerCluster
}

/** Positions of one generation. A join creates a new object. */
export interface Positions {
  /** The node to which it commits. */
  coordinator: Coordinator
  readonly resolvedOffsets: Readonly<Record<string, Readonly<Record<number, string>>>>
  nextOffset(topic: string, partition: number): { toString(): string }
  /** The next fetch starts after `offset`. */
  resolveOffset(position: { topic: string; partition: number; offset: string }): void
  getCoordinator(): Promise<Coordinator>
  commitOffsets(offsets: { readonly topics: readonly TopicOffsets[] }): Promise<void>
}

export interface AssignedTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** KafkaJS's `ConsumerGroup`: one membership. A crash with a restart creates a new object. */
export interface InnerGroup {
  readonly groupId: string
  readonly memberId: string | null
  readonly generationId: number | null
  /**
   * Member id of the leader, which assigns the partitions. Empty if the broker does, in a group of the consumer protocol.
   */
  readonly leaderId: string | null
  coordinator: Coordinator | null
  readonly cluster: InnerCluster
  readonly offsetManager: Positions | null
  readonly assigners: readonly object[]
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
  readonly isolationLevel: number
  readonly rackId: string
  /** Positions to move to before the next fetch. */
  readonly seekOffset: { readonly size: number }
  /** By topic and partition: nodes to fetch from instead of the leader (KIP-392). */
  readonly preferredReadReplicasPerTopicPartition: Readonly<Record<string, object>>
  assigned(): readonly AssignedTopic[]
  /** Sends nothing if it has left. The member id is `null` from then on. */
  leave(): Promise<void>
  /** Those to fetch from the node: the leaders' partitions, where no other replica is preferred. */
  filterPartitionsByNode(nodeId: string, topics: readonly AssignedTopic[]): readonly AssignedTopic[]
  recoverFromFetch(error: unknown): Promise<void>
  isPaused(topic: string, partition: number): boolean
  pause(partitions: readonly { readonly topic: string; readonly partitions: number[] }[]): void
  resume(partitions: readonly { readonly topic: string; readonly partitions: number[] }[]): void
}

export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Messages of old formats have none. */
  readonly headers?: PackedHeaders
  /** Its record batch. Old message formats have none. */
  readonly batchContext?: {
    readonly firstOffset?: string
    readonly lastOffsetDelta?: number
    readonly producerId?: string
    readonly inTransaction?: boolean
  }
  /** KafkaJS's mark of records that are for clients only. */
  readonly isControlRecord?: boolean
  /** Set on the empty record that replaces a whole batch; see `batches.ts`. */
  readonly unreadable?: { readonly records: number; readonly reason: string }
}

/** A batch for one partition, as {@link ./produce-request.ts} writes it. */
export interface EncodedPartition extends NumberedPartition {
  readonly encoded: Buffer
}

/** The result of one fetch for one partition. */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  /** The partition's end at the time of the answer. */
  readonly highWatermark: string
  /** Includes control records, aborted records, and records before the fetched offset. */
  readonly rawMessages: readonly FetchedMessage[]
  readonly messages: readonly FetchedMessage[]
}

export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

/** The answer of a node for one partition. */
export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  /** The end of the leader's records that are replicated and belong to no open transaction. */
  readonly lastStableOffset: string
  readonly abortedTransactions?: readonly AbortedTransaction[] | null
  /** The node to ask instead (KIP-392); -1 or absent if it is this one. */
  readonly preferredReadReplica?: number
  /** Records of aborted transactions are marked as control records. */
  readonly messages: readonly FetchedMessage[]
}
