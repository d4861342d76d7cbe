/** KafkaJS's cluster object, for requests that its clients do not have. Only assigners can get this object. */
import type { EpochMs } from '../../core/model/model.ts'
import { createKafka, errorType, type KafkaLog, type KafkaSettings } from './client.ts'
import { type InnerCluster, innerOf } from './inner.ts'
import { leaderTypes } from './leaders.ts'
import { offsetNumber } from './records.ts'
import type { ConnectionFault } from './security.ts'

const unusedAssigner = {
  name: 'unused',
  version: 0,
  assign: () => Promise.resolve([]),
  protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }),
}

/** A cluster of its own, not connected. */
export function clusterOf(
  settings: KafkaSettings,
  log: KafkaLog,
  onFault?: (fault: ConnectionFault) => void,
): InnerCluster {
  let found: InnerCluster | undefined
  createKafka(settings, log, 'command', onFault).consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = innerOf(cluster)
        return unusedAssigner
      },
    ],
  })
  if (found === undefined) throw new Error('KafkaJS made a consumer without its assigner')
  return found
}

/** The earliest record, the end, or the first record at or after a time. */
export interface OffsetsAt {
  readonly fromBeginning: boolean
  readonly fromTimestamp?: EpochMs
}

/** Offsets by partition; -1 if there is no record at or after the time. */
export async function fetchOffsets(
  cluster: Pick<InnerCluster, 'fetchTopicsOffset'>,
  topic: string,
  partitions: readonly number[],
  at: OffsetsAt,
): Promise<ReadonlyMap<number, number>> {
  if (partitions.length === 0) return new Map()
  const wanted = partitions.map((partition) => ({ partition }))
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: wanted, ...at }])
  return new Map(
    (found?.partitions ?? []).map(({ partition, offset }) => [partition, offsetNumber(offset)]),
  )
}

/** KafkaJS's errors for a node that cannot be reached, or is no longer part of the cluster. */
const nodeErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
])

/** Another node is the coordinator of the group, or soon will be. */
export const movedCoordinatorTypes: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])

/** Whether a request failed because of its node or a changed leader. Then fresh metadata may name another node. */
export function isForAnotherNode(error: unknown): boolean {
  const type = errorType(error)
  if (type !== undefined) return leaderTypes.has(type)
  return error instanceof Error && nodeErrors.has(error.name)
}
