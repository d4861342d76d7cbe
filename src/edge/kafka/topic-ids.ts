/** What tells topics from former ones of the same names, for those who keep what they read. */
import { within } from '../waiting.ts'
import type { KafkaLog, KafkaSettings } from './client.ts'
import { clusterOf } from './cluster.ts'
import { topicIdOf } from './topic-id.ts'

/**
 * Ids in the order of the topics; `undefined` for one that does not exist, or where brokers give none.
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
    // Which broker is the controller stands in the metadata.
    await cluster.refreshMetadata()
    const broker = await cluster.findControllerBroker()
    const ids: (string | undefined)[] = []
    for (const topic of topics) ids.push(await topicIdOf(broker, topic))
    return ids
  } finally {
    await within(cluster.disconnect(), 1_000, undefined)
  }
}
