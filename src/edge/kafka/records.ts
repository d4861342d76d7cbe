/** Converts KafkaJS's messages to the project's records. */
import type { InboundRecord } from '../../core/model/model.ts'
import { allocateHeld } from '../../core/event/held-bytes.ts'
import { PackedHeaders } from '../../core/event/packed-headers.ts'
import type { FetchedBatch, FetchedMessage } from './inner.ts'

/**
 * Copies the buffers. Those of a message are views of the whole fetch response, so one record that waits in a queue would
 * keep megabytes in memory.
 *
 * @throws {Error} when the offset exceeds 2^53
 */
export function inboundRecord(batch: FetchedBatch, message: FetchedMessage): InboundRecord {
  const headers = message.headers ?? PackedHeaders.none
  const valueAt = message.key?.length ?? 0
  const headersAt = valueAt + (message.value?.length ?? 0)
  const memory = allocateHeld(headersAt + headers.bytes.length)
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: offsetNumber(message.offset),
    key: copyTo(memory, 0, message.key),
    value: copyTo(memory, valueAt, message.value),
    headers: headers.copyTo(memory, headersAt),
    timestamp: Number(message.timestamp),
  }
}

function copyTo(memory: Buffer, at: number, bytes: Buffer | null | undefined): Buffer | null {
  if (bytes == null) return null
  bytes.copy(memory, at)
  return memory.subarray(at, at + bytes.length)
}

/** @throws {Error} when the offset exceeds 2^53, because larger numbers are not exact */
export function offsetNumber(offset: string): number {
  const number = Number(offset)
  if (!Number.isSafeInteger(number)) throw new Error(`offset ${offset} is beyond 2^53`)
  return number
}

/**
 * The offset after all batches of a fetch, including records that compaction removed. A compacted batch keeps its original
 * range of offsets. A fetch within that range would return the same batch again for each missing offset.
 */
export function nextOffsetOf(batch: FetchedBatch): number {
  const last = batch.rawMessages.at(-1)
  let next = offsetNumber(batch.fetchedOffset)
  if (last === undefined) return next
  next = Math.max(next, offsetNumber(last.offset)) + 1
  const { firstOffset, lastOffsetDelta } = last.batchContext ?? {}
  if (firstOffset === undefined || lastOffsetDelta === undefined) return next
  return Math.max(next, offsetNumber(firstOffset) + lastOffsetDelta + 1)
}
