/**
 * Mends what KafkaJS does when a partition has no leader:
 *
 * - A request for the metadata of all topics, by which a client without topics connects, fails if any partition of the
 *   cluster has no leader, also one of a topic that is not used.
 * - A request for the metadata of one topic may fail without its reason.
 *
 * `client.ts` imports this file.
 */
import { createRequire } from 'node:module'
import { methodsOf } from './patches.ts'

/** The partition has another leader, or none yet. */
export const leaderTypes: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

// --- metadata of all topics ---------------------------------------------------------------------------

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

// --- metadata of one topic ------------------------------------------------------------------------------

interface Cluster {
  readonly brokerPool: {
    findConnectedBroker(): Promise<{ metadata(topics: readonly string[]): Promise<MetadataAnswer> }>
  }
}

interface ClusterMethods {
  /** `null` if each node answered with an error. */
  metadata(
    this: Cluster,
    request: { readonly topics: readonly string[] },
  ): Promise<MetadataAnswer | null>
}

function patchCluster(): void {
  const methods = methodsOf<ClusterMethods>('kafkajs/src/cluster', ['metadata'])
  const { metadata } = methods
  methods.metadata = async function (request) {
    const answer = await metadata.call(this, request)
    if (answer !== null) return answer
    // Asks once more, and throws the error of the answer.
    const broker = await this.brokerPool.findConnectedBroker()
    return await broker.metadata(request.topics)
  }
}

patchMetadata()
patchCluster()
