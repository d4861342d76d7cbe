/**
 * The fetches of a member while nothing changes but its positions. KafkaJS finds out before each fetch which partitions the
 * node leads, which are paused and where each continues, with a dozen objects for each partition. With single events that
 * is hundreds of times a second. Here a plan is made once. The next fetch is KafkaJS's own again when its group has joined,
 * its metadata was refreshed or has expired, a position has to be moved, or a node has named another replica to fetch from.
 */
import { fetchedBatch } from './fetch.ts'
import type { FetchedBatch, FetchedPartition, FetchTopic, InnerGroup, Positions } from './inner.ts'

/** A partition of a plan, as a request has it. */
interface Planned {
  readonly partition: number
  readonly maxBytes: number
  fetchOffset: string
  /** The end that the last answer gave, if it was handed over. */
  end: string | undefined
}

/** What the partitions to fetch from one node depend on. */
interface Basis {
  readonly positions: Positions
  readonly metadata: object
}

interface Plan extends Basis {
  readonly topics: ReadonlyMap<string, ReadonlyMap<number, Planned>>
}

export class SteadyFetch {
  readonly #plans = new Map<string, Plan>()

  /**
   * @param proceed KafkaJS's own fetch from the node
   * @returns partitions with records, and those whose end has changed
   */
  async fetch(
    group: InnerGroup,
    nodeId: string,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]> {
    const basis = basisOf(group)
    const plan = this.#plans.get(nodeId)
    const topics = plan !== undefined && isSame(plan, basis) ? topicsToFetch(group, plan) : []
    if (plan === undefined || topics.length === 0) return await this.#first(group, nodeId, proceed)
    try {
      const broker = await group.cluster.findBroker({ nodeId })
      const { maxWaitTime, minBytes, maxBytes, isolationLevel, rackId } = group
      const wanted = { maxWaitTime, minBytes, maxBytes, isolationLevel, rackId, topics }
      const { responses } = await broker.fetch(wanted)
      return responses.flatMap(({ topicName, partitions }) =>
        partitions.flatMap((answer) => this.#taken(group, { nodeId, plan, topicName, answer })),
      )
    } catch (error) {
      this.#plans.delete(nodeId)
      await group.recoverFromFetch(error)
      return []
    }
  }

  /** KafkaJS's own fetch, and a plan for the next one if what the plan depends on stayed the same in the meantime. */
  async #first(
    group: InnerGroup,
    nodeId: string,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]> {
    const before = basisOf(group)
    this.#plans.delete(nodeId)
    const batches = await proceed()
    const after = basisOf(group)
    if (before === undefined || !isSame(before, after)) return batches
    this.#plans.set(nodeId, { ...before, topics: plannedTopics(group, nodeId) })
    return batches
  }

  #taken(
    group: InnerGroup,
    {
      nodeId,
      plan,
      topicName,
      answer,
    }: {
      readonly nodeId: string
      readonly plan: Plan
      readonly topicName: string
      readonly answer: FetchedPartition
    },
  ): readonly FetchedBatch[] {
    const { partition, highWatermark, messages, preferredReadReplica = -1 } = answer
    const planned = plan.topics.get(topicName)?.get(partition)
    // It was paused while the node waited for records. It is fetched again when it is resumed.
    if (planned === undefined || group.isPaused(topicName, partition)) return []
    // KafkaJS's own fetch gets the same answer, and remembers it.
    if (preferredReadReplica !== -1) this.#plans.delete(nodeId)
    if (messages.length === 0 && planned.end === highWatermark) return []
    planned.end = highWatermark
    return [fetchedBatch(topicName, planned.fetchOffset, answer)]
  }
}

/** `undefined` while KafkaJS itself has something to do before a fetch. */
function basisOf(group: InnerGroup): Basis | undefined {
  const { offsetManager, cluster, seekOffset, preferredReadReplicasPerTopicPartition } = group
  const { metadata, metadataExpireAt } = cluster.brokerPool
  if (offsetManager === null || metadata === null || metadataExpireAt === null) return undefined
  if (Date.now() > metadataExpireAt || seekOffset.size > 0) return undefined
  // A preference moves a partition from one node's fetches to another's, and ends by itself. KafkaJS keeps track of them.
  if (Object.values(preferredReadReplicasPerTopicPartition).some(hasMember)) return undefined
  return { positions: offsetManager, metadata }
}

function hasMember(object: object): boolean {
  return Object.keys(object).length > 0
}

function isSame(one: Basis, other: Basis | undefined): boolean {
  return one.positions === other?.positions && one.metadata === other.metadata
}

function plannedTopics(group: InnerGroup, nodeId: string): Plan['topics'] {
  const maxBytes = group.maxBytesPerPartition
  return new Map(
    group
      .filterPartitionsByNode(nodeId, group.assigned())
      .map(({ topic, partitions }) => [
        topic,
        new Map(
          partitions.map((partition) => [
            partition,
            { partition, maxBytes, fetchOffset: '', end: undefined },
          ]),
        ),
      ]),
  )
}

/** Those that are not paused, each from where it continues now. None if KafkaJS has to find out where one of them does. */
function topicsToFetch(group: InnerGroup, { positions, topics }: Plan): readonly FetchTopic[] {
  const wanted: FetchTopic[] = []
  for (const [topic, planned] of topics) {
    const partitions: Planned[] = []
    for (const one of planned.values()) {
      if (group.isPaused(topic, one.partition)) continue
      const next = resolvedIn(positions, topic, one.partition)
      if (next === undefined) return []
      one.fetchOffset = next
      partitions.push(one)
    }
    if (partitions.length > 0) wanted.push({ topic, partitions })
  }
  return wanted
}

/** Where a partition continues. */
export function nextIn(positions: Positions, topic: string, partition: number): string {
  const resolved = resolvedIn(positions, topic, partition)
  // KafkaJS makes a number of 64 bits of it.
  return resolved ?? positions.nextOffset(topic, partition).toString()
}

function resolvedIn(positions: Positions, topic: string, partition: number): string | undefined {
  const resolved = positions.resolvedOffsets[topic]?.[partition]
  return resolved === undefined || resolved.startsWith('-') ? undefined : resolved
}
