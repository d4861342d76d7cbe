/**
 * Reads and writes one record, in place of KafkaJS's own code, which
 *
 * - copies all headers of a record again for each header,
 * - does not keep the order of headers when a name occurs several times,
 * - cannot write a header without a value,
 * - loses headers that are named like a property of every object, such as `constructor`.
 *
 * This code keeps the headers as they are in the record; see `packed-headers.ts`.
 *
 * Imported by `batches.ts` before KafkaJS loads the users of both modules, at the first fetch and the first send.
 */
import { createRequire } from 'node:module'
import { PackedHeaders } from '../../core/event/packed-headers.ts'
import type { FetchedMessage, ProducedMessage } from './inner.ts'

interface Long {
  add(other: Long): Long
  toString(): string
}

interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
  readInt8(): number
  readVarInt(): number
  readVarLong(): Long
  readVarIntBytes(): Buffer | null
}

interface Encoder {
  writeInt8(value: number): Encoder
  writeVarInt(value: number): Encoder
  writeVarLong(value: number | Long): Encoder
  writeVarIntBytes(value: Buffer | string | null): Encoder
  writeBuffer(value: Buffer): Encoder
}

interface EncoderClass {
  new (initialSize?: number): Encoder
  sizeOfVarInt(value: number): number
  sizeOfVarLong(value: number | Long): number
  sizeOfVarIntBytes(value: Buffer | string | null): number
}

/** Fields of the head of a batch. */
interface BatchContext {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly maxTimestamp: string
  readonly magicByte: number
  readonly isControlBatch: boolean
  /** 1 if it is the append time, which all records of the batch share. */
  readonly timestampType: number
}

/** A record and its place in its batch. One whose headers are an object is written by KafkaJS itself. */
interface RecordToWrite extends Pick<ProducedMessage, 'key' | 'value'> {
  readonly headers?: object
  readonly offsetDelta?: number
  readonly timestampDelta?: number | Long
}
type EncodeRecord = (record: RecordToWrite) => Encoder

const logAppendTime = 1
/** The most bytes of the length field of a record. */
const sizeBytes = 5

const requireFrom = createRequire(import.meta.url)
const LongOf = requireFrom('kafkajs/src/utils/long') as { fromValue(value: string): Long }
const EncoderOf = requireFrom('kafkajs/src/protocol/encoder') as EncoderClass

/** @throws {RangeError} when the bytes are no record */
function decodeRecord(decoder: Decoder, batchContext: BatchContext): FetchedMessage {
  const { firstOffset, firstTimestamp, maxTimestamp, timestampType } = batchContext
  const attributes = decoder.readInt8()
  const timestampDelta = decoder.readVarLong()
  const offsetDelta = LongOf.fromValue(String(decoder.readVarInt()))
  const key = decoder.readVarIntBytes()
  const value = decoder.readVarIntBytes()
  const headerCount = decoder.readVarInt()
  // KafkaJS would read beyond the end.
  if (decoder.offset > decoder.buffer.length) throw new RangeError('a record ends too early')
  const headers = PackedHeaders.of(headerCount, decoder.buffer.subarray(decoder.offset))
  const timestamp =
    timestampType === logAppendTime
      ? maxTimestamp
      : LongOf.fromValue(firstTimestamp).add(timestampDelta)
  const record = {
    magicByte: batchContext.magicByte,
    attributes,
    timestamp: timestamp.toString(),
    offset: LongOf.fromValue(firstOffset).add(offsetDelta).toString(),
    key,
    value,
    headers,
    isControlRecord: batchContext.isControlBatch,
    batchContext,
  }
  return record
}

function encoderBeside(encodeRecord: EncodeRecord): EncodeRecord {
  return (record) => {
    const { key, value, headers, offsetDelta = 0, timestampDelta = 0 } = record
    if (!(headers instanceof PackedHeaders)) return encodeRecord(record)
    const size =
      1 +
      EncoderOf.sizeOfVarLong(timestampDelta) +
      EncoderOf.sizeOfVarInt(offsetDelta) +
      EncoderOf.sizeOfVarIntBytes(key) +
      EncoderOf.sizeOfVarIntBytes(value) +
      EncoderOf.sizeOfVarInt(headers.length) +
      headers.bytes.length
    return new EncoderOf(sizeBytes + size)
      .writeVarInt(size)
      .writeInt8(0)
      .writeVarLong(timestampDelta)
      .writeVarInt(offsetDelta)
      .writeVarIntBytes(key)
      .writeVarIntBytes(value)
      .writeVarInt(headers.length)
      .writeBuffer(headers.bytes)
  }
}

/** Replaces a function that a KafkaJS module exports, for all modules that load it later. */
export function replaceExport<Exported>(
  module: string,
  replacementOf: (exported: Exported) => Exported,
): void {
  const path = requireFrom.resolve(module)
  const exported = requireFrom(path) as Exported
  const loaded = requireFrom.cache[path]
  if (loaded === undefined) {
    throw new Error('KafkaJS keeps its modules where they cannot be reached')
  }
  loaded.exports = replacementOf(exported)
}

replaceExport('kafkajs/src/protocol/recordBatch/record/v0/decoder', () => decodeRecord)
replaceExport('kafkajs/src/protocol/recordBatch/record/v0', encoderBeside)
