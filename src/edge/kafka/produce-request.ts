/**
 * The produce request of KafkaJS for batches that are encoded already ({@link ./batch-encoding.ts}). Requests of KafkaJS's own
 * producer stay as they are.
 *
 * Imported by `client.ts` before KafkaJS loads the users of the module, at the first send.
 */
import type { EncodedPartition } from './inner.ts'
import { replaceExport } from './replace-export.ts'
import { type RequestBody, textBytes, writeText } from './requests.ts'

interface ProduceParts {
  readonly acks: number
  readonly timeout: number
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly (EncodedPartition | { readonly partition: number })[]
  }[]
}

interface ProduceRequest {
  readonly encode: () => Promise<RequestBody>
}

function withEncoded(requestOf: (parts: ProduceParts) => ProduceRequest) {
  return (parts: ProduceParts): ProduceRequest => ({
    ...requestOf(parts),
    ...(isEncoded(parts) && { encode: () => Promise.resolve(produceBody(parts)) }),
  })
}

interface EncodedParts extends ProduceParts {
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly EncodedPartition[]
  }[]
}

function isEncoded(parts: ProduceParts): parts is EncodedParts {
  return parts.topicData.every(({ partitions }) => partitions.every((one) => 'encoded' in one))
}

/** The id of the transaction, the acknowledgements, the time-out, and the count of topics. */
const headBytes = 2 + 2 + 4 + 4
const countBytes = 4
/** The number of a partition, and the length of its batch. */
const partitionBytes = 4 + 4
/** Instead of the length of the transaction's id. */
const noId = -1

/** Version 3: `ProduceRequest.json` of Kafka. */
function produceBody(parts: EncodedParts): RequestBody {
  return {
    bytes: bytesOf(parts.topicData),
    writeTo: (request, at) => writeProduce(parts, request, at),
  }
}

function writeProduce(parts: EncodedParts, bytes: Buffer, from: number): void {
  const { acks, timeout, topicData } = parts
  let at = bytes.writeInt16BE(noId, from)
  at = bytes.writeInt16BE(acks, at)
  at = bytes.writeInt32BE(timeout, at)
  at = bytes.writeInt32BE(topicData.length, at)
  for (const { topic, partitions } of topicData) {
    at = writeText(bytes, topic, at)
    at = bytes.writeInt32BE(partitions.length, at)
    for (const { partition, encoded } of partitions) {
      at = bytes.writeInt32BE(partition, at)
      at = bytes.writeInt32BE(encoded.length, at)
      at += encoded.copy(bytes, at)
    }
  }
}

function bytesOf(topicData: EncodedParts['topicData']): number {
  let bytes = headBytes
  for (const { topic, partitions } of topicData) {
    bytes += textBytes(topic) + countBytes
    for (const { encoded } of partitions) bytes += partitionBytes + encoded.length
  }
  return bytes
}

replaceExport('kafkajs/src/protocol/requests/produce/v3/request', withEncoded)
