/**
 * The fetch of KafkaJS's brokers. The partitions of a request begin with another one each time, because a node fills an answer
 * in their order, up to its size (KIP-74). KafkaJS shuffles them, which takes some arrays for each, and gives each a topic of
 * its own in the request.
 *
 * Imported by `client.ts` before the first fetch.
 */
import { createRequire } from 'node:module'
import './fetch-answer.ts'
import './fetch-request.ts'
import { hideAborted } from './aborted.ts'
import type {
  FetchAnswer,
  FetchedBatch,
  FetchedPartition,
  FetchRequest,
  FetchTopic,
} from './inner.ts'
import { methodsOf } from './patches.ts'

interface Broker {
  lookupRequest(apiKey: number, definition: object): (request: FetchRequest) => object
}

interface BrokerMethods {
  fetch(this: Broker, request: FetchRequest): Promise<FetchAnswer>
}

const requireFrom = createRequire(import.meta.url)
const { requests } = requireFrom('kafkajs/src/protocol/requests') as {
  readonly requests: { readonly Fetch: object }
}
const { Fetch: fetchKey } = requireFrom('kafkajs/src/protocol/requests/apiKeys') as {
  readonly Fetch: number
}

const defaults = { minBytes: 1, maxBytes: 10 * 1024 * 1024, rackId: '' }

/** How many requests a broker object got. */
const turns = new WeakMap<object, number>()

function patchFetch(): void {
  const methods = methodsOf<BrokerMethods>('kafkajs/src/broker', ['fetch'])
  const send = sendingOf(methods)
  methods.fetch = async function (request) {
    const turn = turns.get(this) ?? 0
    turns.set(this, turn + 1)
    const topics = rotated(request.topics, turn)
    const requestOf = this.lookupRequest(fetchKey, requests.Fetch)
    const answer = await send.call(this, requestOf({ ...defaults, ...request, topics }))
    for (const { partitions } of answer.responses) partitions.forEach(hideAborted)
    return answer
  }
}

/** KafkaJS's private method that sends a request to its broker. Its name is a symbol. */
function sendingOf(methods: object) {
  const symbols = Object.getOwnPropertySymbols(methods)
  const name = symbols.find(({ description }) => description === 'private:Broker:sendRequest')
  const send: unknown = name === undefined ? undefined : Reflect.get(methods, name)
  if (typeof send !== 'function') throw new Error('KafkaJS has another way to send requests')
  return send as (this: object, request: object) => Promise<FetchAnswer>
}

/** The same partitions in the same circle, beginning at another one. A topic may be there twice. */
export function rotated(topics: readonly FetchTopic[], turn: number): readonly FetchTopic[] {
  const count = topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
  if (count < 2) return topics
  let skipped = turn % count
  const index = topics.findIndex(({ partitions }) => {
    if (skipped < partitions.length) return true
    skipped -= partitions.length
    return false
  })
  const first = topics[index]
  if (first === undefined) return topics
  const { topic, partitions } = first
  const circle = [
    { topic, partitions: partitions.slice(skipped) },
    ...topics.slice(index + 1),
    ...topics.slice(0, index),
  ]
  if (skipped > 0) circle.push({ topic, partitions: partitions.slice(0, skipped) })
  return circle
}

/** An answer as a batch. A node returns whole batches, which may begin before the position that was asked for. */
export function fetchedBatch(
  topic: string,
  fetchedOffset: string,
  { partition, highWatermark, messages: rawMessages }: FetchedPartition,
): FetchedBatch {
  const from = Number(fetchedOffset)
  const isMeant = ({ offset, isControlRecord }: FetchedPartition['messages'][number]) =>
    isControlRecord !== true && Number(offset) >= from
  const messages = rawMessages.every(isMeant) ? rawMessages : rawMessages.filter(isMeant)
  return { topic, partition, fetchedOffset, highWatermark, rawMessages, messages }
}

patchFetch()
