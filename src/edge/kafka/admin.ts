/**
 * Requests of commands and of the start to the cluster. Never alters a topic, because KafkaJS would reset its other
 * settings.
 */
import type { Admin, ITopicMetadata } from 'kafkajs'
import { kafkajs } from './kafkajs.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { groupRight, type Right, topicRight } from './needed-rights.ts'
import type { CommitEntry, TopicPartition } from '../../ports.ts'
import { type Explaining, explainingFor } from './explaining.ts'
import { describeGroup, type GroupDescription } from './group-description.ts'
import { createKafka, errorType, type KafkaLog, type KafkaSettings } from './client.ts'
import { clusterOf, movedCoordinatorTypes } from './cluster.ts'
import { conflictIn } from './foreign-members.ts'
import { leaderTypes } from './leaders.ts'
import { offsetNumber } from './records.ts'
import { opening } from './refusals.ts'
import type { ConnectionFault } from './security.ts'
import { sleep } from '../waiting.ts'

/** How a topic is distributed over the brokers. */
export interface TopicSpread {
  readonly partitions: number
  /** Replicas of the partition that has the fewest. */
  readonly replicas: number
}

export interface TopicDescription extends TopicSpread {
  readonly topic: string
  /** Every setting of the topic by Kafka's name, such as `cleanup.policy`. */
  readonly configs: Readonly<Record<string, string>>
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** `undefined`: the broker's default. */
  readonly replicationFactor?: number
  readonly configs: Readonly<Record<string, string>>
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface ClusterDescription {
  readonly brokers: number
  /** The addresses that the brokers advertise. */
  readonly addresses: readonly BrokerAddress[]
  /** The default number of replicas of a new topic; `undefined` if the principal may not see it. */
  readonly defaultReplicas: number | undefined
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number
}

export interface PartitionRange extends TopicPartition {
  /** Offset of the oldest record kept. */
  readonly low: number
  /** Offset that the next record will get. */
  readonly end: number
}

export interface KafkaAdmin {
  describeCluster(): Promise<ClusterDescription>
  /** Names of all topics. */
  listTopics(): Promise<readonly string[]>
  /** `undefined` for a topic that does not exist. */
  describeTopic(topic: string): Promise<TopicDescription | undefined>
  /** The number of partitions, which a right to write is enough to see; `undefined` for a topic that does not exist. */
  partitionsToWrite(topic: string): Promise<number | undefined>
  /** `undefined` when it exists already; then nothing is changed. */
  createTopic(topic: NewTopic): Promise<TopicSpread | undefined>
  offsets(topic: string): Promise<readonly PartitionRange[]>
  /** The offset of the first record at or after the time, or the end offset if there is none. */
  offsetsAt(topic: string, time: EpochMs): Promise<readonly PartitionOffset[]>
  /** Only partitions that have a committed offset. */
  groupOffsets(groupId: string, topics: readonly string[]): Promise<readonly CommitEntry[]>
  /** @throws {UserError} when the group has members */
  commitOffsets(groupId: string, entries: readonly CommitEntry[]): Promise<void>
  /** Group ids with their state, such as `Empty` or `Stable`. */
  listGroups(
    prefix: string,
  ): Promise<readonly { readonly groupId: string; readonly state: string }[]>
  /** @returns the state of the group, such as `Stable`, `Empty` or `Dead`, and its classic members */
  describeGroup(groupId: string): Promise<GroupDescription>
  /** Why the group cannot be used: another program is a member. `undefined` if none is. */
  conflictIn(groupId: string): Promise<string | undefined>
  deleteGroups(groupIds: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** @throws {UserError} when no broker can be reached or the credentials are refused */
export async function connectAdmin(settings: KafkaSettings, log: KafkaLog): Promise<KafkaAdmin> {
  const admin = await opening(settings, (onFault) => openAdmin(settings, log, onFault))
  const explaining = explainingFor(settings, log)
  const describing = describingBy(explaining)
  return {
    describeCluster: () =>
      explaining('cannot describe the cluster', [], () => describeCluster(admin)),
    listTopics: () => explaining('cannot list topics', [], () => admin.listTopics()),
    describeTopic: (topic) =>
      explaining(`cannot describe topic ${topic}`, [topicRight('DescribeConfigs', topic)], () =>
        describeTopic(admin, topic),
      ),
    partitionsToWrite: (topic) =>
      explaining(`cannot describe topic ${topic}`, [topicRight('Write', topic)], () =>
        partitionCount(admin, topic),
      ),
    createTopic: (topic) =>
      explaining(`cannot create topic ${topic.topic}`, [topicRight('Create', topic.topic)], () =>
        createTopic(admin, topic),
      ),
    offsets: (topic) =>
      explaining(`cannot read the offsets of ${topic}`, [topicRight('Describe', topic)], () =>
        topicOffsets(admin, topic),
      ),
    async offsetsAt(topic, time) {
      const needed = [topicRight('Describe', topic)]
      const found = await explaining(`cannot read the offsets of ${topic}`, needed, () =>
        patiently(() => admin.fetchTopicOffsetsByTimestamp(topic, time), leaderTypes, leaderMs),
      )
      return found.map((one) => ({ ...one, topic, offset: offsetNumber(one.offset) }))
    },
    groupOffsets: (groupId, topics) =>
      explaining(
        `cannot read the offsets of group ${groupId}`,
        [groupRight('Describe', groupId)],
        () => groupOffsets(admin, groupId, topics),
      ),
    commitOffsets: (groupId, entries) =>
      explaining(
        `cannot set the offsets of group ${groupId}`,
        rightsToCommit(groupId, entries),
        () => commitOffsets({ settings, log }, groupId, entries),
      ),
    listGroups: (prefix) =>
      explaining('cannot list consumer groups', [], () => listGroups(admin, prefix)),
    describeGroup: (groupId) => describing(groupId, () => describeGroup(admin, groupId)),
    conflictIn: (groupId) => describing(groupId, () => conflictIn(settings, log, groupId)),
    async deleteGroups(groupIds) {
      if (groupIds.length === 0) return
      const needed = groupIds.map((groupId) => groupRight('Delete', groupId))
      await explaining(`cannot delete ${groupIds.join(', ')}`, needed, () =>
        admin.deleteGroups([...groupIds]),
      )
    },
    stop: () => admin.disconnect(),
  }
}

async function openAdmin(
  settings: KafkaSettings,
  log: KafkaLog,
  onFault: (fault: ConnectionFault) => void,
): Promise<Admin> {
  const admin = createKafka(settings, log, 'command', onFault).admin()
  try {
    await admin.connect()
    // A broker that requires a login answers the first request without one.
    await admin.describeCluster()
    return admin
  } catch (error) {
    admin.disconnect().catch(() => undefined)
    throw error
  }
}

function rightsToCommit(groupId: string, entries: readonly CommitEntry[]): readonly Right[] {
  const topics = new Set(entries.map(({ topic }) => topic))
  return [groupRight('Read', groupId), ...[...topics].map((topic) => topicRight('Read', topic))]
}

async function describeCluster(admin: Admin): Promise<ClusterDescription> {
  const { brokers, controller } = await admin.describeCluster()
  return {
    brokers: brokers.length,
    addresses: brokers.map(({ host, port }) => ({ host, port })),
    defaultReplicas: await defaultReplicas(admin, controller),
  }
}

/** Asks any broker. Needs the right to see the settings of the cluster. */
async function defaultReplicas(
  admin: Admin,
  controller: number | null,
): Promise<number | undefined> {
  if (controller === null) return undefined
  const name = 'default.replication.factor'
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.BROKER,
          name: String(controller),
          configNames: [name],
        },
      ],
    })
    const entries = resources[0]?.configEntries ?? []
    const value = entries.find(({ configName }) => configName === name)?.configValue
    return value === undefined ? undefined : Number(value)
  } catch {
    return undefined
  }
}

function spreadOf(metadata: ITopicMetadata | undefined): TopicSpread {
  const partitions = metadata?.partitions ?? []
  const replicas = partitions.map((partition) => partition.replicas.length)
  return { partitions: partitions.length, replicas: Math.min(...replicas) }
}

async function describeTopic(admin: Admin, topic: string): Promise<TopicDescription | undefined> {
  // A metadata request for a missing topic would be retried for a while before it fails.
  if (!(await admin.listTopics()).includes(topic)) return undefined
  const [metadata, described] = await Promise.all([
    admin.fetchTopicMetadata({ topics: [topic] }),
    admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    }),
  ])
  const entries = described.resources[0]?.configEntries ?? []
  return {
    topic,
    ...spreadOf(metadata.topics[0]),
    configs: Object.fromEntries(
      entries.map(({ configName, configValue }) => [configName, configValue]),
    ),
  }
}

async function partitionCount(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.length
  } catch (error) {
    // A list of topics would leave out those that the principal may not see.
    if (errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    throw error
  }
}

async function createTopic(admin: Admin, topic: NewTopic): Promise<TopicSpread | undefined> {
  try {
    const isNew = await admin.createTopics({
      // KafkaJS's own wait fails if a broker does not know the topic yet.
      waitForLeaders: false,
      topics: [
        {
          topic: topic.topic,
          numPartitions: topic.partitions,
          replicationFactor: topic.replicationFactor ?? -1,
          configEntries: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
        },
      ],
    })
    const metadata = await patiently(
      () => admin.fetchTopicMetadata({ topics: [topic.topic] }),
      passingForTopics,
    )
    return isNew ? spreadOf(metadata.topics[0]) : undefined
  } catch (error) {
    // `errors` has the reasons. The outer message only says that there are some.
    const inner: unknown = error instanceof Error && 'errors' in error ? error.errors : undefined
    throw Array.isArray(inner) && inner[0] instanceof Error ? inner[0] : error
  }
}

async function topicOffsets(admin: Admin, topic: string): Promise<readonly PartitionRange[]> {
  const found = await patiently(() => admin.fetchTopicOffsets(topic), leaderTypes, leaderMs)
  return found
    .map(({ partition, low, high }) => ({
      topic,
      partition,
      low: offsetNumber(low),
      end: offsetNumber(high),
    }))
    .toSorted((one, other) => one.partition - other.partition)
}

async function groupOffsets(
  admin: Admin,
  groupId: string,
  topics: readonly string[],
): Promise<readonly CommitEntry[]> {
  const found = await patiently(
    () => admin.fetchOffsets({ groupId, topics: [...topics] }),
    movedCoordinatorTypes,
  )
  return found.flatMap(({ topic, partitions }) =>
    partitions
      .map(({ partition, offset, metadata }) => ({
        topic,
        partition,
        offset: offsetNumber(offset),
        metadata: metadata ?? '',
      }))
      .filter(({ offset }) => offset >= 0),
  )
}

async function listGroups(
  admin: Admin,
  prefix: string,
): Promise<readonly { readonly groupId: string; readonly state: string }[]> {
  const { groups } = await patiently(() => admin.listGroups(), movedCoordinatorTypes)
  const ids = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(prefix))
  if (ids.length === 0) return []
  const found = await patiently(() => admin.describeGroups(ids), movedCoordinatorTypes)
  return found.groups.map(({ groupId, state }) => ({ groupId, state }))
}

/**
 * Commits without a membership, which a group without members accepts. KafkaJS's own `setOffsets` joins the group for this,
 * and takes five seconds per topic. An assigner that is never used gives access to the cluster object.
 */
async function commitOffsets(
  { settings, log }: { readonly settings: KafkaSettings; readonly log: KafkaLog },
  groupId: string,
  entries: readonly CommitEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const cluster = clusterOf(settings, log)
  await cluster.connect()
  try {
    const topics = [...Map.groupBy(entries, (entry) => entry.topic)].map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition, offset, metadata }) => ({
        partition,
        offset: String(offset),
        metadata,
      })),
    }))
    await patiently(async () => {
      const coordinator = await cluster.findGroupCoordinator({ groupId })
      await coordinator.offsetCommit({ groupId, memberId: '', groupGenerationId: -1, topics })
    }, movedCoordinatorTypes)
  } finally {
    await cluster.disconnect()
  }
}

/** Errors of a broker that is still becoming the leader of a topic. */
const passingForTopics = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])
const passingWaitMs = 200
/** Brokers that have just started take long to make the topic of commits. */
const longestMs = 30_000
/** A leader that was lost may be away for hours. A person waits for the answer. */
const leaderMs = 10_000

/**
 * Retries for `patienceMs` while the broker answers with one of `passing`. KafkaJS itself does so only in some places.
 */
async function patiently<Result>(
  work: () => Promise<Result>,
  passing: ReadonlySet<string>,
  patienceMs = longestMs,
): Promise<Result> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() > until || !passing.has(errorType(error) ?? '')) throw error
      await sleep(passingWaitMs)
    }
  }
}

function describingBy(explaining: Explaining) {
  return <Result>(groupId: string, work: () => Promise<Result>): Promise<Result> =>
    explaining(`cannot describe group ${groupId}`, [groupRight('Describe', groupId)], () =>
      patiently(work, movedCoordinatorTypes),
    )
}
