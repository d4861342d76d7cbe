/**
 * Record batches as hooktide writes them. All records of a batch are written into one buffer of the right size. KafkaJS
 * makes a buffer of half a KiB per record and copies each of them, which takes several times as long, and it cannot write a
 * header without a value or two headers of one name.
 */
import { packedBytes, writeHeaders } from '../../core/event/packed-headers.ts'
import { sizedBytes, varIntBytes, writeVarInt } from '../../core/event/var-int.ts'
import type { EpochMs, OutboundRecord } from '../../core/model/model.ts'
import { batchLayout, countedFrom } from './batch-layout.ts'
import { type Compression, compressionTypes } from './batches.ts'
import { compress, type Codec } from './compression.ts'
import { crc32c } from './crc32c.ts'

/** How the broker knows a batch that was sent before: KIP-98. */
export interface BatchIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
}

export type WrittenRecord = Pick<OutboundRecord, 'key' | 'value' | 'headers'>

const magic = 2
/** Attributes and the difference of the timestamp. Both are zero, and take a byte each. */
const zeroBytes = 2

/**
 * A batch of at least one record.
 *
 * @param writtenAt the time of all its records
 */
export async function encodeBatch(
  records: readonly WrittenRecord[],
  identity: BatchIdentity,
  writtenAt: EpochMs,
  compression: Compression,
): Promise<Buffer> {
  const sizes = records.map(bodyBytes)
  const plain = Buffer.allocUnsafe(batchLayout.records + totalBytes(sizes))
  writeRecords(records, sizes, plain, batchLayout.records)
  const batch = compression === 'none' ? plain : await compressed(plain, compression)
  const attributes = compressionTypes[compression]
  return withHead(batch, { ...identity, writtenAt, count: records.length, attributes })
}

/** The batch with its records compressed. The head has yet to be written. */
async function compressed(plain: Buffer, codec: Codec): Promise<Buffer> {
  const head = plain.subarray(0, batchLayout.records)
  return Buffer.concat([head, await compress(codec, plain.subarray(batchLayout.records))])
}

function bodyBytes({ key, value, headers }: WrittenRecord, index: number): number {
  return (
    zeroBytes +
    varIntBytes(index) +
    sizedBytes(lengthOf(key)) +
    sizedBytes(lengthOf(value)) +
    varIntBytes(headers.length) +
    packedBytes(headers)
  )
}

function totalBytes(sizes: readonly number[]): number {
  let total = 0
  for (const size of sizes) total += sizedBytes(size)
  return total
}

function writeRecords(
  records: readonly WrittenRecord[],
  sizes: readonly number[],
  target: Buffer,
  start: number,
): void {
  let at = start
  for (const [index, { key, value, headers }] of records.entries()) {
    at = writeVarInt(sizes[index] ?? 0, target, at)
    at = target.writeUInt16BE(0, at)
    at = writeVarInt(index, target, at)
    at = writeSized(key, target, at)
    at = writeSized(value, target, at)
    at = writeVarInt(headers.length, target, at)
    at = writeHeaders(headers, target, at)
  }
}

function writeSized(content: Buffer | string | null, target: Buffer, start: number): number {
  const at = writeVarInt(lengthOf(content), target, start)
  if (content === null) return at
  return at + (typeof content === 'string' ? target.write(content, at) : content.copy(target, at))
}

/** -1 for null. */
function lengthOf(content: Buffer | string | null): number {
  if (content === null) return -1
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length
}

interface BatchHead extends BatchIdentity {
  readonly writtenAt: EpochMs
  readonly count: number
  readonly attributes: number
}

/** Writes the head before the records of the batch, which are there. */
function withHead(batch: Buffer, head: BatchHead): Buffer {
  const writtenAt = BigInt(head.writtenAt)
  // The broker sets the offset and the leader's epoch.
  batch.fill(0, 0, batchLayout.magic)
  batch.writeInt32BE(batch.length - countedFrom, batchLayout.length)
  batch.writeInt8(magic, batchLayout.magic)
  batch.writeInt16BE(head.attributes, batchLayout.attributes)
  batch.writeInt32BE(head.count - 1, batchLayout.lastOffsetDelta)
  batch.writeBigInt64BE(writtenAt, batchLayout.firstTimestamp)
  batch.writeBigInt64BE(writtenAt, batchLayout.maxTimestamp)
  batch.writeBigInt64BE(head.producerId, batchLayout.producerId)
  batch.writeInt16BE(head.producerEpoch, batchLayout.producerEpoch)
  batch.writeInt32BE(head.firstSequence, batchLayout.firstSequence)
  batch.writeInt32BE(head.count, batchLayout.count)
  batch.writeUInt32BE(crc32c(batch.subarray(batchLayout.attributes)), batchLayout.checksum)
  return batch
}
