/**
 * Reads record batches, in place of KafkaJS's own code, which
 *
 * - knows at most two of the four compressions,
 * - decompresses without a limit,
 * - throws for a batch with more records than a function can have arguments,
 * - never gets past a batch of which compaction has left no record.
 *
 * This code reads all four compressions. A batch that is broken or exceeds a bound becomes one empty record. So its
 * partition continues, and the record is rejected like any other record that is not valid, with its source.
 */
import { createRequire } from 'node:module'
import { asError } from '../../core/model/errors.ts'
import { PackedHeaders } from '../../core/event/packed-headers.ts'
import { CodecMissingError, compress, type Codec, decompress } from './compression.ts'
import type { FetchedMessage } from './inner.ts'
import './record-form.ts'
import { kafkajs } from './kafkajs.ts'
import { batchLayout as at, countedFrom } from './batch-layout.ts'
import { replaceExport } from './replace-export.ts'

/** How batches are written. */
export type Compression = 'none' | Codec

/** The most bytes of a decompressed batch. By default the Java client's whole buffer of unsent records has this size. */
export const maxBatchBytes = 32 * 1024 * 1024
/** More records would exceed the number of arguments of a function. */
const maxBatchRecords = 100_000
/** Beyond this many decompressed bytes of one partition, batches are left to the next fetch. */
const maxPartitionBytes = 8 * 1024 * 1024

const { CompressionCodecs, CompressionTypes } = kafkajs

export const compressionTypes: Readonly<Record<Compression, kafkajs.CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

/** Compressions by the lowest bits of a batch's attributes. */
const codecs: readonly (Codec | undefined)[] = [undefined, 'gzip', 'snappy', 'lz4', 'zstd']

interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
  forward(bytes: number): void
}

const codecMask = 0x07
const transactionalMask = 0x10

interface DecodedMessage extends FetchedMessage {
  /** KafkaJS skips such a message. */
  readonly isControlRecord?: boolean
}

interface DecodedBatch {
  readonly records: readonly DecodedMessage[]
}
type DecodeBatch = (decoder: Decoder) => Promise<DecodedBatch>

const requireFrom = createRequire(import.meta.url)
const DecoderOf = requireFrom('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => Decoder
const { KafkaJSPartialMessageError } = requireFrom('kafkajs/src/errors') as {
  readonly KafkaJSPartialMessageError: new (message: string) => Error
}

/** Decompressed bytes of the batches of one partition's answer. */
const unfoldedBytes = new WeakMap<Decoder, number>()

function boundedDecode(decodeBatch: DecodeBatch): DecodeBatch {
  return async (decoder) => {
    const rest = decoder.buffer.subarray(decoder.offset)
    const size = countedFrom + rest.readInt32BE(at.length)
    // The broker may cut an answer off anywhere. KafkaJS handles that.
    if (rest.length < size || size < at.records) return await decodeBatch(decoder)
    const before = unfoldedBytes.get(decoder) ?? 0
    if (before > maxPartitionBytes) throw new KafkaJSPartialMessageError('left to the next fetch')
    const batch = rest.subarray(0, size)
    decoder.forward(size)
    // Brokers keep an empty batch for the state of its producer. A segment, and so an answer, may contain nothing else.
    if (batch.readInt32BE(at.count) === 0) {
      return { records: [{ ...emptyMessage(batch), isControlRecord: true }] }
    }
    try {
      const plain = await plainBatch(batch)
      unfoldedBytes.set(decoder, before + plain.length)
      return await decodeBatch(new DecoderOf(plain))
    } catch (error) {
      if (error instanceof CodecMissingError) throw error
      const unreadable = { records: batch.readInt32BE(at.count), reason: asError(error).message }
      return { records: [{ ...emptyMessage(batch), unreadable }] }
    }
  }
}

/** The same batch without compression. */
async function plainBatch(batch: Buffer): Promise<Buffer> {
  const count = batch.readInt32BE(at.count)
  if (count > maxBatchRecords) throw new RangeError(`more than ${maxBatchRecords} records`)
  const attributes = batch.readInt16BE(at.attributes)
  const codec = codecs[attributes & codecMask]
  if (codec === undefined) return batch
  const records = await decompress(codec, batch.subarray(at.records), maxBatchBytes)
  const head = Buffer.from(batch.subarray(0, at.records))
  head.writeInt16BE(attributes & ~codecMask, at.attributes)
  head.writeInt32BE(at.records - countedFrom + records.length, at.length)
  return Buffer.concat([head, records])
}

/** Replaces a whole batch by one record at its last offset, because reading may begin anywhere in the batch. */
function emptyMessage(batch: Buffer): FetchedMessage {
  const firstOffset = batch.readBigInt64BE(at.offset)
  const lastOffsetDelta = batch.readInt32BE(at.lastOffsetDelta)
  return {
    offset: String(firstOffset + BigInt(lastOffsetDelta)),
    timestamp: String(batch.readBigInt64BE(at.maxTimestamp)),
    key: null,
    value: null,
    headers: PackedHeaders.none,
    batchContext: {
      firstOffset: String(firstOffset),
      lastOffsetDelta,
      // KafkaJS needs these to leave out aborted transactions.
      producerId: String(batch.readBigInt64BE(at.producerId)),
      inTransaction: (batch.readInt16BE(at.attributes) & transactionalMask) !== 0,
    },
  }
}

/** KafkaJS loads the users of this module at the first fetch, long after this. */
function install(): void {
  replaceExport('kafkajs/src/protocol/recordBatch/v0/decoder', boundedDecode)
  const registered: Record<number, () => object> = CompressionCodecs
  for (const codec of codecs) {
    if (codec === undefined) continue
    registered[compressionTypes[codec]] = () => ({
      compress: ({ buffer }: { readonly buffer: Buffer }) => compress(codec, buffer),
      // Only for formats before Kafka 0.11.
      decompress: (bytes: Buffer) => decompress(codec, bytes, maxBatchBytes),
    })
  }
}

install()
