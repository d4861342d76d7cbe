/** KafkaJS's cluster object, for what its clients do not offer. It hands the object to assigners, and to nobody else. */
import { createKafka, type KafkaLog, type KafkaSettings } from './kafka-client.ts'
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
