/**
 * The fetch of KafkaJS's brokers. A node fills an answer in the order of the partitions in the request, up to its size
 * (KIP-74). So the request begins behind the last one that had records in the answer before, as in Java's consumer. KafkaJS
 * shuffles them, which takes some arrays for each, and gives each a topic of its own in the request.
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

interface PartitionOf {
  readonly topic: string
  readonly partition: number
}

/** By broker object: the last partition that had records in an answer. */
const lastServed = new WeakMap<object, PartitionOf>()

function patchFetch(): void {
  const methods = methodsOf<BrokerMethods>('kafkajs/src/broker', ['fetch'])
  const send = sendingOf(methods)
  methods.fetch = async function (request) {
    const topics = rotated(request.topics, lastServed.get(this))
    const requestOf = this.lookupRequest(fetchKey, requests.Fetch)
    const answer = await send.call(this, requestOf({ ...defaults, ...request, topics }))
    for (const { topicName: topic, partitions } of answer.responses) {
      for (const one of partitions) {
        hideAborted(one)
        const { partition, messages } = one
        if (messages.length > 0) lastServed.set(this, { topic, partition })
      }
    }
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

/** The same partitions in the same circle, beginning behind `last`. Its topic may be there twice. */
export function rotated(
  topics: readonly FetchTopic[],
  last: PartitionOf | undefined,
): readonly FetchTopic[] {
  const index = topics.findIndex(({ topic }) => topic === last?.topic)
  const found = topics[index]
  if (found === undefined) return topics
  const { topic, partitions } = found
  const skipped = partitions.findIndex(({ partition }) => partition === last?.partition) + 1
  const [before, behind] = [partitions.slice(0, skipped), partitions.slice(skipped)]
  const circle = [...topics.slice(index + 1), ...topics.slice(0, index)]
  if (behind.length > 0) circle.unshift({ topic, partitions: behind })
  if (before.length > 0) circle.push({ topic, partitions: before })
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
