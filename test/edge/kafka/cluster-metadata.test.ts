/** What the cluster of KafkaJS knows while several requests refresh it, and while a node is away. */
import { describe, expect, it } from 'vitest'
import { clusterOf } from '../../../src/edge/kafka/cluster.ts'
import { settled } from '../../support/hand-clock.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'

interface Answer {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: object[]
  }[]
}

interface Node {
  isConnected(): boolean
  metadata(topics: readonly string[]): Promise<Answer>
}

interface OpenCluster {
  readonly brokerPool: {
    metadata: Answer | null
    metadataExpireAt: number | null
    brokers: Record<string, Node>
    refreshMetadata(topics: readonly string[]): Promise<void>
    findBroker(request: { readonly nodeId: string }): Promise<Node>
    findConnectedBroker(): Promise<Node>
  }
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  metadata(request: { readonly topics: readonly string[] }): Promise<Answer>
  findTopicPartitionMetadata(topic: string): readonly object[]
}

const answerFor = (topics: readonly string[]): Answer => ({
  topicMetadata: topics.map((topic) => ({ topic, partitionMetadata: [{ partitionId: 0 }] })),
})

/** Refreshes of it are answered when the test says so. */
function heldCluster() {
  const cluster = clusterOf(settingsOf(['127.0.0.1:1']), silentLog) as unknown as OpenCluster
  const { brokerPool } = cluster
  const held: { readonly topics: readonly string[]; readonly answer: () => void }[] = []
  brokerPool.refreshMetadata = (topics) =>
    new Promise((resolve) => {
      const answer = (): void => {
        brokerPool.metadata = answerFor(topics)
        brokerPool.metadataExpireAt = Number.POSITIVE_INFINITY
        resolve()
      }
      held.push({ topics, answer })
    })
  return { cluster, held }
}

async function answerNext({ held }: ReturnType<typeof heldCluster>): Promise<readonly string[]> {
  const next = held.shift()
  if (next === undefined) throw new Error('no refresh waits for its answer')
  next.answer()
  await settled()
  return next.topics
}

describe('a refresh that is requested while another one runs', () => {
  it('knows the topic that was added meanwhile', async () => {
    const rig = heldCluster()
    const { cluster } = rig
    const first = cluster.addMultipleTargetTopics(['one'])
    await settled()
    await answerNext(rig)
    await first

    const running = cluster.refreshMetadata()
    const added = cluster
      .addMultipleTargetTopics(['two'])
      .then(() => cluster.findTopicPartitionMetadata('two'))
    await settled()
    expect(await answerNext(rig)).toEqual(['one'])
    await running
    expect(await answerNext(rig)).toEqual(['one', 'two'])
    expect(await added).toHaveLength(1)
  })

  it('is one with all others that are requested by then, and not held up by one that fails', async () => {
    const rig = heldCluster()
    const { cluster, held } = rig
    const requests = [
      cluster.refreshMetadata(),
      cluster.refreshMetadata(),
      cluster.refreshMetadata(),
    ]
    await settled()
    expect(held).toHaveLength(1)
    await answerNext(rig)
    expect(held).toHaveLength(1)
    await answerNext(rig)
    await Promise.all(requests)
    expect(held).toHaveLength(0)
    await cluster.refreshMetadataIfNecessary()

    const failing = heldCluster()
    failing.cluster.brokerPool.refreshMetadata = () => Promise.reject(new Error('no node answers'))
    const failed = failing.cluster.refreshMetadata()
    const after = failing.cluster.refreshMetadata()
    await expect(failed).rejects.toThrow('no node answers')
    await expect(after).rejects.toThrow('no node answers')
    failing.cluster.brokerPool.refreshMetadata = () => Promise.resolve()
    await expect(failing.cluster.refreshMetadata()).resolves.toBeUndefined()
  })
})

describe('a refresh that may not be necessary', () => {
  it('waits for the one that runs, and is sent only if that one leaves out a topic', async () => {
    const rig = heldCluster()
    const { cluster, held } = rig
    const first = cluster.addMultipleTargetTopics(['one'])
    await settled()
    const another = cluster.refreshMetadataIfNecessary()
    expect(held).toHaveLength(1)
    await answerNext(rig)
    await Promise.all([first, another])
    expect(held).toHaveLength(0)

    const running = cluster.refreshMetadata()
    const added = cluster.addMultipleTargetTopics(['two'])
    const needed = cluster.refreshMetadataIfNecessary()
    await settled()
    expect(await answerNext(rig)).toEqual(['one'])
    expect(await answerNext(rig)).toEqual(['one', 'two'])
    await Promise.all([running, added, needed])
    expect(held).toHaveLength(0)
  })
})

/** A cluster that knows topic "one", and has these nodes. */
function clusterWith(nodes: readonly Partial<Node>[]): OpenCluster {
  const { cluster } = heldCluster()
  const { brokerPool } = cluster
  brokerPool.metadata = answerFor(['one'])
  brokerPool.metadataExpireAt = Number.POSITIVE_INFINITY
  brokerPool.brokers = Object.fromEntries(
    nodes.map((node, id) => [
      String(id),
      {
        isConnected: () => false,
        metadata: (topics) => Promise.resolve(answerFor(topics)),
        ...node,
      },
    ]),
  )
  brokerPool.findBroker = ({ nodeId }) => {
    const node = brokerPool.brokers[nodeId]
    return node === undefined ? Promise.reject(new Error('no such node')) : Promise.resolve(node)
  }
  return cluster
}

const refusing = (error: Error) => ({ metadata: () => Promise.reject(error) })
const noLeader = Object.assign(new Error('there is no leader'), { type: 'UNKNOWN_LEADER' })

describe('a request for the metadata of a topic', () => {
  it('leaves alone what the cluster knows', async () => {
    const cluster = clusterWith([{}])
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
    expect(cluster.findTopicPartitionMetadata('one')).toHaveLength(1)
  })

  it('asks the next node if one is away or answers with an error', async () => {
    const cluster = clusterWith([refusing(new Error('connection refused')), refusing(noLeader), {}])
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
  })

  it('asks a node first to which there is a connection', async () => {
    const asked: number[] = []
    const node = (id: number, isConnected: boolean) => ({
      isConnected: () => isConnected,
      metadata: (topics: readonly string[]) => {
        asked.push(id)
        return Promise.resolve(answerFor(topics))
      },
    })
    await clusterWith([node(0, false), node(1, true)]).metadata({ topics: [] })
    expect(asked).toEqual([1])
  })

  it('fails with the error of a node if each answers with one', async () => {
    const away = refusing(new Error('connection refused'))
    const cluster = clusterWith([away, refusing(noLeader), away])
    await expect(cluster.metadata({ topics: ['other'] })).rejects.toThrow('there is no leader')
  })

  it('asks a node at the addresses that the client was given if all that it knows are away', async () => {
    const cluster = clusterWith([refusing(new Error('connection refused'))])
    const metadata = (topics: readonly string[]) => Promise.resolve(answerFor(topics))
    cluster.brokerPool.findConnectedBroker = () =>
      Promise.resolve({ isConnected: () => true, metadata })
    let refreshes = 0
    cluster.brokerPool.refreshMetadata = () => {
      refreshes += 1
      return Promise.resolve()
    }
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
    expect(refreshes).toBe(1)
  })

  it('fails because a leader is elected if any node knows that much of a new topic', async () => {
    const electing = Object.assign(new Error('electing'), { type: 'LEADER_NOT_AVAILABLE' })
    let rounds = 0
    const second: Partial<Node> = {
      metadata(topics) {
        rounds += 1
        return rounds === 1 ? Promise.reject(electing) : Promise.resolve(answerFor(topics))
      },
    }
    const unknown = Object.assign(new Error('unknown'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const cluster = clusterWith([refusing(unknown), second])
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
  })

  it('needs no leader of the topics that the cluster knows', async () => {
    const cluster = clusterWith([{}])
    cluster.brokerPool.metadataExpireAt = null
    cluster.brokerPool.refreshMetadata = () => Promise.reject(noLeader)
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
  })

  it('is repeated while a leader is elected', async () => {
    const electing = Object.assign(new Error('electing'), { type: 'LEADER_NOT_AVAILABLE' })
    const answers = [Promise.reject(electing), Promise.resolve(answerFor(['other']))]
    const cluster = clusterWith([{ metadata: () => answers.shift() ?? Promise.reject(electing) }])
    expect(await cluster.metadata({ topics: ['other'] })).toEqual(answerFor(['other']))
  })
})
