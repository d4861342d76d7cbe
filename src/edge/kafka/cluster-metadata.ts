/**
 * Mends how KafkaJS's cluster gets metadata when several requests need it at once, or a node is away.
 *
 * - **Refreshes.** KafkaJS lets a refresh that is requested while another one runs have the answer to that one. It may have
 *   been sent before a topic was added. The topic then seems to have no partitions, and a request for its offsets ends with
 *   a TypeError. So one that is requested while another one runs is sent after it.
 * - **Requests for the metadata of some topics.** In KafkaJS, the cluster then knows of no other topics. The request fails
 *   if the first node that is asked is away, and returns nothing if each node answers with an error. So it leaves alone
 *   what the cluster knows, asks all nodes, and fails with the error of a node.
 *
 * `client.ts` imports this file.
 */
import type { EpochMs } from '../../core/model/model.ts'
import { methodsOf } from './patches.ts'

interface TopicMetadata {
  readonly topic: string
}

interface MetadataNode {
  isConnected(): boolean
  metadata(topics: readonly string[]): Promise<unknown>
}

interface BrokerPool {
  readonly brokers: Readonly<Record<string, MetadataNode>>
  readonly metadata: { readonly topicMetadata: readonly TopicMetadata[] } | null
  readonly metadataExpireAt: EpochMs | null
  findBroker(request: { readonly nodeId: string }): Promise<MetadataNode>
  findConnectedBroker(): Promise<MetadataNode>
}

type Retrier = (work: (bail: (error: unknown) => void) => Promise<unknown>) => Promise<unknown>

interface Cluster extends ClusterMethods {
  readonly targetTopics: ReadonlySet<string>
  readonly brokerPool: BrokerPool
  readonly retrier: Retrier
}

interface ClusterMethods {
  refreshMetadata(this: Cluster): Promise<void>
  refreshMetadataIfNecessary(this: Cluster): Promise<void>
  metadata(this: Cluster, request?: { readonly topics?: readonly string[] }): Promise<unknown>
}

/** Of one cluster. */
interface Refreshing {
  readonly running: Promise<void>
  /** Begins when `running` has ended. All that is requested before that shares it. */
  next: Promise<void> | undefined
}

function patchCluster(): void {
  const methods = methodsOf<ClusterMethods>('kafkajs/src/cluster', [
    'refreshMetadata',
    'refreshMetadataIfNecessary',
    'metadata',
  ])
  const refresh = methods.refreshMetadata
  const refreshing = new WeakMap<Cluster, Refreshing>()

  function begin(cluster: Cluster): Promise<void> {
    const running = refresh.call(cluster)
    const now: Refreshing = { running, next: undefined }
    refreshing.set(cluster, now)
    const ended = (): void => {
      if (now.next === undefined) refreshing.delete(cluster)
    }
    running.then(ended, ended)
    return running
  }

  methods.refreshMetadata = function () {
    const now = refreshing.get(this)
    if (now === undefined) return begin(this)
    now.next ??= now.running.catch(() => undefined).then(() => begin(this))
    return now.next
  }
  methods.refreshMetadataIfNecessary = async function () {
    if (isCurrent(this)) return
    // Several fetch loops find expired metadata at once. One refresh is enough for them.
    await refreshing.get(this)?.running.catch(() => undefined)
    if (!isCurrent(this)) await this.refreshMetadata()
  }
  methods.metadata = function ({ topics = [] } = {}) {
    return this.retrier(async (bail) => {
      try {
        if (Object.keys(this.brokerPool.brokers).length === 0) await this.refreshMetadata()
        return await askNodes(this, topics)
      } catch (error) {
        if (isAnswer(error) && isElecting(error)) throw error
        return bail(error)
      }
    })
  }
}

/** KafkaJS's own rule. */
function isCurrent({ targetTopics, brokerPool }: Cluster): boolean {
  const { metadata, metadataExpireAt } = brokerPool
  if (metadata === null || metadataExpireAt === null || Date.now() > metadataExpireAt) return false
  const known = new Set(metadata.topicMetadata.map(({ topic }) => topic))
  return [...targetTopics].every((topic) => known.has(topic))
}

/** One after the other, until one answers without an error. A new topic is not known to all of them at once. */
async function askNodes(cluster: Cluster, topics: readonly string[]): Promise<unknown> {
  const pool = cluster.brokerPool
  const connectedFirst = Object.entries(pool.brokers).toSorted(
    ([, one], [, other]) => Number(other.isConnected()) - Number(one.isConnected()),
  )
  let refusal: Error | undefined
  for (const [nodeId] of connectedFirst) {
    try {
      const node = await pool.findBroker({ nodeId })
      return await node.metadata(topics)
    } catch (error) {
      // The topic is new, and some nodes do not know it yet: this one does.
      if (isAnswer(error) && (refusal === undefined || isElecting(error))) refusal = error
    }
  }
  if (refusal !== undefined) throw refusal
  // All known nodes are away. This one also tries the addresses that the client was given.
  const node = await pool.findConnectedBroker()
  const answer = await node.metadata(topics)
  // So the next request does not try nodes that are gone. It may fail because of a topic that has no leader.
  await cluster.refreshMetadata().catch(() => undefined)
  return answer
}

/** Whether a node has answered with this error. */
function isAnswer(error: unknown): error is Error & { readonly type: string } {
  return error instanceof Error && 'type' in error && typeof error.type === 'string'
}

function isElecting({ type }: { readonly type: string }): boolean {
  return type === 'LEADER_NOT_AVAILABLE'
}

patchCluster()
