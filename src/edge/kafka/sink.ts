/**
 * The `RecordSink` port on Kafka.
 *
 * Sends one after another, in the order of the writes. Records that are written during a send, and for a short time after it,
 * form the next one: one request costs the broker about the same for one record as for a hundred. A failed send is retried for
 * the partitions where it failed, until it succeeds. `producer.ts` makes sure that nothing is written twice.
 */
import {
  cutEnd,
  type CutLimits,
  defaultCutLimits,
  type QueuedRecord,
  recordBytes,
} from './batch-cutting.ts'
import { TooLargeError } from '../../core/model/errors.ts'
import type { OutboundRecord } from '../../core/model/model.ts'
import type { RecordSink } from '../../ports.ts'
import { FailureLog } from './failure-log.ts'
import type { Compression } from './batches.ts'
import { type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { PartitionTable } from './partition-table.ts'
import { type PartitionBatch, SequencedProducer, type TargetPartition } from './producer.ts'
import { sleep } from '../waiting.ts'

export interface SinkOptions {
  readonly settings: KafkaSettings
  /** Default: none. */
  readonly compression?: Compression
  /** How long the first record of a send waits for others, unless there are many. Default 3 ms. */
  readonly lingerMs?: number
  readonly limits?: CutLimits
  /** How old the count of a topic's partitions may be. Default one minute. */
  readonly partitionsMaxAgeMs?: number
  readonly log: KafkaLog
}

/** One call of `write`. */
interface Write {
  remaining: number
  readonly tooLarge: OutboundRecord[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Queued extends QueuedRecord {
  readonly target: TargetPartition
  readonly record: OutboundRecord
  readonly write: Write
}

/** The queued records of one partition that are sent at once. */
interface Batch {
  readonly target: TargetPartition
  readonly queued: readonly Queued[]
}

interface Unplaced {
  readonly record: OutboundRecord
  readonly write: Write
}

/** So many records do not wait for others. */
const fullSend = 500
/** A leader that moves fails a few tries. */
const troubleAfterMs = 1_000

export function createSink(options: SinkOptions): RecordSink {
  return new KafkaSink(options)
}

class KafkaSink implements RecordSink {
  readonly #options: SinkOptions
  readonly #limits: CutLimits
  readonly #producer: SequencedProducer
  readonly #partitions: PartitionTable
  readonly #failures: FailureLog
  #incoming: Unplaced[] = []
  #pending = 0
  #isStopped = false
  #isPumping = false
  /** What fails now. */
  #trouble: { readonly since: number; readonly error: string } | undefined

  constructor(options: SinkOptions) {
    this.#options = options
    this.#limits = options.limits ?? defaultCutLimits
    const { settings, compression = 'none', log } = options
    this.#producer = new SequencedProducer(settings, compression, log)
    this.#partitions = new PartitionTable(this.#producer, options.log, options.partitionsMaxAgeMs)
    this.#failures = new FailureLog(options.log)
  }

  write(records: readonly OutboundRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const write: Write = { remaining: records.length, tooLarge: [], resolve, reject }
      for (const record of records) this.#incoming.push({ record, write })
      this.#pending += records.length
      if (this.#isPumping) return
      this.#isPumping = true
      void this.#pump()
    })
  }

  pendingCount(): number {
    return this.#pending
  }

  trouble(): string | undefined {
    const { since, error } = this.#trouble ?? { since: performance.now(), error: undefined }
    return performance.now() - since < troubleAfterMs ? undefined : error
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#producer.stop()
  }

  /** Runs while there is something to send. */
  async #pump(): Promise<void> {
    const { lingerMs = 3 } = this.#options
    while (this.#incoming.length > 0 && !this.#isStopped) {
      if (this.#incoming.length < fullSend) await sleep(lingerMs)
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
      target: this.#partitions.targetFor(record),
      bytes: recordBytes(record),
      record,
      write,
    }))
  }

  /** Returns when each record is acknowledged or known to be too large. */
  async #deliver(records: readonly Queued[]): Promise<void> {
    const byTarget = Map.groupBy(records, ({ target }) => target)
    let left: readonly Batch[] = [...byTarget].map(([target, queued]) => ({ target, queued }))
    const refused: Batch[] = []
    await this.#repeat('sending records', async () => {
      const sent = await this.#producer.send(left.map(partitionBatch))
      left = left.filter((batch, index) => {
        const outcome = sent.outcomes[index]
        if (outcome === 'written') for (const queued of batch.queued) this.#settle(queued, true)
        if (outcome === 'too-large') refused.push(batch)
        return outcome === 'failed'
      })
      if (sent.error !== undefined) throw sent.error
    })
    // The refusal names no record: halves, down to the culprits.
    for (const { queued } of refused) {
      const middle = Math.ceil(queued.length / 2)
      if (queued.length === 1) for (const one of queued) this.#settle(one, false)
      else {
        await this.#deliver(queued.slice(0, middle))
        await this.#deliver(queued.slice(middle))
      }
    }
  }

  /** Until it succeeds or the sink is stopped: then `undefined`. */
  async #repeat<Result>(what: string, attempt: () => Promise<Result>): Promise<Result | undefined> {
    for (let waitMs = 100; !this.#isStopped; waitMs = Math.min(waitMs * 2, 2000)) {
      try {
        const result = await attempt()
        this.#trouble = undefined
        this.#failures.succeeded(what)
        return result
      } catch (error) {
        if (this.#isStopped) break
        this.#trouble = { since: performance.now(), ...this.#trouble, error: messageOf(error) }
        this.#failures.failed(what, messageOf(error))
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

function partitionBatch({ target, queued }: Batch): PartitionBatch {
  return { target, records: queued.map(({ record }) => record) }
}
