/**
 * Kafka behind the ports, in memory and on a clock that the test moves: topics, groups, commits with metadata,
 * acknowledgements. Deliveries run as microtasks, so `settled()` (hand-clock.ts) waits for all of them.
 *
 * It has these properties of Kafka, because the stages depend on them: the order within a partition, the partition of a key,
 * and generations. Commits of an old generation are refused, a member learns of a rebalance before it loses a partition, and
 * nothing is acknowledged during an outage. It has no compaction, retention or transactions.
 */
import { choosePartition } from '../../src/edge/kafka/partition-choice.ts'
import { recordBytes } from '../../src/edge/kafka/batch-cutting.ts'
import { PackedHeaders } from '../../src/core/event/packed-headers.ts'
import { TooLargeError } from '../../src/core/model/errors.ts'
import type {
  EpochMs,
  InboundRecord,
  KafkaHeaders,
  OutboundRecord,
} from '../../src/core/model/model.ts'
import type { Clock, RecordSink, TableSource, TopicPartition } from '../../src/ports.ts'
import { createMemoryGroup, type MemoryGroup, type MemoryGroupSource } from './memory-group.ts'

export interface MemoryTopicOptions {
  readonly partitions?: number
  readonly maxMessageBytes?: number
}

export interface ProduceInput {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: KafkaHeaders | Readonly<Record<string, string>>
  readonly partition?: number
  readonly timestamp?: EpochMs
}

export interface MemoryGroupOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Most records of one call of `onFetched`. */
  readonly maxBatch?: number
}

export interface MemoryBroker {
  /** A topic is also created, with one partition, when it is first written or read. */
  createTopic(topic: string, options?: MemoryTopicOptions): void
  /** Appends at once, even during an outage, like another producer. */
  produce(topic: string, input: ProduceInput): InboundRecord
  /** All records of a topic, by partition, then offset. */
  read(topic: string): readonly InboundRecord[]
  /** Empties older records of the topic to save memory, like retention. Their offsets remain. */
  expire(topic: string, before: EpochMs): void
  /** Removes a topic's records and starts its offsets at 0. */
  recreateTopic(topic: string): void
  groupSource(options: MemoryGroupOptions): MemoryGroupSource
  tableSource(topic: string): TableSource
  sink(): RecordSink
  /** Makes all members of the group rejoin, as a join or leave elsewhere does. */
  rebalance(groupId: string): Promise<void>
  committed(
    groupId: string,
    partition: TopicPartition,
  ): { readonly offset: number; readonly metadata: string } | undefined
  /** Sets the group's offset from outside, as `init` does. */
  setCommitted(groupId: string, partition: TopicPartition, offset: number, metadata?: string): void
  /** While true: nothing is delivered, acknowledged, committed or proven. */
  outage(isAway: boolean): void
  /** While true: what processes write to the topic waits, with all that the same sink is given after it. */
  refuse(topic: string, isRefused: boolean): void
  /** Time from `write` to acknowledgement; 0 acknowledges in a microtask. */
  setAckDelay(ms: number): void
}

/** The parts of the broker that groups need. */
export interface MemoryLog {
  readonly clock: Clock
  isAway(): boolean
  partitionCount(topic: string): number
  /** Records from `offset` on, at most `limit`. */
  slice(partition: TopicPartition, offset: number, limit: number): readonly InboundRecord[]
  endOffset(partition: TopicPartition): number
}

interface MemoryTopic {
  /** Counts recreations. A broker gives a recreated topic a new id. */
  life: number
  readonly partitions: InboundRecord[][]
  readonly maxMessageBytes: number
}

interface PendingWrite {
  readonly records: readonly OutboundRecord[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  isDue: boolean
}

const expired = { key: null, value: null, headers: [] } as const

export function createMemoryBroker(clock: Clock): MemoryBroker {
  const topics = new Map<string, MemoryTopic>()
  const groups = new Map<string, MemoryGroup>()
  const watchers = new Set<() => void>()
  let isAway = false
  let ackDelayMs = 0
  const refused = new Set<string>()
  let keyless = 0

  function topicOf(name: string, options: MemoryTopicOptions = {}): MemoryTopic {
    let topic = topics.get(name)
    if (topic === undefined) {
      topic = {
        life: 0,
        partitions: Array.from({ length: options.partitions ?? 1 }, () => []),
        maxMessageBytes: options.maxMessageBytes ?? 1024 * 1024,
      }
      topics.set(name, topic)
    }
    return topic
  }

  const log: MemoryLog = {
    clock,
    isAway: () => isAway,
    partitionCount: (topic) => topicOf(topic).partitions.length,
    slice: ({ topic, partition }, offset, limit) =>
      topicOf(topic).partitions[partition]?.slice(offset, offset + limit) ?? [],
    endOffset: ({ topic, partition }) => topicOf(topic).partitions[partition]?.length ?? 0,
  }

  function groupOf(groupId: string): MemoryGroup {
    let group = groups.get(groupId)
    if (group === undefined) {
      group = createMemoryGroup(log, groupId)
      groups.set(groupId, group)
    }
    return group
  }

  function wake(): void {
    for (const group of groups.values()) group.wake()
    for (const watcher of watchers) watcher()
  }

  function append(name: string, input: ProduceInput): InboundRecord {
    const { partitions } = topicOf(name)
    const key = bufferOf(input.key ?? null)
    const partition = input.partition ?? choosePartition(key, partitions.length, keyless++)
    const records = partitions[partition]
    if (records === undefined) throw new Error(`${name} has no partition ${partition}`)
    const record: InboundRecord = {
      topic: name,
      partition,
      offset: records.length,
      key,
      value: bufferOf(input.value),
      headers: headersOf(input.headers),
      timestamp: input.timestamp ?? clock.now(),
    }
    records.push(record)
    return record
  }

  function createSink(): RecordSink {
    const pending = new Set<PendingWrite>()
    let isStopped = false

    /** Appends and acknowledges, in order of writing, all that is due. */
    function acknowledge(): void {
      let hasAppended = false
      for (const write of pending) {
        const isRefused = write.records.some(({ topic }) => refused.has(topic))
        if (isAway || isStopped || !write.isDue || isRefused) break
        pending.delete(write)
        hasAppended = true
        const tooLarge: OutboundRecord[] = []
        for (const record of write.records) {
          if (recordBytes(record) > topicOf(record.topic).maxMessageBytes) tooLarge.push(record)
          else append(record.topic, record)
        }
        if (tooLarge.length > 0) write.reject(new TooLargeError(tooLarge))
        else write.resolve()
      }
      if (hasAppended) wake()
    }
    watchers.add(() => {
      if (pending.size > 0) queueMicrotask(acknowledge)
    })

    return {
      write(records) {
        if (records.length === 0) return Promise.resolve()
        return new Promise((resolve, reject) => {
          const write = { records, resolve, reject, isDue: ackDelayMs === 0 }
          pending.add(write)
          if (write.isDue) queueMicrotask(acknowledge)
          else
            clock.after(ackDelayMs, () => {
              write.isDue = true
              acknowledge()
            })
        })
      },
      trouble: () => undefined,
      pendingCount: () => [...pending].reduce((sum, write) => sum + write.records.length, 0),
      stop() {
        isStopped = true
        return Promise.resolve()
      },
    }
  }

  function createTable(topic: string): TableSource {
    let isStopped = false
    return {
      start(apply, onFailed) {
        const positions = topicOf(topic).partitions.map(() => 0)
        const ends = topicOf(topic).partitions.map((records) => records.length)
        const { life } = topicOf(topic)
        return new Promise((resolve) => {
          const advance = (): void => {
            if (isStopped || isAway) return
            if (topicOf(topic).life !== life) {
              isStopped = true
              onFailed(new Error(`topic ${topic} was recreated`))
              return
            }
            for (const [partition, position] of positions.entries()) {
              const end = log.endOffset({ topic, partition })
              positions[partition] = end
              log.slice({ topic, partition }, position, end - position).forEach(apply)
            }
            if (ends.every((end, partition) => (positions[partition] ?? 0) >= end)) resolve()
          }
          watchers.add(() => queueMicrotask(advance))
          queueMicrotask(advance)
        })
      },
      trouble: () => undefined,
      stop() {
        isStopped = true
        return Promise.resolve()
      },
    }
  }

  return {
    createTopic(name, options) {
      if (topics.has(name)) throw new Error(`topic ${name} exists`)
      topicOf(name, options)
    },
    produce(topic, input) {
      const record = append(topic, input)
      wake()
      return record
    },
    read: (topic) => topicOf(topic).partitions.flat(),
    expire(topic, before) {
      for (const records of topicOf(topic).partitions) {
        for (let at = records.length - 1; at >= 0; at -= 1) {
          const record = records[at]
          if (record === undefined || record.timestamp >= before) continue
          if (record.headers === expired.headers) break
          records[at] = { ...record, ...expired }
        }
      }
    },
    recreateTopic(topic) {
      topicOf(topic).life += 1
      for (const records of topicOf(topic).partitions) records.length = 0
      wake()
    },
    groupSource: (options) => groupOf(options.groupId).createSource(options),
    tableSource: createTable,
    sink: createSink,
    rebalance: (groupId) => groupOf(groupId).rebalance(),
    committed: (groupId, partition) => groupOf(groupId).committed(partition),
    setCommitted: (groupId, partition, offset, metadata = '') =>
      groupOf(groupId).setCommitted({ ...partition, offset, metadata }),
    outage(away) {
      for (const group of groups.values()) group.markProven()
      isAway = away
      wake()
    },
    refuse(topic, isRefused) {
      if (isRefused) refused.add(topic)
      else refused.delete(topic)
      wake()
    },
    setAckDelay(ms) {
      ackDelayMs = ms
    },
  }
}

function bufferOf(content: Buffer | string | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content) : content
}

/** Packed headers, like those of a record from Kafka. */
function headersOf(headers: ProduceInput['headers'] = []): KafkaHeaders {
  if (Symbol.iterator in headers) return PackedHeaders.pack(headers)
  const list = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const)
  return PackedHeaders.pack(list)
}
