/**
 * The `RecordSink` port on Kafka.
 *
 * Records are sent in rounds, one after another: those that are written during a round, and for a short time after it, form
 * the next one. One request costs the broker about the same for one record as for a hundred.
 *
 * At most one batch of a partition is out, so that its records keep the order of their writes. Partitions do not wait for
 * each other: what a round does not get written, or not in time, is left to its own partition, which sends it again until
 * it is written. Meanwhile that partition's other records wait, and the rounds of all others go on. In the same way the
 * records of a topic wait whose partitions are not known. `producer.ts` makes sure that nothing is written twice.
 */
import { type CutLimits, cutCount, defaultCutLimits, recordBytes } from './batch-cutting.ts'
import { TooLargeError } from '../../core/model/errors.ts'
import type { OutboundRecord } from '../../core/model/model.ts'
import type { RecordSink } from '../../ports.ts'
import { FailureLog } from './failure-log.ts'
import type { Compression } from './batches.ts'
import { type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { LastingTroubles } from './lasting-troubles.ts'
import { PartitionTable } from './partition-table.ts'
import {
  type BatchOutcome,
  type PartitionBatch,
  SequencedProducer,
  type TargetPartition,
} from './producer.ts'
import { sleep, within } from '../waiting.ts'

export interface SinkOptions {
  readonly settings: KafkaSettings
  /** Default: none. */
  readonly compression?: Compression
  /** How long the first record of a round waits for others, unless there are many. Default 3 ms. */
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

interface Queued {
  readonly record: OutboundRecord
  readonly write: Write
}

/** The records of one partition that are sent at once. */
interface Batch extends PartitionBatch {
  readonly queued: readonly Queued[]
}

/** So many records do not wait for others. */
const fullRound = 500
/** How long a round waits for its answers before the next one begins without the partitions that have none. */
const patienceMs = 100
const firstRetryMs = 100
const mostRetryMs = 2_000

export function createSink(options: SinkOptions): RecordSink {
  return new KafkaSink(options)
}

class KafkaSink implements RecordSink {
  readonly #options: SinkOptions
  readonly #limits: CutLimits
  readonly #producer: SequencedProducer
  readonly #partitions: PartitionTable
  readonly #troubles = { reading: new LastingTroubles(), sending: new LastingTroubles() }
  readonly #failures: FailureLog
  /** Written, and in no queue yet. */
  #incoming: Queued[] = []
  /** By topics whose partitions are not known yet. */
  readonly #unplaced = new Map<string, Queued[]>()
  readonly #queues = new Map<TargetPartition, Queued[]>()
  /** Partitions of which a batch is out. */
  readonly #busy = new Set<TargetPartition>()
  #pending = 0
  #isStopped = false
  #isPumping = false

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
      this.#pump()
    })
  }

  pendingCount(): number {
    return this.#pending
  }

  trouble(): string | undefined {
    return this.#troubles.sending.lasting() ?? this.#troubles.reading.lasting()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#producer.stop()
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    void this.#runRounds().finally(() => (this.#isPumping = false))
  }

  /** Until nothing is left that may be sent now. */
  async #runRounds(): Promise<void> {
    const { lingerMs = 3 } = this.#options
    for (let batches = this.#nextBatches(); !this.#isStopped; batches = this.#nextBatches()) {
      if (batches.length > 0) {
        await within(this.#send(batches), patienceMs, undefined)
        // While records are left, what has come meanwhile shares the next round with them.
        if (this.#readyTargets().length > 0) this.#placeIncoming()
      } else {
        if (this.#incoming.length === 0) return
        if (this.#incoming.length < fullRound) await sleep(lingerMs)
        this.#placeIncoming()
      }
    }
  }

  #placeIncoming(): void {
    const incoming = this.#incoming
    this.#incoming = []
    const topics = new Set<string>()
    for (const queued of incoming) {
      const { topic } = queued.record
      const unplaced = this.#unplaced.get(topic)
      if (unplaced !== undefined) unplaced.push(queued)
      else if (this.#partitions.has(topic)) {
        topics.add(topic)
        this.#place(queued)
      } else {
        this.#unplaced.set(topic, [queued])
        void this.#load(topic)
      }
    }
    for (const topic of topics) this.#partitions.renew(topic)
  }

  #place(queued: Queued): void {
    const target = this.#partitions.targetFor(queued.record)
    const queue = this.#queues.get(target)
    if (queue === undefined) this.#queues.set(target, [queued])
    else queue.push(queued)
  }

  /** Reads the partitions of a topic, and places what waits for them. */
  async #load(topic: string): Promise<void> {
    const failures = new FailureLog(this.#options.log)
    const what = `reading the partitions of ${topic}`
    for (let waitMs = firstRetryMs; !this.#isStopped; waitMs = longer(waitMs)) {
      try {
        await this.#partitions.load(topic)
        break
      } catch (error) {
        if (this.#isStopped) return
        this.#troubles.reading.begin(topic, `${topic}: ${messageOf(error)}`)
        failures.failed(what, messageOf(error))
        await sleep(waitMs)
      }
    }
    failures.succeeded(what)
    this.#troubles.reading.end(topic)
    const unplaced = this.#unplaced.get(topic) ?? []
    this.#unplaced.delete(topic)
    for (const queued of unplaced) this.#place(queued)
    this.#pump()
  }

  /** Partitions that have records and no batch out; the one that has waited longest for its turn is first. */
  #readyTargets(): readonly TargetPartition[] {
    return [...this.#queues.keys()].filter((target) => !this.#busy.has(target))
  }

  /**
   * One batch of each partition that is ready. They share the round: a result is not written later because thousands of
   * records wait for other partitions. Partitions with few records come first, since what they leave is for the others.
   */
  #nextBatches(): readonly Batch[] {
    const { maxRecords, maxBytesPerPartition } = this.#limits
    const ready = this.#readyTargets().slice(0, maxRecords)
    const queues = ready.map((target) => ({ target, queue: this.#queues.get(target) ?? [] }))
    queues.sort((a, b) => a.queue.length - b.queue.length)
    const batches: Batch[] = []
    let left = maxRecords
    for (const [index, { target, queue }] of queues.entries()) {
      const share = Math.max(1, Math.floor(left / (queues.length - index)))
      const limits = { maxRecords: share, maxBytesPerPartition }
      const queued = queue.splice(0, cutCount(queue, recordBytesOf, limits))
      this.#queues.delete(target)
      // Behind all others: where there are more partitions than records in a round, each has its turn.
      if (queue.length > 0) this.#queues.set(target, queue)
      batches.push(batchOf(target, queued))
      left -= queued.length
    }
    return batches
  }

  /** Resolves when all of them are written, or left to their partitions. */
  async #send(batches: readonly Batch[]): Promise<void> {
    for (const { target } of batches) this.#busy.add(target)
    await this.#producer.send(batches, (batch, outcome) => {
      if (outcome.kind === 'written') this.#ended(batch)
      else void this.#insist(batch, outcome).then(() => this.#free(batch.target))
    })
  }

  /** Sends a batch by itself until it is written, or known to be too large. */
  async #insist(batch: Batch, former?: BatchOutcome): Promise<void> {
    let outcome = former ?? (await this.#tryOnce(batch))
    for (let waitMs = firstRetryMs; !this.#isStopped; waitMs = longer(waitMs)) {
      if (outcome.kind === 'written' || outcome.kind === 'too-large') break
      if (outcome.kind === 'failed') {
        this.#failed(batch, outcome.error)
        await sleep(waitMs)
      }
      outcome = await this.#tryOnce(batch)
    }
    if (this.#isStopped) return
    this.#succeeded(batch)
    if (outcome.kind === 'too-large') await this.#halve(batch)
    else for (const queued of batch.queued) this.#settle(queued, true)
  }

  async #tryOnce(batch: Batch): Promise<BatchOutcome> {
    let found: BatchOutcome = { kind: 'unclear' }
    await this.#producer.send([batch], (_, outcome) => (found = outcome))
    return found
  }

  /** The refusal names no record: halves, down to the culprits. */
  async #halve({ target, queued }: Batch): Promise<void> {
    const [first] = queued
    if (first !== undefined && queued.length === 1) return this.#settle(first, false)
    const middle = Math.ceil(queued.length / 2)
    await this.#insist(batchOf(target, queued.slice(0, middle)))
    await this.#insist(batchOf(target, queued.slice(middle)))
  }

  #failed({ target: { topic, partition } }: Batch, error: Error): void {
    if (this.#isStopped) return
    const place = `${topic}/${partition}`
    const text = `${place}: ${messageOf(error)}`
    this.#troubles.sending.begin(place, text)
    this.#failures.failed('sending records', text)
  }

  #succeeded({ target: { topic, partition } }: Batch): void {
    const { sending } = this.#troubles
    sending.end(`${topic}/${partition}`)
    if (sending.isNone) this.#failures.succeeded('sending records')
  }

  #ended(batch: Batch): void {
    for (const queued of batch.queued) this.#settle(queued, true)
    this.#free(batch.target)
  }

  #free(target: TargetPartition): void {
    this.#busy.delete(target)
    if (this.#queues.has(target)) this.#pump()
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

function batchOf(target: TargetPartition, queued: readonly Queued[]): Batch {
  return { target, queued, records: queued.map(({ record }) => record) }
}

function recordBytesOf({ record }: Queued): number {
  return recordBytes(record)
}

function longer(waitMs: number): number {
  return Math.min(waitMs * 2, mostRetryMs)
}
