/**
 * Mends what KafkaJS does when a partition has no leader: a request for the metadata of all topics, by which a client without
 * topics connects, fails if any partition of the cluster has none, also one of a topic that is not used.
 *
 * `client.ts` imports this file.
 */
import { createRequire } from 'node:module'

/** The partition has another leader, or none yet. */
export const leaderTypes: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

interface MetadataAnswer {
  readonly topicMetadata: readonly { readonly topicErrorCode: number }[]
}

interface MetadataExchange {
  readonly response: { readonly parse: (answer: MetadataAnswer) => Promise<MetadataAnswer> }
}

type MetadataRequest = (options: { readonly topics: readonly string[] }) => MetadataExchange

interface MetadataDefinition {
  protocol: (choice: { readonly version: number }) => MetadataRequest
}

/** Kafka's error code of a topic that was deleted while the answer was written. */
const unknownTopic = 3

/** Errors of single partitions do not count: nobody asked for their leaders. */
function parseAllTopics(answer: MetadataAnswer): Promise<MetadataAnswer> {
  const topicMetadata = answer.topicMetadata.filter(
    ({ topicErrorCode }) => topicErrorCode !== unknownTopic,
  )
  return Promise.resolve({ ...answer, topicMetadata })
}

function patchMetadata(): void {
  const definition = createRequire(import.meta.url)(
    'kafkajs/src/protocol/requests/metadata',
  ) as MetadataDefinition
  const { protocol } = definition
  definition.protocol = (choice) => {
    const requestOf = protocol(choice)
    return (options) => {
      const exchange = requestOf(options)
      if (options.topics.length > 0) return exchange
      return { ...exchange, response: { ...exchange.response, parse: parseAllTopics } }
    }
  }
}

patchMetadata()
