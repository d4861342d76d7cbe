/**
 * The produce request of KafkaJS for batches that are encoded already ({@link ./batch-encoding.ts}). Requests of KafkaJS's own
 * producer stay as they are.
 *
 * Imported by `client.ts` before KafkaJS loads the users of the module, at the first send.
 */
import { createRequire } from 'node:module'
import type { EncodedPartition } from './inner.ts'
import { replaceExport } from './replace-export.ts'

interface ProduceParts {
  readonly acks: number
  readonly timeout: number
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly (EncodedPartition | { readonly partition: number })[]
  }[]
}

interface ProduceRequest {
  readonly encode: () => Promise<Encoder>
}

interface Encoder {
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeString(value: string | null): Encoder
  writeBuffer(value: Buffer): Encoder
}

const requireFrom = createRequire(import.meta.url)
const EncoderOf = requireFrom('kafkajs/src/protocol/encoder') as new (size: number) => Encoder
/** Room for what is not a batch: per partition its number and a length, per topic its name and a count. */
const partitionBytes = 8
const topicBytes = 300

function withEncoded(requestOf: (parts: ProduceParts) => ProduceRequest) {
  return (parts: ProduceParts): ProduceRequest => ({
    ...requestOf(parts),
    ...(isEncoded(parts) && { encode: () => Promise.resolve(encode(parts)) }),
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

function encode({ acks, timeout, topicData }: EncodedParts): Encoder {
  const encoder = new EncoderOf(bytesOf(topicData))
    .writeString(null)
    .writeInt16(acks)
    .writeInt32(timeout)
    .writeInt32(topicData.length)
  for (const { topic, partitions } of topicData) {
    encoder.writeString(topic).writeInt32(partitions.length)
    for (const { partition, encoded } of partitions) {
      encoder.writeInt32(partition).writeInt32(encoded.length).writeBuffer(encoded)
    }
  }
  return encoder
}

/** At least what is written, so that the encoder's buffer does not grow. */
function bytesOf(topicData: EncodedParts['topicData']): number {
  let bytes = topicBytes
  for (const { partitions } of topicData) {
    bytes += topicBytes
    for (const { encoded } of partitions) bytes += partitionBytes + encoded.length
  }
  return bytes
}

replaceExport('kafkajs/src/protocol/requests/produce/v3/request', withEncoded)
