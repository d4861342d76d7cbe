/**
 * Reads one record, in place of KafkaJS's own code, which
 *
 * - copies all headers of a record again for each header,
 * - does not keep the order of headers when a name occurs several times,
 * - loses headers that are named like a property of every object, such as `constructor`.
 *
 * This code keeps the headers as they are in the record; see `packed-headers.ts`.
 *
 * Imported by `batches.ts` before KafkaJS loads the user of the module, at the first fetch.
 */
import { createRequire } from 'node:module'
import { PackedHeaders } from '../../core/event/packed-headers.ts'
import type { FetchedMessage } from './inner.ts'
import { replaceExport } from './replace-export.ts'

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

const requireFrom = createRequire(import.meta.url)
const LongOf = requireFrom('kafkajs/src/utils/long') as { fromValue(value: string): Long }

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

replaceExport('kafkajs/src/protocol/recordBatch/record/v0/decoder', () => decodeRecord)
