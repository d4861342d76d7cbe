/**
 * The answer to a fetch request, which has all partitions of the request: most of them have no record. KafkaJS makes
 * promises, decoders and objects of 64 bits for each of them. This code makes one object. KafkaJS still splits records into
 * batches, which `batches.ts` reads. Answers of brokers before Kafka 2.3, which have other versions, stay as they are.
 *
 * Imported by `fetch.ts` before KafkaJS loads the users of the module, at the first fetch.
 */
import { createRequire } from 'node:module'
import './batches.ts'
import type { AbortedTransaction, FetchAnswer, FetchedMessage, FetchedPartition } from './inner.ts'
import { replaceExport } from './replace-export.ts'

interface WholeAnswer extends FetchAnswer {
  readonly throttleTime: number
  /** Milliseconds. KafkaJS waits so long before its next request (KIP-219). */
  readonly clientSideThrottleTime: number
  readonly errorCode: number
  readonly sessionId: number
}

interface FetchResponse {
  readonly decode: (bytes: Buffer) => Promise<WholeAnswer>
  readonly parse: (answer: WholeAnswer) => Promise<WholeAnswer>
}

interface Decoder {
  readonly offset: number
}

const requireFrom = createRequire(import.meta.url)
const DecoderOf = requireFrom('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
/** Reads a size and so many bytes of batches. Loaded here, after the reading of batches was replaced. */
const decodeMessages = requireFrom('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
  decoder: Decoder,
) => Promise<FetchedMessage[]>

const sizeBytes = 4
const none: readonly never[] = Object.freeze([])

/** Version 11, of KIP-392: `FetchResponse.json` of Kafka. */
export async function decodeFetch(bytes: Buffer): Promise<WholeAnswer> {
  const cursor = new Cursor(bytes)
  const clientSideThrottleTime = cursor.int32()
  const errorCode = cursor.int16()
  const sessionId = cursor.int32()
  const responses = []
  for (let topics = cursor.int32(); topics > 0; topics -= 1) {
    const topicName = cursor.text()
    const partitions = []
    for (let count = cursor.int32(); count > 0; count -= 1) {
      partitions.push(await decodePartition(cursor))
    }
    responses.push({ topicName, partitions })
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses }
}

function decodePartition(cursor: Cursor): FetchedPartition | Promise<FetchedPartition> {
  const partition = {
    partition: cursor.int32(),
    errorCode: cursor.int16(),
    highWatermark: cursor.int64(),
    lastStableOffset: cursor.int64(),
    logStartOffset: cursor.int64(),
    abortedTransactions: abortedIn(cursor),
    preferredReadReplica: cursor.int32(),
    messages: none,
  }
  const batches = cursor.sized()
  return batches.length > sizeBytes ? withMessages(partition, batches) : partition
}

async function withMessages(partition: FetchedPartition, batches: Buffer) {
  return { ...partition, messages: await decodeMessages(new DecoderOf(batches)) }
}

function abortedIn(cursor: Cursor): readonly AbortedTransaction[] {
  const count = cursor.int32()
  if (count <= 0) return none
  return Array.from({ length: count }, () => ({
    producerId: cursor.int64(),
    firstOffset: cursor.int64(),
  }))
}

/** A place in the bytes of an answer. Integers of 64 bits are read as decimal text, as everywhere in KafkaJS. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  int64(): string {
    const value =
      this.#bytes.readInt32BE(this.#at) * 2 ** 32 + this.#bytes.readUInt32BE(this.#at + 4)
    this.#at += 8
    return String(Number.isSafeInteger(value) ? value : this.#bytes.readBigInt64BE(this.#at - 8))
  }

  text(): string {
    const length = this.int16()
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  /** Bytes with their size before them. The size of what is null is below 0. */
  sized(): Buffer {
    const from = this.#at
    const size = this.int32()
    this.#at += Math.max(0, size)
    return this.#bytes.subarray(from, this.#at)
  }
}

function withOneObject({ parse }: FetchResponse): FetchResponse {
  return {
    decode: decodeFetch,
    // KafkaJS looks for errors by two arrays for each topic.
    parse: (answer) => (hasError(answer) ? parse(answer) : Promise.resolve(answer)),
  }
}

function hasError({ responses }: FetchAnswer): boolean {
  return responses.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode !== 0))
}

replaceExport('kafkajs/src/protocol/requests/fetch/v11/response', withOneObject)
