/**
 * One member of one consumer group, under its sources: when it joins, what it keeps, what it fetches, and what proves it.
 *
 * States: idle -> joining -> joined -> joining (each rebalance) -> joined -> ... -> stopped. Records are handed over only
 * while joined. KafkaJS's own handler never sees a record: everything is taken over inside the fetch, where one look at
 * the positions' identity tells whether the records still belong to the assignment that they were fetched for.
 */
import type { Consumer, PartitionAssigner } from 'kafkajs'
import { asError } from '../../core/model/errors.ts'
import type { MonotonicMs } from '../../core/model/model.ts'
import { groupRight, topicRight } from './needed-rights.ts'
import type { TopicPartition } from '../../ports.ts'
import { FailureLog } from './failure-log.ts'
import { createAssigner } from './assigner.ts'
import { createKafka, isRetriable, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { isForAnotherNode } from './cluster.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Membership, membershipOf } from './membership.ts'
import type { FetchedBatch, InnerGroup, Positions } from './inner.ts'
import { bindHooks, forgetProof, type GroupHooks, proofOf } from './patches.ts'
import { conflictBy, joinError } from './foreign-members.ts'
import { RefusalWatch } from './refusal-watch.ts'
import { nextOffsetOf, offsetNumber } from './records.ts'
import { sleep, within } from '../waiting.ts'

export interface MemberOptions {
  readonly settings: KafkaSettings
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly maxBytesPerPartition: number
  /** How long a fetch waits for records; also how late a resumed partition is fetched again. */
  readonly maxWaitMs: number
  /** How late partitions that were added to a topic are noticed. */
  readonly metadataMaxAgeMs: number
  readonly log: KafkaLog
}

export interface MemberHandler {
  /** Membership is still valid, and a rejoin is due. */
  beforeRejoin(): Promise<void>
  /**
   * Sets the positions to start from. Tried again until it succeeds; what it resolves with is called when the membership
   * becomes the current one, before any record of it.
   */
  joined(membership: Membership): Promise<() => void>
  /** What a fetch brought, also when it is nothing. `next` is the offset behind it. */
  batch(batch: FetchedBatch, next: number): void
  /** The position was moved to `earliest`. `isGap`: records were removed before they were read. Else the log is shorter. */
  outOfRange(partition: TopicPartition, earliest: number, isGap: boolean): void
  failed(error: Error): void
}

const stopLimitMs = 5000
/** How long to wait before a fetch that was refused is tried again. */
const refusedMs = 1000
/** How long to wait after a fetch failed: until partitions have new leaders, every fetch fails. */
const refetchMs = 250
const stoppedFetchMs = 10

export class Member {
  readonly #options: MemberOptions
  readonly #handler: MemberHandler
  readonly #consumer: Consumer
  readonly #refusals: RefusalWatch
  readonly #heartbeatMs: number
  readonly #heartbeat: Heartbeat
  readonly #failures: FailureLog
  readonly #firstJoin = Promise.withResolvers<void>()
  readonly #stopping = Promise.withResolvers<void>()
  #resumed = Promise.withResolvers<void>()
  #isStopped = false
  #hasFailed = false
  #evicted = Promise.withResolvers<void>()
  #current: Membership | undefined
  /** Who else gets partitions of the group. */
  #conflict: string | undefined
  #joining: Promise<void> | undefined

  constructor(options: MemberOptions, handler: MemberHandler) {
    this.#options = options
    this.#handler = handler
    this.#heartbeatMs = Math.min(1000, Math.floor(options.sessionTimeoutMs / 5))
    this.#failures = new FailureLog(this.#log, this.#names())
    this.#heartbeat = new Heartbeat({
      intervalMs: this.#heartbeatMs,
      answerMs: Math.floor(options.sessionTimeoutMs / 3),
      log: (level, message, fields) => this.#log(level, message, { ...this.#names(), ...fields }),
      onEvicted: () => this.#evicted.resolve(),
      onRefused: (error) => {
        if (error === undefined) this.#refusals.granted('the membership')
        else void this.#refusals.isRefused('the membership', error)
      },
    })
    const { settings, groupId, topics } = options
    this.#refusals = new RefusalWatch({
      settings,
      rights: [groupRight('Read', groupId), ...topics.map((topic) => topicRight('Read', topic))],
      log: this.#log,
      fields: this.#names(),
    })
    // A failure before anyone waits for it must not end the process by itself.
    this.#firstJoin.promise.catch(() => undefined)
    this.#consumer = this.#createConsumer()
  }

  /** Resolves once joined. Rejects when that is impossible, or when the member is stopped first. */
  async start(): Promise<void> {
    const { promise } = this.#firstJoin
    // Whoever stops the member while it still waits for the broker is not kept waiting.
    await Promise.race([this.#open().then(() => promise), promise])
  }

  /** The generation that records are handed over for. */
  current(): Membership | undefined {
    return this.#current
  }

  /** When the newest acknowledged heartbeat or join was sent. */
  provenAt(): MonotonicMs | undefined {
    const { group, memberId } = this.#current ?? {}
    // KafkaJS takes the id away when the member has left, as before a restart, or when the broker does not know it.
    return memberId === undefined || group?.memberId !== memberId ? undefined : proofOf(memberId)
  }

  /** What Kafka refuses, or who takes records away; `undefined` when nothing and nobody does. */
  trouble(): string | undefined {
    return this.#refusals.trouble() ?? this.#conflict
  }

  pause({ topic, partition }: TopicPartition): void {
    this.#current?.group.pause([{ topic, partitions: [partition] }])
  }

  resume({ topic, partition }: TopicPartition): void {
    this.#current?.group.resume([{ topic, partitions: [partition] }])
    this.#resumed.resolve()
    this.#resumed = Promise.withResolvers()
  }

  /** Leaves the group. Takes at most a few seconds, also when the broker is away. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#firstJoin.reject(new StoppedError('stopped before the group was joined'))
    this.#stopping.resolve()
    this.#resumed.resolve()
    this.#heartbeat.stop()
    const leaving = this.#consumer.disconnect().then(() => true)
    const isGone = await within(leaving, stopLimitMs, false)
    if (!isGone) this.#options.log('warn', 'the group could not be left in time', this.#names())
    if (this.#current !== undefined) forgetProof(this.#current.memberId)
  }

  /** What goes wrong while stopping is of no interest any more. */
  readonly #log: KafkaLog = (level, message, fields) =>
    this.#options.log(this.#isStopped ? 'debug' : level, message, fields)

  #names(): { readonly groupId: string } {
    return { groupId: this.#options.groupId }
  }

  #createConsumer(): Consumer {
    const hooks: GroupHooks = {
      join: (group, proceed) => {
        this.#joining ??= this.#join(group, proceed).finally(() => {
          this.#joining = undefined
        })
        return this.#joining
      },
      fetch: (group, proceed) => this.#fetch(group, proceed),
      outOfRange: (group, partition) => this.#outOfRange(group, partition),
      heartbeat: () => this.#checkHeartbeat(),
      recover: (group, error, proceed) => this.#recover(group, error, proceed),
    }
    const assigner = createAssigner(
      () => ({
        owned: this.#current?.partitions ?? [],
        generation: this.#current?.generation ?? -1,
      }),
      (created) => bindHooks(created, hooks),
    )
    const options = { ...this.#options, log: this.#log }
    const consumer = createConsumer(options, this.#heartbeatMs, assigner)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (this.#isStopped) return
      const error = payload.error.message
      this.#log('warn', 'the consumer crashed', { ...this.#names(), error })
      // It is a member no longer, even where it could not say so.
      this.#heartbeat.stop()
      if (!payload.restart) this.#fail(payload.error)
    })
    return consumer
  }

  async #open(): Promise<void> {
    const topics = [...this.#options.topics]
    await this.#consumer.connect()
    if (!this.#isStopped) await this.#consumer.subscribe({ topics, fromBeginning: true })
    if (this.#isStopped) return this.#consumer.disconnect()
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // Never called: `#fetch` keeps everything to itself.
      eachBatch: () => Promise.resolve(),
    })
  }

  #fail(error: Error): void {
    if (this.#isStopped || this.#hasFailed) return
    this.#hasFailed = true
    this.#firstJoin.reject(error)
    this.#handler.failed(error)
  }

  async #join(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    const previous = this.#current
    // KafkaJS clears the member id when the broker does not know it any more, and a new group has none: nothing to save.
    if (previous?.group === group && group.memberId !== null) {
      const drained = (async () => this.#handler.beforeRejoin())()
      await this.#unlessEvicted(drained.catch((error: unknown) => this.#fail(asError(error))))
    }
    // A failed rejoin must not get back to KafkaJS: it would go on fetching with the old assignment.
    await this.#enter(group, proceed)
    await this.#noteConflict(group)
    this.#refusals.granted('the membership')
    this.#evicted = Promise.withResolvers()
    this.#heartbeat.follow(group)
    const next = membershipOf(group, previous)
    const adopting = this.#persist('adopting the assignment', () => this.#handler.joined(next))
    await this.#unlessEvicted(adopting.then(() => undefined))
    const announce = await adopting
    if (previous !== undefined && previous.memberId !== next.memberId) {
      forgetProof(previous.memberId)
    }
    this.#current = next
    announce()
    this.#firstJoin.resolve()
  }

  /** Why a group cannot be joined is found out at once: a rejoin has nobody else who would tell of it. */
  async #enter(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    try {
      await this.#persist('joining the group', proceed)
    } catch (error) {
      if (this.#isStopped) throw error
      const refusal = await joinError(group.cluster, group.groupId, error)
      this.#fail(refusal)
      throw refusal
    }
  }

  /**
   * A group of the consumer protocol has no leader, and may have members of other programs, which get partitions. What is
   * left for this member goes on: to end would leave all records to them.
   */
  async #noteConflict({ leaderId, cluster, groupId }: InnerGroup): Promise<void> {
    const isShared = leaderId === ''
    const unknown = `Group ${groupId} is not a classic one, and its members could not be listed`
    const conflict = isShared ? await conflictBy(cluster, groupId).catch(() => unknown) : undefined
    if (conflict !== undefined && conflict !== this.#conflict) {
      this.#log('error', 'another program takes records of the group', {
        ...this.#names(),
        error: conflict,
      })
    }
    this.#conflict = conflict
  }

  /** Repeats until it succeeds. Throws when it never can, or when the member was stopped. */
  async #persist<Result>(what: string, attempt: () => Promise<Result>): Promise<Result> {
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
      if (this.#isStopped) throw new StoppedError('the member was stopped')
      try {
        const result = await attempt()
        this.#failures.succeeded(what)
        return result
      } catch (error) {
        if (!(await this.#refusals.isRefused('the membership', error)) && !isRetriable(error))
          throw error
        this.#failures.failed(what, messageOf(error))
        await Promise.race([sleep(waitMs), this.#stopping.promise])
      }
    }
  }

  /** Resolves with `work`; earlier when the member turns out to be evicted or is stopped. */
  async #unlessEvicted(work: Promise<void>): Promise<void> {
    await Promise.race([work, this.#evicted.promise, this.#stopping.promise])
  }

  /** Tells KafkaJS what the coordinator refused heartbeats with: it rejoins then. */
  #checkHeartbeat(): Promise<void> {
    const refusal = this.#heartbeat.takeRefusal()
    return refusal === undefined ? Promise.resolve() : Promise.reject(refusal)
  }

  /**
   * A node that is gone, or leads a partition no longer, is no reason to join anew, which would make all members stand
   * still, nor to stop fetching from the others.
   */
  async #recover(group: InnerGroup, error: unknown, proceed: () => Promise<void>): Promise<void> {
    if (!isForAnotherNode(error)) return await proceed()
    this.#log('debug', 'a fetch failed', { ...this.#names(), error: messageOf(error) })
    await Promise.race([sleep(refetchMs), this.#stopping.promise])
    // When that fails too, so does the next fetch.
    if (!this.#isStopped) await group.cluster.refreshMetadata().catch(() => undefined)
  }

  async #fetch(
    group: InnerGroup,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]> {
    await this.#joining
    if (this.#isStopped) {
      // KafkaJS comes back at once until it is stopped too, and would let nothing else run.
      await sleep(stoppedFetchMs)
      return []
    }
    if (this.#hasFailed) await within(this.#stopping.promise, this.#heartbeatMs, undefined)
    else if (areAllPaused(group)) {
      await within(this.#resumed.promise, this.#heartbeatMs / 4, undefined)
    }
    const positions = group.offsetManager
    const hasMovedOn = () => this.#joining !== undefined || group.offsetManager !== positions
    try {
      const batches = await proceed()
      this.#refusals.granted('reading')
      if (positions === null || hasMovedOn()) return []
      for (const batch of batches) this.#handOver(positions, batch)
    } catch (error) {
      // A rejoin from another broker's fetch changed the assignment under this one.
      if (hasMovedOn()) return []
      if (!(await this.#refusals.isRefused('reading', error))) throw error
      await within(this.#stopping.promise, refusedMs, undefined)
    }
    return []
  }

  #handOver(positions: Positions, batch: FetchedBatch): void {
    const { topic, partition, fetchedOffset } = batch
    if (this.#isStopped || this.#hasFailed) return
    // Two brokers can answer for the same partition while its leader moves.
    if (positions.nextOffset(topic, partition).toString() !== fetchedOffset) return
    try {
      const next = nextOffsetOf(batch)
      this.#tellUnreadable(batch)
      this.#handler.batch(batch, next)
      if (batch.rawMessages.length === 0) return
      positions.resolveOffset({ topic, partition, offset: String(next - 1) })
    } catch (error) {
      this.#fail(asError(error))
    }
  }

  #tellUnreadable({ topic, partition, rawMessages }: FetchedBatch): void {
    for (const { offset, unreadable } of rawMessages) {
      if (unreadable === undefined) continue
      const fields = { topic, partition, offset, ...unreadable }
      this.#log('error', 'a batch cannot be read and counts as one empty record', fields)
    }
  }

  async #outOfRange(
    group: InnerGroup,
    { topic, partition }: { topic: string; partition: number },
  ): Promise<void> {
    const positions = group.offsetManager
    if (positions === null) return
    const [found] = await group.cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ])
    const earliest = offsetNumber(found?.partitions[0]?.offset ?? '0')
    const position = offsetNumber(positions.nextOffset(topic, partition).toString())
    if (group.offsetManager !== positions || position === earliest) return
    // A rejoin is under way, on another broker's fetch loop: what it brings is met by the next fetch.
    if (this.#joining !== undefined) return
    positions.resolveOffset({ topic, partition, offset: String(earliest - 1) })
    const fields = { ...this.#names(), topic, partition, offset: position, earliest }
    this.#log('error', 'the offset to go on from does not exist; going on at the earliest', fields)
    this.#handler.outOfRange({ topic, partition }, earliest, position < earliest)
  }
}

function createConsumer(
  options: MemberOptions,
  heartbeatMs: number,
  assigner: PartitionAssigner,
): Consumer {
  return createKafka(options.settings, options.log, 'service').consumer({
    groupId: options.groupId,
    partitionAssigners: [assigner],
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: Math.max(10_000, options.sessionTimeoutMs),
    heartbeatInterval: heartbeatMs,
    maxBytesPerPartition: options.maxBytesPerPartition,
    maxWaitTimeInMs: options.maxWaitMs,
    metadataMaxAge: options.metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { retries: 1000, initialRetryTime: 100, maxRetryTime: 2000 },
  })
}

function areAllPaused(group: InnerGroup): boolean {
  return group
    .assigned()
    .every(({ topic, partitions }) => partitions.every((one) => group.isPaused(topic, one)))
}

/** Ends KafkaJS's own retrying, which looks at `retriable`. */
class StoppedError extends Error {
  readonly retriable = false
}
