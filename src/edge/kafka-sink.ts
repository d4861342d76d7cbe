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

const partitionsMaxAgeMs = 60_000
const refusedForSize = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

export function createSink(options: SinkOptions): RecordSink {
  return new KafkaSink(options)
}

class KafkaSink implements RecordSink {
  readonly #options: SinkOptions
  readonly #limits: CutLimits
  readonly #partitions: PartitionTable
  #incoming: Unplaced[] = []
  #pending = 0
  #isStopped = false
  #isPumping = false
  #producer: Producer | undefined

  constructor(options: SinkOptions) {
    this.#options = options
    this.#limits = options.limits ?? defaultCutLimits
    this.#partitions = new PartitionTable(options)
  }

  write(records: readonly OutboundRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const write: Write = { remaining: records.length, tooLarge: [], resolve, reject }
      for (const record of records) this.#incoming.push({ record, write })
      this.#pending += records.length
      if (this.#isPumping) return
      this.#isPumping = true
      setTimeout(() => void this.#pump(), this.#options.lingerMs ?? 3)
    })
  }

  pendingCount(): number {
    return this.#pending
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.allSettled([this.#producer?.disconnect(), this.#partitions.stop()])
  }

  /** Runs while there is something to send. */
  async #pump(): Promise<void> {
    while (this.#incoming.length > 0 && !this.#isStopped) {
      const unplaced = this.#incoming
      this.#incoming = []
      const queue = await this.#placeAll(unplaced)
      for (let start = 0; start < queue.length && !this.#isStopped;) {
        const end = cutEnd(queue, start, this.#limits)
        await this.#deliver(queue.slice(start, end))
        start = end
      }
    }
    this.#isPumping = false
  }

  async #placeAll(unplaced: readonly Unplaced[]): Promise<readonly Queued[]> {
    for (const topic of new Set(unplaced.map(({ record }) => record.topic))) {
      const what = `reading the partitions of ${topic}`
      await this.#repeat(what, () => this.#partitions.load(topic))
    }
    if (this.#isStopped) return []
    return unplaced.map(({ record, write }) => ({
      slot: this.#partitions.slotFor(record),
      bytes: recordBytes(record),
      record,
      write,
    }))
  }

  /** Returns when each record is acknowledged or known to be too large. */
  async #deliver(batch: readonly Queued[]): Promise<void> {
    const isWritten = await this.#repeat('sending records', async () => {
      try {
        await this.#send(batch)
        return true
      } catch (error) {
        const isTooLarge = refusedForSize.has(errorType(error) ?? '')
        if (isTooLarge || !isRetriable(error)) this.#dropProducer()
        if (isTooLarge) return false
        throw error
      }
    })
    if (isWritten === undefined) return
    if (isWritten || batch.length === 1) {
      for (const queued of batch) this.#settle(queued, isWritten)
      return
    }
    // The refusal names no record, and other partitions of the send may have been written: halves, down to the culprits.
    const middle = Math.ceil(batch.length / 2)
    await this.#deliver(batch.slice(0, middle))
    await this.#deliver(batch.slice(middle))
  }

  async #send(batch: readonly Queued[]): Promise<void> {
    this.#producer ??= await connectProducer(this.#options)
    const topics = new Map<string, Message[]>()
    for (const { record, slot } of batch) {
      let messages = topics.get(slot.topic)
      if (messages === undefined) topics.set(slot.topic, (messages = []))
      messages.push(outboundMessage(record, slot.partition))
    }
    const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }))
    await this.#producer.sendBatch({ acks: -1, topicMessages })
  }

  #dropProducer(): void {
    this.#producer?.disconnect().catch(() => undefined)
    this.#producer = undefined
  }

  /** Until it succeeds or the sink is stopped: then `undefined`. */
  async #repeat<Result>(what: string, attempt: () => Promise<Result>): Promise<Result | undefined> {
    for (let waitMs = 100; !this.#isStopped; waitMs = Math.min(waitMs * 2, 2000)) {
      try {
        return await attempt()
      } catch (error) {
        if (this.#isStopped) break
        this.#options.log('warn', `${what} failed, trying again`, { error: messageOf(error) })
        await sleep(waitMs)
      }
    }
    return undefined
  }

  #settle({ record, write }: Queued, isWritten: boolean): void {
    if (!isWritten) write.tooLarge.push(record)
    this.#pending -= 1
    write.remaining -= 1
    if (write.remaining === 0) {
      if (write.tooLarge.length === 0) write.resolve()
      else write.reject(new TooLargeError(write.tooLarge))
    }
  }
}

async function connectProducer({ settings, log }: SinkOptions): Promise<Producer> {
  const producer = createKafka(settings, log, 'service').producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    metadataMaxAge: 30_000,
    // Beyond these, the sink goes on with the same producer and the same batch, and can be stopped.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 },
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  await producer.connect()
  return producer
}

/** Partition counts, asked for when a topic is first written to and again after a while: they can only grow. */
class PartitionTable {
  readonly #options: SinkOptions
  readonly #topics = new Map<string, { readonly slots: readonly Slot[]; loadedAt: number }>()
  #admin: Admin | undefined
  #turn = 0

  constructor(options: SinkOptions) {
    this.#options = options
  }

  async load(topic: string): Promise<void> {
    const known = this.#topics.get(topic)
    if (known === undefined) return this.#fetch(topic)
    if (performance.now() - known.loadedAt < partitionsMaxAgeMs) return
    known.loadedAt = performance.now()
    // Not waited for: the old count serves until the answer is in.
    this.#fetch(topic).catch((error: unknown) => {
      const fields = { topic, error: messageOf(error) }
      this.#options.log('debug', 'refreshing partition counts failed', fields)
    })
  }

  /** @throws {Error} when the topic was not loaded */
  slotFor(record: OutboundRecord): Slot {
    const slots = this.#topics.get(record.topic)?.slots ?? []
    const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
    const slot = slots[choosePartition(key, slots.length, this.#turn++)]
    if (slot === undefined) throw new Error(`the partitions of ${record.topic} are not known`)
    return slot
  }

  async stop(): Promise<void> {
    await this.#admin?.disconnect()
  }

  async #fetch(topic: string): Promise<void> {
    if (this.#admin === undefined) {
      const admin = createKafka(this.#options.settings, this.#options.log, 'command').admin()
      await admin.connect()
      this.#admin = admin
    }
    const { topics: found } = await this.#admin.fetchTopicMetadata({ topics: [topic] })
    const length = found[0]?.partitions.length ?? 0
    if (length === 0) throw new Error(`topic ${topic} has no partitions`)
    const known = this.#topics.get(topic)?.slots ?? []
    const slots = Array.from({ length }, (_, partition) => known[partition] ?? { topic, partition })
    this.#topics.set(topic, { slots, loadedAt: performance.now() })
  }
}
