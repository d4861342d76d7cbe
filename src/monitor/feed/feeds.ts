/** Everything that the monitor reads, each topic by itself: one that cannot be read keeps no other from it. */
import { setTimeout } from 'node:timers/promises'
import { createHookReading, type StoredHook } from '../../commands/hooks/topic.ts'
import { hiddenTopics } from '../../commands/existing-topics.ts'
import { takeHealth } from '../../commands/endpoints/topic.ts'
import { isResult } from '../../commands/results/result.ts'
import type { EncryptionKey } from '../../core/hook/encrypted-text.ts'
import type { Health } from '../../core/health/record.ts'
import { asError, UserError } from '../../core/model/errors.ts'
import type { HookId, InboundRecord } from '../../core/model/model.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import type { KafkaLog, KafkaSettings } from '../../edge/kafka/client.ts'
import type { RegistrySettings } from '../../edge/registry/client.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { Settings } from '../../settings/settings.ts'
import { indexedResult, type IndexedResult } from '../index/indexed-result.ts'
import type { Reached, ResultIndex } from '../index/result-index.ts'
import type { MonitorView, TopicReading } from '../view.ts'
import { askedOnce, LagReader, sumOf, type FindHidden, type Lag } from './lag.ts'
import { letterOf } from './letters.ts'
import { followLog, refusedReading, withAdmin } from './log-feed.ts'
import { followTable } from './table-feed.ts'
import { Troubles } from './troubles.ts'

export interface FeedOptions {
  readonly settings: Settings
  readonly kafka: KafkaSettings
  readonly registry: RegistrySettings | undefined
  /** What secrets of hooks are decrypted with. */
  readonly keys: readonly EncryptionKey[]
  readonly index: ResultIndex
  readonly signal: AbortSignal
  readonly log: KafkaLog
  readonly now: () => number
  /** One line for people: what is not read, and why. */
  readonly note: (line: string) => void
}

/** How often is looked at how far groups and index are. */
const lookEveryMs = 5_000

/** What is read, in the order in which it is shown. */
const kinds = ['results', 'deadLetters', 'hooks', 'endpoints'] as const

export class Feeds implements MonitorView {
  readonly index: ResultIndex
  readonly now: () => number
  hooks: ReadonlyMap<HookId, StoredHook> | undefined
  endpoints: ReadonlyMap<HookId, Health> = new Map()
  lag: Lag | undefined
  lagTrouble: string | undefined
  readonly #lagReader: LagReader
  readonly #findHidden: FindHidden
  unreadable = 0
  #hasNotedUnreadable = false
  readonly #options: FeedOptions
  readonly #troubles: Troubles
  /** What topics of results and dead letters had at the last look. */
  readonly #held = new Map<string, readonly PartitionRange[]>()
  /** Of the others: whether they were read to their ends. */
  readonly #loaded = new Set<string>()
  readonly #listeners = new Set<() => void>()

  constructor(options: FeedOptions) {
    this.#options = options
    this.index = options.index
    this.now = options.now
    this.#troubles = new Troubles(options.note)
    const findHidden: FindHidden = (topics) => hiddenTopics(options.settings, topics)
    this.#lagReader = new LagReader(options.settings, findHidden)
    this.#findHidden = askedOnce(findHidden)
  }

  /** Reads until it is told to end, and resolves then. */
  async run(): Promise<void> {
    const { topics } = this.#options.settings
    await Promise.all([
      followTable({
        ...this.#common(topics.hooks),
        setting: 'HOOKTIDE_TOPIC_HOOKS',
        begin: () => this.#beginHooks(),
      }),
      followTable({
        ...this.#common(topics.endpoints),
        setting: 'HOOKTIDE_TOPIC_ENDPOINTS',
        begin: () => this.#beginEndpoints(),
      }),
      followLog({
        ...this.#logOf(topics.results, 'results'),
        take: async (records, reached) => {
          const { results, unreadable } = await this.#resultsIn(records)
          this.index.addResults(results, reached, this.now())
          // What could not be stored is read once more.
          this.unreadable += unreadable
          this.#changed()
        },
      }),
      followLog({
        ...this.#logOf(topics.deadLetters, 'letters'),
        take: (records, reached) => {
          const letters = records.flatMap((record) => letterOf(record) ?? [])
          this.index.addLetters(letters, reached, this.now())
          this.#changed()
        },
      }),
      this.#watchCluster(),
    ])
  }

  get readings(): readonly TopicReading[] {
    const { topics } = this.#options.settings
    return kinds.map((kind) => ({
      kind,
      topic: topics[kind],
      behind: this.#behindIn(topics[kind]),
      trouble: this.#troubles.of(topics[kind]),
    }))
  }

  /** Counted anew each time: what was read since the last look is not behind any more. */
  #behindIn(topic: string): number | undefined {
    if (this.#troubles.isHidden(topic)) return undefined
    const held = this.#held.get(topic)
    if (held !== undefined) return behindOf(this.index.positions(topic), held)
    return this.#loaded.has(topic) ? 0 : undefined
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  #changed(): void {
    for (const changed of this.#listeners) changed()
  }

  #common(topic: string) {
    const { kafka, signal, log } = this.#options
    const onTrouble = (reason: string | undefined) => {
      if (this.#troubles.say(topic, reason)) this.#changed()
    }
    return { kafka, topic, signal, log, onTrouble }
  }

  #logOf(topic: string, table: 'results' | 'letters') {
    return {
      ...this.#common(topic),
      since: () => this.now() - this.index.bounds.windowMs,
      positions: () => this.index.positions(topic),
      identify: (topicId: string | undefined) => this.index.identify(topic, topicId, table),
      onRemoved: (count: number) =>
        this.#options.note(
          `${topic}: ${count} records were removed before they were read: numbers of that time are too small`,
        ),
      onRecreated: () => this.index.forget(topic, table),
    }
  }

  #beginHooks() {
    const { settings, keys } = this.#options
    const reading = createHookReading(settings, keys)
    return {
      take: (record: InboundRecord) => reading.take(record),
      onLoaded: () => {
        reading.loaded()
        this.hooks = reading.hooks
        this.#loaded.add(this.#options.settings.topics.hooks)
        this.#changed()
      },
      onChanged: () => this.#changed(),
    }
  }

  #beginEndpoints() {
    const endpoints = new Map<HookId, Health>()
    return {
      take: (record: InboundRecord) => takeHealth(endpoints, record),
      onLoaded: () => {
        this.endpoints = endpoints
        this.#loaded.add(this.#options.settings.topics.endpoints)
        this.#changed()
      },
      onChanged: () => this.#changed(),
    }
  }

  readonly #readResult = (() => {
    let read: ((value: Buffer) => Promise<unknown>) | undefined
    return (value: Buffer) => {
      read ??= createResultReader(this.#options.registry)
      return read(value)
    }
  })()

  async #resultsIn(records: readonly InboundRecord[]) {
    const results: IndexedResult[] = []
    let unreadable = 0
    for (const { value } of records) {
      if (value === null) continue
      try {
        const result = await this.#readResult(value)
        if (isResult(result)) results.push(indexedResult(result, this.now()))
        else unreadable += 1
      } catch (error) {
        // A registry that is away is waited for: what follows cannot be read either.
        const isAway = error instanceof UserError && this.#options.registry !== undefined
        if (isAway) throw error
        // Anyone who may write results could name a schema: without a registry, that holds up no others.
        unreadable += 1
        if (error instanceof UserError) this.#noteUnreadable(error.message)
      }
    }
    return { results, unreadable }
  }

  #noteUnreadable(reason: string): void {
    if (this.#hasNotedUnreadable) return
    this.#hasNotedUnreadable = true
    this.#options.note(`some results cannot be read: ${reason}`)
  }

  /** Looks every few seconds whether brokers answer, which topics there are, and how far groups and index are. */
  async #watchCluster(): Promise<void> {
    const { kafka, log, signal } = this.#options
    while (!signal.aborted) {
      try {
        await withAdmin(kafka, log, async (admin) => {
          // The client asks for every topic that it was asked about, for good: one that is gone spoils what follows.
          while (!signal.aborted && (await this.#look(admin))) await pause(lookEveryMs, signal)
        })
        await pause(lookEveryMs, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#troubles.cluster = asError(error).message
        this.#lagTrouble(this.#troubles.cluster)
        this.#changed()
        await pause(lookEveryMs, signal)
      }
    }
  }

  /**
   * @returns whether all of it could be told
   * @throws {Error} when no broker answers
   */
  async #look(admin: KafkaAdmin): Promise<boolean> {
    const existing = new Set(await admin.listTopics())
    this.#troubles.cluster = undefined
    let isWhole = await this.#readLag(admin)
    const { topics } = this.#options.settings
    const followed = kinds.map((kind) => topics[kind])
    const hidden = await this.#findHidden(followed.filter((topic) => !existing.has(topic)))
    for (const topic of followed) {
      const absence = `Topic ${topic} does not exist: run "hooktide init".`
      if (existing.has(topic)) this.#troubles.find(topic, undefined)
      else if (!hidden.has(topic)) this.#troubles.find(topic, absence)
      else this.#troubles.find(topic, refusedReading(this.#options.kafka, topic))
    }
    for (const topic of [topics.results, topics.deadLetters]) {
      if (existing.has(topic)) isWhole = (await this.#measure(admin, topic)) && isWhole
    }
    this.#changed()
    return isWhole
  }

  /** One that was deleted a moment ago is found to be absent at the next look. */
  async #measure(admin: KafkaAdmin, topic: string): Promise<boolean> {
    const held = await admin.offsets(topic).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error
      this.#troubles.find(topic, error.message)
    })
    if (held === undefined) this.#held.delete(topic)
    else this.#held.set(topic, held)
    return held !== undefined
  }

  /** Where it cannot be read, such as without a right, it is not known, and everything else goes on. */
  async #readLag(admin: KafkaAdmin): Promise<boolean> {
    try {
      this.lag = await this.#lagReader.read(admin)
      const sample = { lag: sumOf(this.lag.live), waiting: sumOf(this.lag.retry) }
      this.index.addSample(sample, this.now())
      this.#lagTrouble(undefined)
      return true
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      this.#lagTrouble(error.message)
      return false
    }
  }

  #lagTrouble(reason: string | undefined): void {
    // What was true before would look like now.
    if (reason !== undefined) this.lag = undefined
    this.lagTrouble = reason
    this.#common('lag').onTrouble(reason)
  }
}

/** `undefined` until it is known where reading begins. */
function behindOf(
  positions: readonly Reached[],
  held: readonly PartitionRange[],
): number | undefined {
  if (positions.length === 0) return undefined
  const next = new Map(positions.map((one) => [one.partition, one.next]))
  const behind = held.map(({ partition, end, low }) =>
    Math.max(0, end - Math.max(low, next.get(partition) ?? 0)),
  )
  return behind.reduce((sum, one) => sum + one, 0)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal }).catch(() => undefined)
}
