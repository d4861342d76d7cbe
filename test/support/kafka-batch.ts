/** Record batches of KafkaJS alone, and of KafkaJS with the overrides of this project. */
import { createRequire } from 'node:module'
import { compressionTypes, type Compression } from '../../src/edge/kafka/batches.ts'
import type { FetchedBatch, FetchedMessage } from '../../src/edge/kafka/inner.ts'
import { encodeBatch, type WrittenRecord } from '../../src/edge/kafka/batch-encoding.ts'
import { inboundRecord } from '../../src/edge/kafka/records.ts'
import type { KafkaHeader, KafkaHeaders } from '../../src/core/model/model.ts'

interface Encoded {
  readonly buffer: Buffer
}

const requireFrom = createRequire(import.meta.url)
export const encodeRecord = requireFrom('kafkajs/src/protocol/recordBatch/record/v0') as (
  record: object,
) => object
export const { RecordBatch: encodeForeignBatch } = requireFrom(
  'kafkajs/src/protocol/recordBatch/v0',
) as {
  readonly RecordBatch: (parts: object) => Promise<Encoded>
}
export const Long = requireFrom('kafkajs/src/utils/long') as { fromValue(value: string): object }
const Decoder = requireFrom('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object
export const Batch = requireFrom('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  answer: object,
) => FetchedBatch
/** Decodes a partition's answer as KafkaJS does. */
const decodeMessages = requireFrom('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<readonly FetchedMessage[]>

export async function batchOf(
  compression: Compression,
  firstOffset: number,
  values: readonly (string | Buffer)[],
): Promise<Buffer> {
  const { buffer } = await encodeForeignBatch({
    compression: compressionTypes[compression],
    firstOffset: Long.fromValue(String(firstOffset)),
    lastOffsetDelta: values.length - 1,
    records: values.map((value, offsetDelta) => encodeRecord({ key: 'k', value, offsetDelta })),
  })
  return buffer
}

/** A batch as hooktide writes it. */
export function writtenBatch(
  records: readonly WrittenRecord[],
  compression: Compression = 'none',
): Promise<Buffer> {
  const identity = { producerId: 7n, producerEpoch: 1, firstSequence: 40 }
  return encodeBatch(records, identity, 1_789_376_531_019, compression)
}

/** One of a single record, at offset 3. */
export async function batchWith(headers: KafkaHeaders): Promise<Buffer> {
  const batch = await writtenBatch([{ key: 'k', value: Buffer.from('v'), headers }])
  // The broker sets it.
  batch.writeBigInt64BE(3n)
  return batch
}

/** The headers of a batch's records, as the stages get them. */
export async function headersRead(batch: Buffer): Promise<readonly KafkaHeader[]> {
  const answer = { partition: 0, highWatermark: '20', messages: await read(batch) }
  const fetched = new Batch('events', '3', answer)
  return fetched.messages.flatMap((message) => [...inboundRecord(fetched, message).headers])
}

export async function read(...batches: readonly Buffer[]): Promise<readonly FetchedMessage[]> {
  const bytes = Buffer.concat(batches)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return await decodeMessages(new Decoder(Buffer.concat([size, bytes])))
}
