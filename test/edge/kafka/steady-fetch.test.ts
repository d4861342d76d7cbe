import { describe, expect, it } from 'vitest'
import type {
  FetchedBatch,
  FetchedPartition,
  FetchRequest,
  InnerGroup,
} from '../../../src/edge/kafka/inner.ts'
import { SteadyFetch } from '../../../src/edge/kafka/steady-fetch.ts'

const ownBatch: FetchedBatch = {
  topic: 'events',
  partition: 0,
  fetchedOffset: '3',
  highWatermark: '9',
  rawMessages: [],
  messages: [],
}

interface Change {
  metadata: object | null
  metadataExpireAt: number | null
  positions: { readonly resolvedOffsets: Record<string, Record<number, string>> } | null
  seeking: number
  /** By topic. */
  preferred: Record<string, object>
  paused: ReadonlySet<number>
  answers: readonly FetchedPartition[]
  failure: Error | undefined
}

function positionsAt(...offsets: readonly string[]) {
  return {
    resolvedOffsets: { events: Object.fromEntries(offsets.entries()) },
    nextOffset: () => 'resolved by KafkaJS',
  }
}

/** A member with two partitions, whose node answers with `state.answers`. */
function scripted() {
  const state: Change = {
    metadata: {},
    metadataExpireAt: Number.MAX_SAFE_INTEGER,
    positions: positionsAt('3', '30'),
    seeking: 0,
    preferred: { events: {} },
    paused: new Set(),
    answers: [],
    failure: undefined,
  }
  const requests: FetchRequest[] = []
  const recovered: unknown[] = []
  const node = {
    fetch(request: FetchRequest) {
      requests.push(structuredClone(request))
      if (state.failure !== undefined) return Promise.reject(state.failure)
      return Promise.resolve({ responses: [{ topicName: 'events', partitions: state.answers }] })
    },
  }
  const group = {
    get offsetManager() {
      return state.positions
    },
    cluster: {
      get brokerPool() {
        return { metadata: state.metadata, metadataExpireAt: state.metadataExpireAt }
      },
      findBroker: () => Promise.resolve(node),
    },
    get seekOffset() {
      return { size: state.seeking }
    },
    get preferredReadReplicasPerTopicPartition() {
      return state.preferred
    },
    maxWaitTime: 500,
    minBytes: 1,
    maxBytes: 1_000,
    maxBytesPerPartition: 100,
    isolationLevel: 1,
    rackId: '',
    assigned: () => [{ topic: 'events', partitions: [0, 1] }],
    filterPartitionsByNode: (_: string, topics: unknown) => topics,
    isPaused: (_: string, partition: number) => state.paused.has(partition),
    recoverFromFetch: (error: unknown) => Promise.resolve(void recovered.push(error)),
  } as unknown as InnerGroup
  const steady = new SteadyFetch()
  let owns = 0
  const fetch = async (during: () => void = () => undefined) => {
    const own = owns
    const batches = await steady.fetch(group, '1', () => {
      owns += 1
      during()
      return Promise.resolve([ownBatch])
    })
    return { batches, isOwn: owns > own }
  }
  return { state, requests, recovered, fetch }
}

function answer(partition: number, end: string, more: Partial<FetchedPartition> = {}) {
  return {
    partition,
    errorCode: 0,
    highWatermark: end,
    lastStableOffset: end,
    messages: [],
    ...more,
  }
}

const message = { offset: '3', timestamp: '0', key: null, value: null }

describe('the fetches of a member', () => {
  it('are its own after the first, from where each partition continues', async () => {
    const { requests, fetch } = scripted()
    expect(await fetch()).toEqual({ batches: [ownBatch], isOwn: true })
    expect((await fetch()).isOwn).toBe(false)
    const [first] = requests
    expect(first).toEqual({
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: 1_000,
      isolationLevel: 1,
      rackId: '',
      topics: [
        {
          topic: 'events',
          partitions: [
            { partition: 0, maxBytes: 100, fetchOffset: '3' },
            { partition: 1, maxBytes: 100, fetchOffset: '30' },
          ],
        },
      ],
    })
  })

  it('return partitions with records, and each new end once', async () => {
    const { state, fetch } = scripted()
    await fetch()
    state.answers = [answer(0, '4', { messages: [message] }), answer(1, '30')]
    const { batches } = await fetch()
    expect(batches.map(({ partition, highWatermark }) => [partition, highWatermark])).toEqual([
      [0, '4'],
      [1, '30'],
    ])
    expect(batches[0]).toMatchObject({ fetchedOffset: '3', messages: [message] })
    state.answers = [answer(0, '4'), answer(1, '31')]
    expect((await fetch()).batches).toMatchObject([{ partition: 1, highWatermark: '31' }])
  })

  it('ask for no partition that is paused, and return none that was paused in the meantime', async () => {
    const { state, requests, fetch } = scripted()
    await fetch()
    state.paused = new Set([0])
    state.answers = [answer(0, '4', { messages: [message] }), answer(1, '31')]
    expect((await fetch()).batches).toMatchObject([{ partition: 1 }])
    expect(requests[0]?.topics[0]?.partitions).toMatchObject([{ partition: 1 }])
    state.paused = new Set([0, 1])
    expect((await fetch()).isOwn).toBe(true)
  })

  it.each<[string, (state: Change) => void]>([
    ['the group has joined', (state) => (state.positions = positionsAt('5', '50'))],
    ['it is between two memberships', (state) => (state.positions = null)],
    ['the metadata was refreshed', (state) => (state.metadata = {})],
    ['the metadata has expired', (state) => (state.metadataExpireAt = 0)],
    [
      'a position is not known',
      (state) => ((state.positions?.resolvedOffsets['events'] ?? {})[1] = '-1'),
    ],
    ['a position has to be moved', (state) => (state.seeking = 1)],
    [
      'a node has named another replica for a partition, whichever node it is',
      (state) => (state.preferred = { events: { 1: { nodeId: 2 } } }),
    ],
  ])("are KafkaJS's again after %s", async (_, change) => {
    const { state, fetch } = scripted()
    await fetch()
    expect((await fetch()).isOwn).toBe(false)
    change(state)
    expect((await fetch()).isOwn).toBe(true)
  })

  it("are KafkaJS's again if the metadata was refreshed during its own", async () => {
    const { state, fetch } = scripted()
    await fetch(() => (state.metadata = {}))
    expect((await fetch()).isOwn).toBe(true)
    expect((await fetch()).isOwn).toBe(false)
  })

  it("are KafkaJS's again after a node asked for another replica", async () => {
    const { state, fetch } = scripted()
    await fetch()
    state.answers = [answer(0, '4', { preferredReadReplica: 2 })]
    await fetch()
    expect((await fetch()).isOwn).toBe(true)
  })

  it("are KafkaJS's again after one failed, which is handled as KafkaJS's own", async () => {
    const { state, recovered, fetch } = scripted()
    await fetch()
    state.failure = new Error('not the leader')
    expect(await fetch()).toEqual({ batches: [], isOwn: false })
    expect(recovered).toEqual([state.failure])
    expect((await fetch()).isOwn).toBe(true)
  })
})
