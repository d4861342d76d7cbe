/**
 * The fetch request of KafkaJS. A process that gets single events sends hundreds a second, each with all of its partitions,
 * and KafkaJS makes an encoder of 511 bytes and an object of 64 bits for each field of each partition. This code makes none.
 * Requests to brokers before Kafka 2.3, which have other versions of the request, stay as they are.
 *
 * Imported by `fetch.ts` before KafkaJS loads the users of the module, at the first fetch.
 */
import type { FetchTopic } from './inner.ts'
import { replaceExport } from './replace-export.ts'
import { type RequestBody, textBytes, writeText } from './requests.ts'

interface FetchParts {
  readonly replicaId: number
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly topics: readonly FetchTopic[]
  readonly rackId?: string
}

interface FetchRequest {
  readonly encode: () => Promise<RequestBody>
}

/** Replica, wait, least and most bytes, isolation, session and its epoch, and the count of topics. */
const headBytes = 6 * 4 + 1 + 4
/** Number, epoch of the leader, position, start of the log, and most bytes. */
const partitionBytes = 4 + 4 + 8 + 8 + 4
const countBytes = 4
/** Not known here. Only replicas say it. Twice it is the same in 64 bits. */
const unknown = -1

function withOwnBody(requestOf: (parts: FetchParts) => FetchRequest) {
  return (parts: FetchParts): FetchRequest => ({
    ...requestOf(parts),
    encode: () => Promise.resolve(fetchBody(parts)),
  })
}

/** Version 11, of KIP-392: `FetchRequest.json` of Kafka. */
export function fetchBody(parts: FetchParts): RequestBody {
  const { topics, rackId = '' } = parts
  return {
    bytes: bytesOf(topics, rackId),
    writeTo: (request, at) => writeFetch(parts, request, at),
  }
}

function writeFetch(parts: FetchParts, bytes: Buffer, from: number): void {
  const { topics, rackId = '' } = parts
  let at = bytes.writeInt32BE(parts.replicaId, from)
  at = bytes.writeInt32BE(parts.maxWaitTime, at)
  at = bytes.writeInt32BE(parts.minBytes, at)
  at = bytes.writeInt32BE(parts.maxBytes, at)
  at = bytes.writeInt8(parts.isolationLevel, at)
  at = bytes.writeInt32BE(parts.sessionId, at)
  at = bytes.writeInt32BE(parts.sessionEpoch, at)
  at = bytes.writeInt32BE(topics.length, at)
  for (const { topic, partitions } of topics) {
    at = writeText(bytes, topic, at)
    at = bytes.writeInt32BE(partitions.length, at)
    for (const { partition, fetchOffset, maxBytes } of partitions) {
      at = bytes.writeInt32BE(partition, at)
      at = bytes.writeInt32BE(unknown, at)
      at = writeOffset(bytes, fetchOffset, at)
      at = bytes.writeInt32BE(unknown, at)
      at = bytes.writeInt32BE(unknown, at)
      at = bytes.writeInt32BE(maxBytes, at)
    }
  }
  // No partition of a session is taken out of it.
  at = bytes.writeInt32BE(0, at)
  writeText(bytes, rackId, at)
}

function bytesOf(topics: readonly FetchTopic[], rackId: string): number {
  let bytes = headBytes + countBytes + textBytes(rackId)
  for (const { topic, partitions } of topics) {
    bytes += textBytes(topic) + countBytes
    bytes += partitions.length * partitionBytes
  }
  return bytes
}

/** As two halves: this comes for each partition of each fetch, and a BigInt would be an object. */
function writeOffset(bytes: Buffer, offset: string, at: number): number {
  const number = Number(offset)
  if (!Number.isSafeInteger(number)) return bytes.writeBigInt64BE(BigInt(offset), at)
  bytes.writeInt32BE(Math.floor(number / 2 ** 32), at)
  return bytes.writeUInt32BE(number >>> 0, at + 4)
}

replaceExport('kafkajs/src/protocol/requests/fetch/v11/request', withOwnBody)
