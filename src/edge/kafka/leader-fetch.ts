/**
 * Fetches from the leaders of partitions without a group. Nothing is joined or committed, nothing remains afterwards, and
 * only the right to read the topic is needed. KafkaJS's consumers cannot do this, so its cluster object is used.
 */
import { fetchedBatch } from './fetch.ts'
import type { FetchedBatch, InnerCluster } from './inner.ts'
import { offsetNumber } from './records.ts'

/** The position in a partition. */
export interface Position {
  readonly partition: number
  /** Offset of the next record to read. */
  next: number
}

/** The answer of a leader for one partition. */
export interface LeaderAnswer {
  readonly batch: FetchedBatch
  /** The end of the records that are replicated and belong to no open transaction. */
  readonly lastStable: number
}

/** The most bytes of one partition per fetch, unless a single batch is larger. */
const partitionBytes = 1024 * 1024
const readCommitted = 1

/** The positions by the present leader of their partitions. */
export function byLeader<At extends Position>(
  cluster: Pick<InnerCluster, 'findLeaderForPartitions'>,
  topic: string,
  positions: readonly At[],
): readonly (readonly [nodeId: string, positions: readonly At[]])[] {
  const byPartition = new Map(positions.map((position) => [position.partition, position]))
  const leaders = cluster.findLeaderForPartitions(topic, [...byPartition.keys()])
  return Object.entries(leaders).map(([nodeId, numbers]) => [
    nodeId,
    numbers.flatMap((number) => byPartition.get(number) ?? []),
  ])
}

/**
 * One fetch from one node. Does not change the positions.
 *
 * @param waitMs how long the broker waits for records if there are none
 * @throws {Error} KafkaJS's error for the first error code in the answer
 */
export async function fetchFromLeader(
  cluster: Pick<InnerCluster, 'findBroker'>,
  nodeId: string,
  request: {
    readonly topic: string
    readonly positions: readonly Position[]
    readonly waitMs: number
  },
): Promise<readonly LeaderAnswer[]> {
  const { topic, positions, waitMs } = request
  const asked = new Map(positions.map(({ partition, next }) => [partition, String(next)]))
  const broker = await cluster.findBroker({ nodeId })
  const partitions = [...asked].map(([partition, fetchOffset]) => ({
    partition,
    fetchOffset,
    maxBytes: partitionBytes,
  }))
  const { responses } = await broker.fetch({
    maxWaitTime: waitMs,
    isolationLevel: readCommitted,
    topics: [{ topic, partitions }],
  })
  return responses.flatMap((response) =>
    response.partitions.flatMap((answer) => {
      const fetchedOffset = asked.get(answer.partition)
      if (fetchedOffset === undefined) return []
      const batch = fetchedBatch(topic, fetchedOffset, answer)
      return [{ batch, lastStable: offsetNumber(answer.lastStableOffset) }]
    }),
  )
}
