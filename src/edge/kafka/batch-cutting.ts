/**
 * Cuts a queue of records into sends. KafkaJS puts all records of a send for one partition into one batch, and the broker
 * refuses a batch that exceeds the topic's `max.message.bytes` as a whole. So a send is bounded per partition.
 */
import type { OutboundRecord } from '../../core/model/model.ts'
import { packedBytes } from '../../core/event/packed-headers.ts'

export interface CutLimits {
  readonly maxRecords: number
  readonly maxBytesPerPartition: number
}

export const defaultCutLimits: CutLimits = { maxRecords: 2000, maxBytesPerPartition: 512 * 1024 }

/** A record in the queue. Records for the same partition carry the same `target`, compared by identity. */
export interface QueuedRecord {
  readonly target: object
  readonly bytes: number
}

/** An upper bound for a record's own fields and its part of the batch's fields. */
const recordOverhead = 32

/** An estimate of the uncompressed bytes of a record on the wire. It is at most a few bytes too low. */
export function recordBytes(record: OutboundRecord): number {
  let bytes = recordOverhead + (record.value?.length ?? 0)
  if (record.key !== null) bytes += Buffer.byteLength(record.key)
  return bytes + packedBytes(record.headers)
}

/**
 * The end (exclusive) of the longest part of `queue` from `start` that fits into one send. It has at least one record. A
 * record that exceeds the limit is sent alone, so that a refusal names it.
 */
export function cutEnd(queue: readonly QueuedRecord[], start: number, limits: CutLimits): number {
  const bytesByTarget = new Map<object, number>()
  const last = Math.min(queue.length, start + limits.maxRecords)
  for (let index = start; index < last; index += 1) {
    const record = queue[index]
    if (record === undefined) return index
    const bytes = (bytesByTarget.get(record.target) ?? 0) + record.bytes
    if (bytes > limits.maxBytesPerPartition) return index === start ? start + 1 : index
    bytesByTarget.set(record.target, bytes)
  }
  return last
}
