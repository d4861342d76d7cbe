/**
 * The produce request of KafkaJS for batches that are encoded already ({@link ./batch-encoding.ts}). Requests of KafkaJS's own
 * producer stay as they are.
 *
 * Imported by `client.ts` before KafkaJS loads the users of the module, at the first send.
 */
import type { EncodedPartition } from './inner.ts'
import { replaceExport } from './replace-export.ts'
import type { RequestBody } from './requests.ts'

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

/** The transaction's id, which is null, the acknowledgements, the time-out, and the count of topics. */
const headBytes = 2 + 2 + 4 + 4
/** The length of a topic's name, and the count of its partitions. */
const topicBytes = 2 + 4
/** The number of a partition, and the length of its batch. */
const partitionBytes = 4 + 4
const noId = -1

/** Version 3: `ProduceRequest.json` of Kafka. */
function produceBody(parts: EncodedParts): RequestBody {
  return {
    bytes: bytesOf(parts.topicData),
    writeTo: (request, at) => writeProduce(parts, request, at),
  }
}

function writeProduce({ acks, timeout, topicData }: EncodedParts, bytes: Buffer, from: number) {
  let at = bytes.writeInt16BE(noId, from)
  at = bytes.writeInt16BE(acks, at)
  at = bytes.writeInt32BE(timeout, at)
  at = bytes.writeInt32BE(topicData.length, at)
  for (const { topic, partitions } of topicData) {
    const length = bytes.write(topic, at + 2)
    at = bytes.writeInt16BE(length, at) + length
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
    bytes += topicBytes + Buffer.byteLength(topic)
    for (const { encoded } of partitions) bytes += partitionBytes + encoded.length
  }
  return bytes
}

replaceExport('kafkajs/src/protocol/requests/produce/v3/request', withEncoded)
