/** The ids of topics, for programs that keep what they have read: a topic that was created again has another id. */
import { within } from '../waiting.ts'
import type { KafkaLog, KafkaSettings } from './client.ts'
import { clusterOf } from './cluster.ts'
import { topicIdOf } from './topic-id.ts'

/**
 * The ids in the order of the topics; `undefined` for a topic that does not exist, or if brokers have no ids.
 *
 * @throws {Error} when no broker answers
 */
export async function topicIdsOf(
  settings: KafkaSettings,
  log: KafkaLog,
  topics: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const cluster = clusterOf(settings, log)
  try {
    await cluster.connect()
    // The metadata says which broker is the controller.
    await cluster.refreshMetadata()
    const broker = await cluster.findControllerBroker()
    const ids: (string | undefined)[] = []
    for (const topic of topics) ids.push(await topicIdOf(broker, topic))
    return ids
  } finally {
    await within(cluster.disconnect(), 1_000, undefined)
  }
}
