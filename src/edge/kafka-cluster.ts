/** KafkaJS's cluster object, for what its clients do not offer. It hands the object to assigners, and to nobody else. */
import { createKafka, errorType, type KafkaLog, type KafkaSettings } from './kafka-client.ts'
import type { ConnectionFault } from './kafka-security.ts'

const unusedAssigner = {
  name: 'unused',
  version: 0,
  assign: () => Promise.resolve([]),
  protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }),
}

/**
 * A cluster of its own, not connected. Its type is the caller's word for the part that is used: KafkaJS declares only a
 * few methods, and `kafka-patches.ts` refuses any version but the one that was read.
 */
export function clusterOf(
  settings: KafkaSettings,
  log: KafkaLog,
  onFault?: (fault: ConnectionFault) => void,
): unknown {
  let found: unknown
  createKafka(settings, log, 'command', onFault).consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return unusedAssigner
      },
    ],
  })
  if (found === undefined) throw new Error('KafkaJS made a consumer without its assigner')
  return found
}

/** KafkaJS's errors for a node that cannot be reached, or is none of the cluster any more. */
const nodeErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
])

/** The partition has another leader, or none yet. */
const leaderTypes = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

/** Whether a request failed for its node or its leadership: then fresh metadata may name another. */
export function isForAnotherNode(error: unknown): boolean {
  const type = errorType(error)
  if (type !== undefined) return leaderTypes.has(type)
  return error instanceof Error && nodeErrors.has(error.name)
}
