/** Reads the last records of a topic that match, without reading all of it. */
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { CommandContext } from '../command.ts'
import { readAnswer } from '../kafka-session.ts'
import { reachesOf, type TimeRange } from './reading.ts'

/** The first portion, in records per partition for each record that is wanted. */
const firstPortion = 4
const leastPortion = 500
/** The factor by which each portion is larger than the one before, so that few reads reach far back. */
const growth = 4

interface Partition {
  readonly partition: number
  readonly low: number
  /** Everything from this offset on has been read. */
  at: number
  /** When the oldest record read so far was written. */
  oldestAt: EpochMs
}

/**
 * The last `count` records that match, oldest first. Reads the partitions backwards in portions, until none of them can have
 * a newer record that matches.
 *
 * @param read returns `undefined` for a record that does not match
 * @throws UserError when the topic does not exist, or no broker answers
 */
export async function lastOf<Result>(
  session: Pick<CommandContext, 'settings' | 'signal'>,
  topic: string,
  range: TimeRange & { readonly count: number },
  read: (record: InboundRecord) => Promise<Result | undefined>,
): Promise<readonly Result[]> {
  const { from, to, count } = range
  const reaches = await reachesOf(session.settings, topic, { from, to })
  const partitions = reaches.map(({ partition, next, end }): Partition => {
    return { partition, low: next, at: end, oldestAt: Number.POSITIVE_INFINITY }
  })
  const newest = new Newest<Result>(count)
  let portion = Math.max(leastPortion, firstPortion * count)
  while (!session.signal.aborted) {
    const open = partitions.filter(({ at, low, oldestAt }) => at > low && newest.mayTake(oldestAt))
    if (open.length === 0) break
    const from = { reaches: open.map((one) => portionOf(one, portion)) }
    for await (const records of readAnswer(session, topic, { from })) {
      for (const record of records) {
        noteTime(open, record)
        const result = await read(record)
        if (result !== undefined) newest.add(record, result)
      }
    }
    for (const one of open) one.at = portionOf(one, portion).next
    portion *= growth
  }
  return newest.inOrder()
}

function portionOf({ partition, low, at }: Partition, portion: number) {
  return { partition, next: Math.max(low, at - portion), end: at }
}

function noteTime(partitions: readonly Partition[], { partition, timestamp }: InboundRecord): void {
  const read = partitions.find((one) => one.partition === partition)
  if (read !== undefined) read.oldestAt = Math.min(read.oldestAt, timestamp)
}

type Place = Pick<InboundRecord, 'timestamp' | 'partition' | 'offset'>

/** Keeps the newest of the results of records that are added. */
export class Newest<Result> {
  readonly #count: number
  #kept: { readonly at: Place; readonly result: Result }[] = []

  constructor(count: number) {
    this.#count = count
  }

  /** Whether a record that was written before this time could be among the newest. */
  mayTake(before: EpochMs): boolean {
    this.#cut()
    const oldest = this.#kept[0]
    return this.#kept.length < this.#count || oldest === undefined || oldest.at.timestamp < before
  }

  add({ timestamp, partition, offset }: Place, result: Result): void {
    // Not the record itself: that would keep the whole batch that it was fetched with.
    this.#kept.push({ at: { timestamp, partition, offset }, result })
    // Not for every record, so that adding is cheap and memory stays bounded.
    if (this.#kept.length >= 2 * this.#count + leastPortion) this.#cut()
  }

  inOrder(): readonly Result[] {
    this.#cut()
    return this.#kept.map(({ result }) => result)
  }

  #cut(): void {
    this.#kept.sort((one, other) => compareRecords(one.at, other.at))
    this.#kept.splice(0, Math.max(0, this.#kept.length - this.#count))
  }
}

/** By time; within a partition as they stand. */
function compareRecords(one: Place, other: Place): number {
  return (
    one.timestamp - other.timestamp || one.partition - other.partition || one.offset - other.offset
  )
}
