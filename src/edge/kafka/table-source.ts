/**
 * The `TableSource` port on Kafka: all of a compacted topic, then its changes, read from the leaders of its partitions
 * without a group.
 *
 * - *loading*: reads to the ends that the partitions had at the beginning.
 * - *following*: has reached these ends, and applies further records.
 * - *failed*: has reported why it cannot continue, and applies no further record.
 * - *stopped*: was stopped by its user, and applies no further record.
 *
 * | from               | event                                       | to        |
 * |--------------------|---------------------------------------------|-----------|
 * | loading            | every partition is read to its end          | following |
 * | loading, following | the topic was recreated, or cannot be read  | failed    |
 * | all                | `stop`                                      | stopped   |
 *
 * If a broker is away or a right was revoked, the state stays as it is, and reading is retried until it succeeds.
 */
import { asError } from '../../core/model/errors.ts'
import type { InboundRecord } from '../../core/model/model.ts'
import { topicRight } from './needed-rights.ts'
import type { TableSource } from '../../ports.ts'
import { sleep, within } from '../waiting.ts'
import { errorType, isRetriable, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { clusterOf, fetchOffsets, type OffsetsAt } from './cluster.ts'
import { FailureLog } from './failure-log.ts'
import type { FetchedBatch, FetchedMessage, InnerCluster } from './inner.ts'
import { byLeader, fetchFromLeader, type Position } from './leader-fetch.ts'
import { inboundRecord, nextOffsetOf } from './records.ts'
import { RefusalWatch } from './refusal-watch.ts'
import { topicIdOf } from './topic-id.ts'

export interface TableSourceOptions {
  readonly settings: KafkaSettings
  readonly topic: string
  /** The setting that names the topic. Messages mention it. */
  readonly setting: string
  /** How long the first reading may take. Default 10 minutes. */
  readonly loadTimeoutMs?: number
  /** How often to check whether the topic was recreated, or has new partitions. Default 5 seconds. */
  readonly checkMs?: number
  readonly log: KafkaLog
}

/** The topic was deleted and created again: the records that were read are those of the former one. */
export class TableRecreatedError extends Error {}

/** How far a partition has been read. */
interface Progress extends Position {
  /** Its end offset when loading began. */
  readonly end: number
}

type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'loading'
      readonly loaded: PromiseWithResolvers<void>
      readonly onFailed: (error: Error) => void
    }
  | { readonly kind: 'following'; readonly onFailed: (error: Error) => void }
  | { readonly kind: 'failed' }
  | { readonly kind: 'stopped' }

/** How long a broker waits for records. A change is sent at once. */
const waitMs = 500
/** The wait before a retry after reading failed or was refused. */
const retryMs = 250
const refusedMs = 1_000
const stopLimitMs = 1_000

export function createTableSource(options: TableSourceOptions): TableSource {
  return new KafkaTableSource(options)
}

class KafkaTableSource implements TableSource {
  readonly #options: TableSourceOptions
  readonly #cluster: InnerCluster
  readonly #refusals: RefusalWatch
  readonly #failures: FailureLog
  /** Aborted when nothing is read any more. */
  readonly #end = new AbortController()
  readonly #progress = new Map<number, Progress>()
  /** The nodes with a fetch in flight. One node that hangs delays no other. */
  readonly #fetching = new Set<string>()
  /** Resolved and replaced when a fetch has ended, or reading has. */
  #changed = Promise.withResolvers<void>()
  #state: State = { kind: 'idle' }
  #apply: (record: InboundRecord) => void = () => undefined
  #isConnected = false
  /** The id of the topic when loading began; `undefined` if brokers have no ids. */
  #topicId: string | undefined
  /** When the topic is checked next, by `performance.now()`. After a failure, at once. */
  #lookAt = 0

  constructor(options: TableSourceOptions) {
    this.#options = options
    const { settings, topic, log } = options
    this.#cluster = clusterOf(settings, log)
    this.#failures = new FailureLog(log, { topic })
    const rights = [topicRight('Read', topic)]
    this.#refusals = new RefusalWatch({ settings, rights, log, fields: { topic } })
  }

  async start(
    apply: (record: InboundRecord) => void,
    onFailed: (error: Error) => void,
  ): Promise<void> {
    const { loadTimeoutMs = 600_000 } = this.#options
    const loaded = Promise.withResolvers<void>()
    this.#apply = apply
    this.#state = { kind: 'loading', loaded, onFailed }
    const timer = setTimeout(() => this.#fail(this.#slow(loadTimeoutMs)), loadTimeoutMs)
    void this.#read()
    try {
      await loaded.promise
    } finally {
      clearTimeout(timer)
    }
  }

  trouble(): string | undefined {
    return this.#refusals.trouble()
  }

  async stop(): Promise<void> {
    const { topic } = this.#options
    if (this.#state.kind === 'loading') {
      this.#state.loaded.reject(new Error(`stopped before topic ${topic} was read`))
    }
    this.#state = { kind: 'stopped' }
    this.#endReading()
    await within(this.#cluster.disconnect(), stopLimitMs, undefined)
  }

  get #isReading(): boolean {
    return this.#state.kind === 'loading' || this.#state.kind === 'following'
  }

  #fail(error: Error): void {
    switch (this.#state.kind) {
      case 'loading':
        this.#state.loaded.reject(error)
        break
      case 'following':
        this.#state.onFailed(error)
        break
      case 'idle':
      case 'failed':
      case 'stopped':
        return
    }
    this.#state = { kind: 'failed' }
    this.#endReading()
  }

  // --- reading -----------------------------------------------------------------------------------------

  async #read(): Promise<void> {
    while (this.#isReading) {
      const changed = this.#changed.promise
      try {
        if (performance.now() >= this.#lookAt) await this.#look()
        this.#fetchFromAll()
      } catch (error) {
        await this.#recover(error)
      }
      // Without a leader there is no fetch.
      if (this.#fetching.size === 0) await this.#pause(retryMs)
      else await changed
    }
  }

  #fetchFromAll(): void {
    const { topic } = this.#options
    const positions = [...this.#progress.values()]
    for (const [nodeId, led] of byLeader(this.#cluster, topic, positions)) {
      if (this.#fetching.has(nodeId)) continue
      this.#fetching.add(nodeId)
      void this.#fetchFrom(nodeId, led).finally(() => {
        this.#fetching.delete(nodeId)
        this.#wake()
      })
    }
  }

  async #fetchFrom(nodeId: string, positions: readonly Progress[]): Promise<void> {
    const { topic } = this.#options
    try {
      const answers = await fetchFromLeader(this.#cluster, nodeId, { topic, positions, waitMs })
      this.#refusals.granted('reading')
      this.#failures.succeeded('reading')
      for (const { batch } of answers) this.#take(batch)
    } catch (error) {
      await this.#recover(error)
    }
  }

  #take(batch: FetchedBatch): void {
    const position = this.#progress.get(batch.partition)
    // While a leader moves, two nodes may answer for its partition.
    if (position === undefined || String(position.next) !== batch.fetchedOffset) return
    for (const message of batch.messages) {
      if (!this.#isReading) return
      if (message.unreadable !== undefined) return this.#fail(this.#unreadable(batch, message))
      this.#apply(inboundRecord(batch, message))
    }
    position.next = nextOffsetOf(batch)
    this.#settleLoad()
  }

  #settleLoad(): void {
    if (this.#state.kind !== 'loading') return
    if ([...this.#progress.values()].some(({ next, end }) => next < end)) return
    const { loaded, onFailed } = this.#state
    this.#state = { kind: 'following', onFailed }
    loaded.resolve()
  }

  /** A failure may have been caused by a change, so everything is checked before the next fetch. */
  async #recover(error: unknown): Promise<void> {
    if (!this.#isReading) return
    this.#lookAt = 0
    if (await this.#refusals.isRefused('reading', error)) return await this.#pause(refusedMs)
    if (errorType(error) === 'OFFSET_OUT_OF_RANGE') return
    if (!isRetriable(error)) return this.#fail(asError(error))
    this.#failures.failed('reading', messageOf(error))
    await this.#pause(retryMs)
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, this.#end.signal)
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #endReading(): void {
    this.#end.abort()
    this.#wake()
  }

  // --- checking whether it is still the same topic ---------------------------------------------------------

  /**
   * If a topic was recreated and has grown beyond the position, only its id shows this. Without this check, reading would
   * continue there, with the former topic's records applied and the first records of the new one missing.
   */
  async #look(): Promise<void> {
    const { topic, checkMs = 5_000 } = this.#options
    const hasFailed = this.#lookAt === 0
    if (this.#isConnected) await this.#cluster.refreshMetadata()
    else await this.#connect()
    await this.#compareId()
    const partitions = this.#cluster
      .findTopicPartitionMetadata(topic)
      .map(({ partitionId }) => partitionId)
    if (hasFailed || partitions.some((partition) => !this.#progress.has(partition))) {
      await this.#settlePositions(partitions)
    }
    this.#lookAt = performance.now() + checkMs
  }

  async #connect(): Promise<void> {
    await this.#cluster.connect()
    await this.#cluster.addMultipleTargetTopics([this.#options.topic])
    this.#isConnected = true
  }

  async #compareId(): Promise<void> {
    const { topic } = this.#options
    const id = await topicIdOf(await this.#cluster.findControllerBroker(), topic)
    this.#topicId ??= id
    if (id === undefined || id === this.#topicId) return
    this.#fail(
      new TableRecreatedError(
        `topic ${topic} was recreated: the records read so far are those of the former topic. Restart to read the new one.`,
      ),
    )
  }

  /**
   * Begins to read new partitions. If records were removed before they were read, reading continues with the remaining ones.
   * An end before a position can only mean that the topic was deleted and created again.
   */
  async #settlePositions(partitions: readonly number[]): Promise<void> {
    const { topic, log } = this.#options
    const offsetsAt = (at: OffsetsAt) => fetchOffsets(this.#cluster, topic, partitions, at)
    const [ends, lows] = await Promise.all([
      offsetsAt({ fromBeginning: false }),
      offsetsAt({ fromBeginning: true }),
    ])
    for (const partition of partitions) {
      const [low, end] = [lows.get(partition) ?? 0, ends.get(partition) ?? 0]
      const known = this.#progress.get(partition)
      if (known === undefined) this.#progress.set(partition, { partition, next: low, end })
      else if (end < known.next) return this.#fail(this.#recreated(known, end))
      else if (low > known.next) {
        const fields = { topic, partition, offset: known.next, earliest: low }
        log('error', 'records were removed before they were read; going on at the earliest', fields)
        known.next = low
      }
    }
    this.#settleLoad()
  }

  // --- why it cannot continue -----------------------------------------------------------------------------

  #recreated({ partition, next }: Position, end: number): Error {
    return new TableRecreatedError(
      `topic ${this.#options.topic} was recreated: partition ${partition} had been read to offset ${next} ` +
        `and now ends at ${end}. Restart to read the new one.`,
    )
  }

  /**
   * It is unknown which keys the unreadable records have. Without them a hook could be missing, and its events would be
   * lost.
   */
  #unreadable({ partition }: FetchedBatch, { offset, unreadable }: FetchedMessage): Error {
    const { records, reason } = unreadable ?? {}
    return new Error(
      `topic ${this.#options.topic}: records up to offset ${offset} of partition ${partition}, ${records} in number, ` +
        `cannot be read (${reason}). Write all there is to a new topic and name that in ${this.#options.setting}.`,
    )
  }

  #slow(limitMs: number): Error {
    const behind = [...this.#progress.values()].filter(({ next, end }) => next < end)
    const where = behind.map(({ partition, next, end }) => `${partition} at ${next} of ${end}`)
    return new Error(
      `topic ${this.#options.topic} was not read within ${limitMs} ms ` +
        `(${where.join(', ') || 'nothing was answered'})`,
    )
  }
}
