/**
 * Reads one record, in place of KafkaJS's own code, which
 *
 * - copies all headers of a record again for each header,
 * - does not keep the order of headers when a name occurs several times,
 * - loses headers that are named like a property of every object, such as `constructor`,
 * - makes a dozen objects of 64 bits for the offset and the time of each record.
 *
 * This code keeps the headers as they are in the record; see `packed-headers.ts`.
 *
 * Imported by `batches.ts` before KafkaJS loads the user of the module, at the first fetch.
 */
import { PackedHeaders } from '../../core/event/packed-headers.ts'
import type { FetchedMessage } from './inner.ts'
import { replaceExport } from './replace-export.ts'

interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
  readInt8(): number
  readVarInt(): number
  readVarLong(): { toString(): string }
  readVarIntBytes(): Buffer | null
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

const logAppendTime = 1

/** A varint of so many bytes has at most 28 bits: numbers of 32 bits hold it. */
const shortVarInt = 4

/** @throws {RangeError} when the bytes are no record */
function decodeRecord(decoder: Decoder, batchContext: BatchContext): FetchedMessage {
  const { firstOffset, firstTimestamp, maxTimestamp, timestampType } = batchContext
  const attributes = decoder.readInt8()
  const timestampDelta = isShort(decoder) ? decoder.readVarInt() : decoder.readVarLong()
  const offsetDelta = decoder.readVarInt()
  const key = decoder.readVarIntBytes()
  const value = decoder.readVarIntBytes()
  const headerCount = decoder.readVarInt()
  // KafkaJS would read beyond the end.
  if (decoder.offset > decoder.buffer.length) throw new RangeError('a record ends too early')
  const headers = PackedHeaders.of(headerCount, decoder.buffer.subarray(decoder.offset))
  const timestamp =
    timestampType === logAppendTime ? maxTimestamp : sumOf(firstTimestamp, timestampDelta)
  const record = {
    magicByte: batchContext.magicByte,
    attributes,
    timestamp,
    offset: sumOf(firstOffset, offsetDelta),
    key,
    value,
    headers,
    isControlRecord: batchContext.isControlBatch,
    batchContext,
  }
  return record
}

/** Whether the varint that comes next ends within {@link shortVarInt} bytes. */
function isShort({ buffer, offset }: Decoder): boolean {
  for (let at = offset; at < offset + shortVarInt; at += 1) {
    if ((buffer[at] ?? 0) < 0x80) return true
  }
  return false
}

/** Of numbers of 64 bits, which wrap around as in other clients. Almost all of them are exact as numbers of JavaScript. */
function sumOf(base: string, delta: number | { toString(): string }): string {
  const sum = typeof delta === 'number' ? Number(base) + delta : Number.NaN
  if (Number.isSafeInteger(sum) && Number.isSafeInteger(Number(base))) return String(sum)
  return String(BigInt.asIntN(64, BigInt(base) + BigInt(delta.toString())))
}

replaceExport('kafkajs/src/protocol/recordBatch/record/v0/decoder', () => decodeRecord)
