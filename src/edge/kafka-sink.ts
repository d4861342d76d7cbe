/**
 * The `RecordSink` port on Kafka.
 *
 * One send at a time, in order of writing; what is written meanwhile forms the next. KafkaJS keeps its sequence numbers per
 * producer and takes them back when a send fails, although parts of it may have been written: a later send could then pass
 * for a repeat and be dropped by the broker. So a failed send is either repeated exactly as it was by the same producer, or
 * the producer is replaced. Both may write twice; neither loses.
 */
import type { Admin, Message, Producer } from 'kafkajs'
import {
  cutEnd,
  type CutLimits,
  defaultCutLimits,
  type QueuedRecord,
  recordBytes,
} from '../core/batch-cutting.ts'
import { TooLargeError } from '../core/errors.ts'
import type { OutboundRecord } from '../core/model.ts'
import { choosePartition } from '../core/partition-choice.ts'
import type { RecordSink } from '../ports.ts'
import {
  createKafka,
  errorType,
  isRetriable,
  type KafkaLog,
  type KafkaSettings,
  messageOf,
  sleep,
} from './kafka-client.ts'
import { outboundMessage } from './kafka-records.ts'

export interface SinkOptions {
  readonly settings: KafkaSettings
  /** How long the first record of an idle sink waits for company. Default 3 ms. */
  readonly lingerMs?: number
  readonly limits?: CutLimits
  readonly log: KafkaLog
}

/** One call of `write`. */
interface Write {
  remaining: number
  readonly tooLarge: OutboundRecord[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** One partition. Records for it share the object. */
interface Slot {
  readonly topic: string
  readonly partition: number
}

interface Queued extends QueuedRecord {
  readonly slot: Slot
  readonly record: OutboundRecord
  readonly write: Write
}

interface Unplaced {
  readonly record: OutboundRecord
  readonly write: Write
}

const refusedForSize = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

/** Writes that are pending when it is stopped are given up, and their promises never settle: flush before. */
export function createSink(options: SinkOptions): RecordSink {
  const { log } = options
  const limits = options.limits ?? defaultCutLimits
  const lingerMs = options.lingerMs ?? 3
  const partitions = createPartitionTable(options.settings, log)
  const flushes = new Set<() => void>()
  let incoming: Unplaced[] = []
  let pending = 0
  let isStopped = false
  let isPumping = false
  let producer: Producer | undefined

  function write(records: readonly OutboundRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const one: Write = { remaining: records.length, tooLarge: [], resolve, reject }
      for (const record of records) incoming.push({ record, write: one })
      pending += records.length
      if (isPumping) return
      isPumping = true
      setTimeout(() => void pump(), lingerMs)
    })
  }

  /** Runs while there is something to send. */
  async function pump(): Promise<void> {
    while (incoming.length > 0 && !isStopped) {
      const unplaced = incoming
      incoming = []
      const queue = await placeAll(unplaced)
      for (let start = 0; start < queue.length && !isStopped;) {
        const end = cutEnd(queue, start, limits)
        await deliver(queue.slice(start, end))
        start = end
      }
    }
    isPumping = false
  }

  async function placeAll(unplaced: readonly Unplaced[]): Promise<readonly Queued[]> {
    for (const topic of new Set(unplaced.map(({ record }) => record.topic))) {
      await repeat(`reading the partitions of ${topic}`, () => partitions.load(topic))
    }
    if (isStopped) return []
    return unplaced.map(({ record, write: one }) => ({
      slot: partitions.slotFor(record),
      bytes: recordBytes(record),
      record,
      write: one,
    }))
  }

  /** Returns when each record is acknowledged or known to be too large. */
  async function deliver(batch: readonly Queued[]): Promise<void> {
    const isWritten = await repeat('sending records', async () => {
      try {
        await send(batch)
        return true
      } catch (error) {
        const isTooLarge = refusedForSize.has(errorType(error) ?? '')
        if (isTooLarge || !isRetriable(error)) dropProducer()
        if (isTooLarge) return false
        throw error
      }
    })
    if (isWritten === undefined) return
    if (isWritten || batch.length === 1) {
      for (const one of batch) settle(one, isWritten)
      return
    }
    // The refusal names no record, and other partitions of the send may have been written: halves, down to the culprits.
    const middle = Math.ceil(batch.length / 2)
    await deliver(batch.slice(0, middle))
    await deliver(batch.slice(middle))
  }

  async function send(batch: readonly Queued[]): Promise<void> {
    producer ??= await connectProducer()
    const topics = new Map<string, Message[]>()
    for (const { record, slot } of batch) {
      let messages = topics.get(slot.topic)
      if (messages === undefined) topics.set(slot.topic, (messages = []))
      messages.push(outboundMessage(record, slot.partition))
    }
    const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }))
    await producer.sendBatch({ acks: -1, topicMessages })
  }

  async function connectProducer(): Promise<Producer> {
    const fresh = createKafka(options.settings, log, 'service').producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: 30_000,
      // Beyond these, `repeat` goes on with the same producer and the same batch, and can be stopped.
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 },
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    })
    await fresh.connect()
    return fresh
  }

  function dropProducer(): void {
    producer?.disconnect().catch(() => undefined)
    producer = undefined
  }

  /** Until it succeeds or the sink is stopped: then `undefined`. */
  async function repeat<Result>(
    what: string,
    attempt: () => Promise<Result>,
  ): Promise<Result | undefined> {
    for (let waitMs = 100; !isStopped; waitMs = Math.min(waitMs * 2, 2000)) {
      try {
        return await attempt()
      } catch (error) {
        if (isStopped) break
        log('warn', `${what} failed, trying again`, { error: messageOf(error) })
        await sleep(waitMs)
      }
    }
    return undefined
  }

  function settle({ record, write: one }: Queued, isWritten: boolean): void {
    if (!isWritten) one.tooLarge.push(record)
    pending -= 1
    one.remaining -= 1
    if (one.remaining === 0) {
      if (one.tooLarge.length === 0) one.resolve()
      else one.reject(new TooLargeError(one.tooLarge))
    }
    if (pending === 0) for (const flushed of flushes) flushed()
  }

  return {
    write,
    pendingCount: () => pending,
    flush(deadlineMs) {
      if (pending === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const end = (isFlushed: boolean): void => {
          clearTimeout(timer)
          flushes.delete(flushed)
          resolve(isFlushed)
        }
        const flushed = (): void => end(true)
        const timer = setTimeout(() => end(false), deadlineMs)
        flushes.add(flushed)
      })
    },
    async stop() {
      isStopped = true
      await Promise.allSettled([producer?.disconnect(), partitions.stop()])
    },
  }
}

/** Partition counts, asked for when a topic is first written to and again after a while: they can only grow. */
function createPartitionTable(settings: KafkaSettings, log: KafkaLog) {
  const maxAgeMs = 60_000
  const topics = new Map<string, { readonly slots: readonly Slot[]; readonly loadedAt: number }>()
  let admin: Admin | undefined
  let turn = 0

  async function fetchSlots(topic: string): Promise<void> {
    if (admin === undefined) {
      const fresh = createKafka(settings, log, 'command').admin()
      await fresh.connect()
      admin = fresh
    }
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [topic] })
    const count = found[0]?.partitions.length ?? 0
    if (count === 0) throw new Error(`topic ${topic} has no partitions`)
    const known = topics.get(topic)?.slots ?? []
    const slots = Array.from(
      { length: count },
      (_, partition) => known[partition] ?? { topic, partition },
    )
    topics.set(topic, { slots, loadedAt: performance.now() })
  }

  return {
    async load(topic: string): Promise<void> {
      const known = topics.get(topic)
      if (known === undefined) return fetchSlots(topic)
      if (performance.now() - known.loadedAt < maxAgeMs) return
      topics.set(topic, { ...known, loadedAt: performance.now() })
      // Not waited for: the old count serves until the answer is in.
      fetchSlots(topic).catch((error: unknown) =>
        log('debug', 'refreshing partition counts failed', { topic, error: messageOf(error) }),
      )
    },
    /** @throws {Error} when the topic was not loaded */
    slotFor(record: OutboundRecord): Slot {
      const slots = topics.get(record.topic)?.slots ?? []
      const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
      const slot = slots[choosePartition(key, slots.length, turn++)]
      if (slot === undefined) throw new Error(`the partitions of ${record.topic} are not known`)
      return slot
    },
    async stop(): Promise<void> {
      await admin?.disconnect()
    },
  }
}
