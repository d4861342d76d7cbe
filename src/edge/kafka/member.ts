/**
 * One member of one consumer group. `member-state.ts` has its states. `member-joining.ts` and `member-fetching.ts` have what
 * it does in them, and KafkaJS calls these through `patches.ts`.
 */
import type { Consumer, PartitionAssigner } from 'kafkajs'
import type { MonotonicMs } from '../../core/model/model.ts'
import type { TopicPartition } from '../../ports.ts'
import { within } from '../waiting.ts'
import { createAssigner, type MemberIdentity } from './assigner.ts'
import { createKafka, type KafkaLog, type KafkaSettings } from './client.ts'
import { Heartbeat } from './heartbeat.ts'
import { type FetchHandler, MemberFetching } from './member-fetching.ts'
import { type JoinHandler, MemberJoining } from './member-joining.ts'
import { type MemberContext, MemberLife } from './member-life.ts'
import type { Membership } from './membership.ts'
import { groupRight, topicRight } from './needed-rights.ts'
import { bindHooks, forgetProof, type GroupHooks, proofOf } from './patches.ts'
import { RefusalWatch } from './refusal-watch.ts'

/** How many bytes a fetch returns at most. A first batch that is larger is returned nevertheless (KIP-74). */
export interface FetchLimits {
  /** Of one broker. KafkaJS asks for partitions in random order, so each has its turn. */
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}

export interface MemberOptions {
  readonly settings: KafkaSettings
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly fetchLimits: FetchLimits
  /** How long a fetch waits for records, and so the longest time until a resumed partition is fetched again. */
  readonly maxWaitMs: number
  /** The longest time until partitions that were added to a topic are noticed. */
  readonly metadataMaxAgeMs: number
  readonly identity?: MemberIdentity
  readonly log: KafkaLog
}

export interface MemberHandler extends JoinHandler, FetchHandler {
  /** The member cannot go on, and the process must end. Called at most once. */
  failed(error: Error): void
}

/**
 * The longest time between two heartbeats. A member learns of a rebalance from the answer to one, and until all members have
 * rejoined, nobody has the partitions of a member that left.
 */
const maxHeartbeatMs = 500
/** How long leaving the group may take. */
const stopLimitMs = 5000

export class Member {
  readonly #options: MemberOptions
  readonly #context: MemberContext
  readonly #heartbeatMs: number
  readonly #heartbeat: Heartbeat
  readonly #joining: MemberJoining
  readonly #fetching: MemberFetching
  readonly #consumer: Consumer

  constructor(options: MemberOptions, handler: MemberHandler) {
    const { settings, groupId, topics } = options
    const life = new MemberLife((error) => handler.failed(error))
    // Nobody has to act on errors of a member that stops.
    const log: KafkaLog = (level, message, fields) =>
      options.log(life.isStopped ? 'debug' : level, message, fields)
    const fields = { groupId }
    const rights = [
      groupRight('Read', groupId),
      ...topics.map((topic) => topicRight('Read', topic)),
    ]
    const refusals = new RefusalWatch({ settings, rights, log, fields })
    this.#options = options
    this.#context = { life, refusals, log, fields }
    this.#heartbeatMs = Math.min(maxHeartbeatMs, Math.floor(options.sessionTimeoutMs / 5))
    this.#heartbeat = this.#createHeartbeat()
    this.#joining = new MemberJoining(this.#context, handler, this.#heartbeat)
    this.#fetching = new MemberFetching(this.#context, handler, this.#heartbeatMs)
    this.#consumer = this.#createConsumer()
  }

  /** Resolves once joined. Rejects when that is impossible, or when the member is stopped first. */
  async start(): Promise<void> {
    const { firstJoin } = this.#context.life
    // The second `firstJoin` rejects as soon as the member is stopped, even if it still waits for a broker.
    await Promise.race([this.#open().then(() => firstJoin), firstJoin])
  }

  /** The newest generation that was joined. Only records of it are handed over. */
  current(): Membership | undefined {
    return this.#context.life.membership
  }

  /** When the newest acknowledged heartbeat or join was sent. */
  provenAt(): MonotonicMs | undefined {
    const { group, memberId } = this.current() ?? {}
    // KafkaJS clears the id when the member has left, as before a restart, or when the broker does not know it.
    return memberId === undefined || group?.memberId !== memberId ? undefined : proofOf(memberId)
  }

  /** What Kafka refuses, or which other program takes records; `undefined` when all is well. */
  trouble(): string | undefined {
    return this.#context.refusals.trouble() ?? this.current()?.conflict
  }

  pause({ topic, partition }: TopicPartition): void {
    this.current()?.group.pause([{ topic, partitions: [partition] }])
  }

  resume({ topic, partition }: TopicPartition): void {
    this.current()?.group.resume([{ topic, partitions: [partition] }])
    this.#fetching.wake()
  }

  /** Leaves the group. Takes at most five seconds, even if the broker is away. */
  async stop(): Promise<void> {
    const { life, fields } = this.#context
    if (life.isStopped) return
    const isJoining = life.join !== undefined
    life.stop()
    this.#fetching.wake()
    this.#heartbeat.stop()
    const membership = this.current()
    // After a join that is under way, KafkaJS leaves. If the member left before, the join would be refused, and KafkaJS would
    // join once more as a new member.
    const leaving = isJoining ? Promise.resolve(false) : leave(membership)
    const ended = leaving.then(() => this.#consumer.disconnect()).then(() => true)
    const hasLeft = (await within(ended, stopLimitMs, false)) || (await within(leaving, 0, false))
    if (!hasLeft) this.#options.log('warn', 'the group could not be left in time', fields)
    if (membership !== undefined) forgetProof(membership.memberId)
  }

  #createHeartbeat(): Heartbeat {
    const { refusals, log, fields } = this.#context
    return new Heartbeat({
      intervalMs: this.#heartbeatMs,
      answerMs: Math.floor(this.#options.sessionTimeoutMs / 3),
      log,
      fields,
      onRebalance: () => this.#joining.prepare(),
      onRefused: (error) => {
        if (error === undefined) refusals.granted('the membership')
        else void refusals.isRefused('the membership', error)
      },
    })
  }

  #createConsumer(): Consumer {
    const { life, log, fields } = this.#context
    const hooks: GroupHooks = {
      join: (group, proceed) => this.#joining.join(group, proceed),
      fetch: (group, nodeId, proceed) => this.#fetching.fetch(group, nodeId, proceed),
      outOfRange: (group, partition) => this.#fetching.outOfRange(group, partition),
      heartbeat: () => this.#checkHeartbeat(),
      recover: (group, error, proceed) => this.#fetching.recover(group, error, proceed),
    }
    const assigner = createAssigner(
      () => ({
        owned: this.current()?.partitions ?? [],
        generation: this.current()?.generation ?? -1,
      }),
      (created) => bindHooks(created, hooks),
      this.#options.identity,
    )
    const consumer = createConsumer({ ...this.#options, log }, this.#heartbeatMs, assigner)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (life.isStopped) return
      log('warn', 'the consumer crashed', { ...fields, error: payload.error.message })
      // Even if it could not leave the group, it is no longer a member.
      this.#heartbeat.stop()
      if (!payload.restart) life.fail(payload.error)
    })
    return consumer
  }

  async #open(): Promise<void> {
    const { life } = this.#context
    const topics = [...this.#options.topics]
    await this.#consumer.connect()
    if (!life.isStopped) await this.#consumer.subscribe({ topics, fromBeginning: true })
    if (life.isStopped) return this.#consumer.disconnect()
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // Never called, because `fetch` returns no batch to KafkaJS.
      eachBatch: () => Promise.resolve(),
    })
  }

  /** Rejects if the coordinator has refused a heartbeat, with its error. KafkaJS then rejoins. */
  #checkHeartbeat(): Promise<void> {
    const refusal = this.#heartbeat.takeRefusal()
    return refusal === undefined ? Promise.resolve() : Promise.reject(refusal)
  }
}

/**
 * Leaves the group at once. KafkaJS itself leaves only when its fetches have ended, and these wait for records. Until a member
 * has left, nobody else gets its partitions.
 *
 * @returns whether it has left. Never rejects
 */
function leave(membership: Membership | undefined): Promise<boolean> {
  if (membership === undefined) return Promise.resolve(false)
  return membership.group.leave().then(
    () => true,
    () => false,
  )
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
    ...options.fetchLimits,
    maxWaitTimeInMs: options.maxWaitMs,
    metadataMaxAge: options.metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { retries: 1000, initialRetryTime: 100, maxRetryTime: 2000 },
  })
}
