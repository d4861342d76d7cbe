/** The broker's topics: records in order, by partition; compaction and markers, which leave gaps; readers that wait. */
import { choosePartition } from '../../src/edge/kafka/partition-choice.ts'
import type { InboundRecord, OutboundRecord } from '../../src/core/model/model.ts'
import type { TopicPartition } from '../../src/ports.ts'
import type { Dice } from './dice.ts'

interface Partition {
  /** Ascending by offset. */
  readonly records: InboundRecord[]
  /** Offset of the next record. */
  end: number
  readonly watchers: Set<() => void>
}

export interface LogSlice {
  readonly records: readonly InboundRecord[]
  readonly next: number
  readonly end: number
}

/** Several times as many as the largest world writes. */
const maxRecords = 200_000

export class SimLog {
  readonly #topics = new Map<string, readonly Partition[]>()
  #keyless = 0
  #appended = 0

  create(topic: string, partitions: number): void {
    const make = () => ({ records: [], end: 0, watchers: new Set<() => void>() })
    this.#topics.set(topic, Array.from({ length: partitions }, make))
  }

  partitionCount(topic: string): number {
    return this.#partitionsOf(topic).length
  }

  /** @param timestamp the broker's clock, or the producer's where the topic keeps that */
  append(record: OutboundRecord, timestamp: number): InboundRecord {
    this.#appended += 1
    if (this.#appended > maxRecords) {
      throw new RangeError(`more than ${maxRecords} records are written: there is an endless loop`)
    }
    const partitions = this.#partitionsOf(record.topic)
    const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
    const partition = choosePartition(key, partitions.length, key === null ? this.#keyless++ : 0)
    const place = this.#at({ topic: record.topic, partition })
    const { topic, value, headers } = record
    const appended = {
      topic,
      partition,
      offset: place.end,
      key,
      value,
      headers,
      timestamp: Math.floor(timestamp),
    }
    place.records.push(appended)
    place.end += 1
    for (const watcher of place.watchers) watcher()
    return appended
  }

  /** A transaction marker takes an offset, and is not read. */
  appendMarker(partition: TopicPartition): void {
    const place = this.#at(partition)
    place.end += 1
    for (const watcher of place.watchers) watcher()
  }

  read(partition: TopicPartition, from: number, limit: number): LogSlice {
    const { records, end } = this.#at(partition)
    const first = firstAtOrAbove(records, from)
    const slice = records.slice(first, first + limit)
    const last = slice.at(-1)
    const isAll = first + slice.length >= records.length
    return { records: slice, next: isAll ? end : (last?.offset ?? from) + 1, end }
  }

  find({ topic, partition }: TopicPartition, offset: number): InboundRecord | undefined {
    const { records } = this.#at({ topic, partition })
    const record = records[firstAtOrAbove(records, offset)]
    return record?.offset === offset ? record : undefined
  }

  end(partition: TopicPartition): number {
    return this.#at(partition).end
  }

  all(topic: string): readonly InboundRecord[] {
    return this.#partitionsOf(topic).flatMap(({ records }) => records)
  }

  /** Keeps only the newest record of each key. Tombstones are removed at random, as after their retention time. */
  compact(topic: string, dice: Dice): void {
    for (const { records } of this.#partitionsOf(topic)) {
      const newest = new Map(records.map((record) => [record.key?.toString(), record.offset]))
      const kept = records.filter(
        ({ key, offset, value }) =>
          newest.get(key?.toString()) === offset && (value !== null || dice.chance(0.5)),
      )
      records.splice(0, records.length, ...kept)
    }
  }

  watch(partition: TopicPartition, watcher: () => void): () => void {
    const { watchers } = this.#at(partition)
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  }

  #partitionsOf(topic: string): readonly Partition[] {
    const partitions = this.#topics.get(topic)
    if (partitions === undefined) throw new RangeError(`there is no topic ${topic}`)
    return partitions
  }

  #at({ topic, partition }: TopicPartition): Partition {
    const found = this.#partitionsOf(topic)[partition]
    if (found === undefined) throw new RangeError(`${topic} has no partition ${partition}`)
    return found
  }
}

function firstAtOrAbove(records: readonly InboundRecord[], offset: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    const record = records[middle]
    if (record !== undefined && record.offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
