/**
 * One member of one consumer group, under its sources: when it joins, what it keeps, what it fetches, and what proves it.
 *
 * States: idle -> joining -> joined -> joining (each rebalance) -> joined -> ... -> stopped. Records are handed over only
 * while joined. KafkaJS's own handler never sees a record: everything is taken over inside the fetch, where one look at
 * the positions' identity tells whether the records still belong to the assignment that they were fetched for.
 */
import type { Consumer } from 'kafkajs'
import { asError } from '../core/errors.ts'
import type { MonotonicMs } from '../core/model.ts'
import type { TopicPartition } from '../ports.ts'
import { createAssigner } from './kafka-assigner.ts'
import {
  createKafka,
  errorType,
  isRetriable,
  type KafkaLog,
  type KafkaSettings,
  messageOf,
  sleep,
  within,
} from './kafka-client.ts'
import {
  bindHooks,
  type FetchedBatch,
  forgetProof,
  type InnerGroup,
  type Positions,
  proofOf,
} from './kafka-patches.ts'
import { nextOffsetOf, offsetNumber } from './kafka-records.ts'

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

/** A generation that was joined. */
export interface Membership {
  readonly group: InnerGroup
  readonly memberId: string
  readonly generation: number
  readonly positions: Positions
  readonly partitions: readonly TopicPartition[]
  /** Where the previous generation stood with a partition that was kept; `undefined` when it was not kept. */
  keptFrom(partition: TopicPartition): { readonly next: number | undefined } | undefined
}

export interface MemberHandler {
  /** Membership is still valid, and a rejoin is due. */
  beforeRejoin(): Promise<void>
  /**
   * Sets the positions to start from. Tried again until it succeeds; what it resolves with is called when the membership
   * becomes the current one, before any record of it.
   */
  joined(membership: Membership): Promise<() => void>
  /** What a fetch brought. `next` is the offset behind it; there may be no message at all. */
  batch(batch: FetchedBatch, next: number): void
  /** The position was moved to `earliest`. `isGap`: records were removed before they were read. Else the log is shorter. */
  outOfRange(partition: TopicPartition, earliest: number, isGap: boolean): void
  failed(error: Error): void
}

export interface Member {
  /** Resolves once joined. */
  start(): Promise<void>
  current(): Membership | undefined
  provenAt(): MonotonicMs | undefined
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /** Leaves the group. Takes at most a few seconds, also when the broker is away. */
  stop(): Promise<void>
}

const stopLimitMs = 5000

export function createMember(options: MemberOptions, handler: MemberHandler): Member {
  const { groupId } = options
  /** What goes wrong while stopping is of no interest any more. */
  const log: KafkaLog = (level, message, fields) =>
    options.log(isStopped ? 'debug' : level, message, fields)
  const heartbeatMs = Math.min(1000, Math.floor(options.sessionTimeoutMs / 5))
  const firstJoin = Promise.withResolvers<void>()
  // A failure before anyone waits for it must not end the process by itself.
  firstJoin.promise.catch(() => undefined)
  const stopping = Promise.withResolvers<void>()
  let isStopped = false
  let hasFailed = false
  let current: Membership | undefined
  let joining: Promise<void> | undefined
  let resumed = Promise.withResolvers<void>()

  function fail(error: Error): void {
    if (isStopped || hasFailed) return
    hasFailed = true
    firstJoin.reject(error)
    handler.failed(error)
  }

  /** Repeats until it succeeds. Throws when it never can, or when the member was stopped. */
  async function persist<Result>(what: string, attempt: () => Promise<Result>): Promise<Result> {
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
      if (isStopped) throw new StoppedError('the member was stopped')
      try {
        return await attempt()
      } catch (error) {
        if (!isRetriable(error)) throw error
        log('warn', `${what} failed, trying again`, { groupId, error: messageOf(error) })
        await Promise.race([sleep(waitMs), stopping.promise])
      }
    }
  }

  /** Resolves with `work`, sending heartbeats meanwhile; earlier when the member turns out to be evicted or is stopped. */
  async function heartbeating(group: InnerGroup, work: Promise<void>): Promise<void> {
    const evicted = Promise.withResolvers<void>()
    const timer = setInterval(() => {
      const { coordinator, memberId, generationId } = group
      if (coordinator === null || memberId === null || generationId === null) return
      coordinator
        .heartbeat({ groupId, memberId, groupGenerationId: generationId })
        // REBALANCE_IN_PROGRESS is the usual answer here, and renews the session like any other.
        .catch((error: unknown) => {
          if (errorType(error) === 'UNKNOWN_MEMBER_ID') evicted.resolve()
        })
    }, heartbeatMs)
    try {
      await Promise.race([work, evicted.promise, stopping.promise])
    } finally {
      clearInterval(timer)
    }
  }

  async function join(group: InnerGroup, proceed: () => Promise<void>): Promise<void> {
    const previous = current
    // KafkaJS clears the member id when the broker does not know it any more, and a new group has none: nothing to save.
    if (previous?.group === group && group.memberId !== null) {
      const drained = (async () => handler.beforeRejoin())()
      await heartbeating(
        group,
        drained.catch((error: unknown) => fail(asError(error))),
      )
    }
    // A failed rejoin must not get back to KafkaJS: it would go on fetching with the old assignment.
    await persist('joining the group', proceed)
    const next = membershipOf(group, previous)
    const adopting = persist('adopting the assignment', () => handler.joined(next))
    await heartbeating(
      group,
      adopting.then(() => undefined),
    )
    const announce = await adopting
    if (previous !== undefined && previous.memberId !== next.memberId) {
      forgetProof(previous.memberId)
    }
    current = next
    announce()
    firstJoin.resolve()
  }

  async function fetch(
    group: InnerGroup,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]> {
    await joining
    if (isStopped) return []
    if (hasFailed) await within(stopping.promise, heartbeatMs, undefined)
    else if (areAllPaused(group)) await within(resumed.promise, heartbeatMs / 4, undefined)
    const positions = group.offsetManager
    const hasMovedOn = () => joining !== undefined || group.offsetManager !== positions
    try {
      const batches = await proceed()
      if (positions === null || hasMovedOn()) return []
      for (const batch of batches) if (!isStopped && !hasFailed) handOver(positions, batch)
    } catch (error) {
      // A rejoin from another broker's fetch changed the assignment under this one.
      if (!hasMovedOn()) throw error
    }
    return []
  }

  function handOver(positions: Positions, batch: FetchedBatch): void {
    const { topic, partition, fetchedOffset } = batch
    // Two brokers can answer for the same partition while its leader moves.
    if (positions.nextOffset(topic, partition).toString() !== fetchedOffset) return
    try {
      const next = nextOffsetOf(batch)
      if (batch.rawMessages.length === 0) return
      handler.batch(batch, next)
      positions.resolveOffset({ topic, partition, offset: String(next - 1) })
    } catch (error) {
      fail(asError(error))
    }
  }

  async function outOfRange(
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
    positions.resolveOffset({ topic, partition, offset: String(earliest - 1) })
    log('error', 'the offset to go on from does not exist; going on at the earliest', {
      groupId,
      topic,
      partition,
      offset: position,
      earliest,
    })
    handler.outOfRange({ topic, partition }, earliest, position < earliest)
  }

  const consumer = createConsumer({ ...options, log }, heartbeatMs, {
    claim: () => ({ owned: current?.partitions ?? [], generation: current?.generation ?? -1 }),
    created: (assigner) =>
      bindHooks(assigner, {
        join(group, proceed) {
          joining ??= join(group, proceed).finally(() => {
            joining = undefined
          })
          return joining
        },
        fetch,
        outOfRange,
      }),
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (isStopped) return
    log('warn', 'the consumer crashed', { groupId, error: payload.error.message })
    if (!payload.restart) fail(payload.error)
  })

  async function open(): Promise<void> {
    await consumer.connect()
    if (!isStopped) await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
    if (isStopped) return consumer.disconnect()
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: doNothing })
  }

  return {
    async start() {
      // Whoever stops the member while it still waits for the broker is not kept waiting.
      await Promise.race([open().then(() => firstJoin.promise), firstJoin.promise])
    },
    current: () => current,
    provenAt: () => (current === undefined ? undefined : proofOf(current.memberId)),
    pause: ({ topic, partition }) => current?.group.pause([{ topic, partitions: [partition] }]),
    resume({ topic, partition }) {
      current?.group.resume([{ topic, partitions: [partition] }])
      resumed.resolve()
      resumed = Promise.withResolvers()
    },
    async stop() {
      if (isStopped) return
      isStopped = true
      firstJoin.reject(new StoppedError('stopped before the group was joined'))
      stopping.resolve()
      resumed.resolve()
      const isGone = await within(
        consumer.disconnect().then(() => true),
        stopLimitMs,
        false,
      )
      if (!isGone) log('warn', 'the group could not be left in time', { groupId })
      if (current !== undefined) forgetProof(current.memberId)
    },
  }
}

function createConsumer(
  options: MemberOptions,
  heartbeatMs: number,
  assigner: {
    readonly claim: () => { readonly owned: readonly TopicPartition[]; readonly generation: number }
    readonly created: (assigner: object) => void
  },
): Consumer {
  return createKafka(options.settings, options.log, 'service').consumer({
    groupId: options.groupId,
    partitionAssigners: [createAssigner(assigner.claim, assigner.created)],
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

function membershipOf(group: InnerGroup, previous: Membership | undefined): Membership {
  const { memberId, generationId, offsetManager } = group
  if (memberId === null || generationId === null || offsetManager === null) {
    throw new Error('KafkaJS reported a join without a member id')
  }
  const partitions = group
    .assigned()
    .flatMap(({ topic, partitions: numbers }) => numbers.map((partition) => ({ topic, partition })))
  // The same generation again is a rejoin that the coordinator answered without a rebalance.
  const isContinued =
    previous?.memberId === memberId &&
    (generationId === previous.generation || generationId === previous.generation + 1)
  return {
    group,
    memberId,
    generation: generationId,
    positions: offsetManager,
    partitions,
    keptFrom({ topic, partition }) {
      const isKept =
        isContinued &&
        previous.partitions.some((one) => one.topic === topic && one.partition === partition)
      if (!isKept) return undefined
      const next = previous.positions.resolvedOffsets[topic]?.[partition]
      return { next: next === undefined ? undefined : offsetNumber(next) }
    },
  }
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

function doNothing(): Promise<void> {
  return Promise.resolve()
}
