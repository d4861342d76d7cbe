/** KafkaJS's messages as the project's records, and back. */
import type { Message } from 'kafkajs'
import type { InboundRecord, KafkaHeaders, OutboundRecord } from '../../core/model.ts'
import type { FetchedBatch, FetchedMessage } from './inner.ts'

const nothing = Buffer.alloc(0)

/**
 * Copies what it takes: a message's buffers are windows into the whole fetch response, and one record that waits in a
 * queue would keep megabytes alive.
 *
 * @throws {Error} when the offset exceeds 2^53
 */
export function inboundRecord(batch: FetchedBatch, message: FetchedMessage): InboundRecord {
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: offsetNumber(message.offset),
    key: copyOf(message.key),
    value: copyOf(message.value),
    headers: inboundHeaders(message.headers ?? {}),
    timestamp: Number(message.timestamp),
  }
}

function inboundHeaders(headers: NonNullable<FetchedMessage['headers']>): KafkaHeaders {
  const list: [string, Buffer][] = []
  for (const [name, content] of Object.entries(headers)) {
    const values: readonly unknown[] = Array.isArray(content) ? content : [content]
    for (const value of values) {
      const bytes = headerBytes(value)
      if (bytes !== undefined) list.push([name, bytes])
    }
  }
  return list
}

/**
 * A header without a value is legal in Kafka; to every reader here it is an empty one. `undefined` for what KafkaJS finds
 * on its own object when a header is named like something every object has, such as `constructor`.
 */
function headerBytes(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (typeof value === 'string') return Buffer.from(value)
  return value == null ? nothing : undefined
}

function copyOf(bytes: Buffer | null | undefined): Buffer | null {
  return bytes == null ? null : Buffer.from(bytes)
}

/** KafkaJS takes headers as an object, so values of one name stand together, in their order. */
export function outboundMessage(record: OutboundRecord, partition: number): Message {
  const headers = new Map<string, Buffer | Buffer[]>()
  for (const [name, value] of record.headers) {
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : [earlier, value].flat())
  }
  const { key, value } = record
  return { key, value, headers: Object.fromEntries(headers), partition }
}

/** @throws {Error} when the offset exceeds 2^53, since it could no longer be told from its neighbour */
export function offsetNumber(offset: string): number {
  const number = Number(offset)
  if (!Number.isSafeInteger(number)) throw new Error(`offset ${offset} is beyond 2^53`)
  return number
}

/**
 * The offset behind everything that a fetch brought, records removed by compaction included: a compacted batch keeps the
 * range it once covered, and going on within that range fetches the same batch again for each missing offset.
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
