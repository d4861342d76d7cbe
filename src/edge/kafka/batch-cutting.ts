/**
 * Cuts the records that wait for a partition into batches. The broker refuses a batch that exceeds the topic's
 * `max.message.bytes` as a whole, so a batch is bounded.
 */
import type { OutboundRecord } from '../../core/model/model.ts'
import { packedBytes } from '../../core/event/packed-headers.ts'

export interface CutLimits {
  /** Of all batches that are sent at once. */
  readonly maxRecords: number
  readonly maxBytesPerPartition: number
}

export const defaultCutLimits: CutLimits = { maxRecords: 500, maxBytesPerPartition: 512 * 1024 }

/** An upper bound for a record's own fields and its part of the batch's fields. */
const recordOverhead = 32

/** An estimate of the uncompressed bytes of a record on the wire. It is at most a few bytes too low. */
export function recordBytes(record: OutboundRecord): number {
  let bytes = recordOverhead + (record.value?.length ?? 0)
  if (record.key !== null) bytes += Buffer.byteLength(record.key)
  return bytes + packedBytes(record.headers)
}

/**
 * How many records from the start of `queue`, which is one partition's and not empty, form its next batch. It is at least
 * one: a record that exceeds the limit is sent alone, so that a refusal names it.
 *
 * @param limits.maxRecords at least one
 */
export function cutCount<Queued>(
  queue: readonly Queued[],
  bytesOf: (queued: Queued) => number,
  { maxRecords, maxBytesPerPartition }: CutLimits,
): number {
  let bytes = 0
  let count = 0
  for (const queued of queue) {
    bytes += bytesOf(queued)
    if (count === maxRecords || (count > 0 && bytes > maxBytesPerPartition)) break
    count += 1
  }
  return count
}
