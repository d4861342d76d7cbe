/** The `GroupSource` port on Kafka. */
import type { MonotonicMs } from '../../core/model/model.ts'
import type {
  AssignedPartition,
  CommitEntry,
  CommitOutcome,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../../ports.ts'
import type { MemberIdentity } from './assigner.ts'
import { FailureLog } from './failure-log.ts'
import { errorType, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { type FetchLimits, Member, type MemberHandler } from './member.ts'
import type { Membership } from './membership.ts'
import type { PartitionOffset, Positions, TopicOffsets } from './inner.ts'
import { inboundRecord, offsetNumber } from './records.ts'
import { within } from '../waiting.ts'

export interface GroupSourceOptions {
  readonly settings: KafkaSettings
  readonly groupId: string
  /** All must exist. Partitions without a committed offset are read from their beginning. */
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  /** Default: 2 MiB, of them 512 KiB of a partition. */
  readonly fetchLimits?: FetchLimits
  /** The longest time until partitions that were added to a topic are noticed. Default 30 s. */
  readonly metadataMaxAgeMs?: number
  /** How often the ends of paused partitions are requested. Default 5 s. */
  readonly endIntervalMs?: number
  /** The name of the process, for the description of the group. */
  readonly identity?: MemberIdentity
  readonly log: KafkaLog
}

/** A whole answer of a broker is decoded at once, and everything else waits meanwhile. */
export const usualFetchLimits: FetchLimits = {
  maxBytes: 2 * 1024 * 1024,
  maxBytesPerPartition: 512 * 1024,
}

/** A commit without an answer counts as `unavailable` after this time. */
const commitLimitMs = 5000

/** Errors of commits for a former generation. */
const staleTypes = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
])

export function createGroupSource(options: GroupSourceOptions): GroupSource {
  return new KafkaGroupSource(options)
}

class KafkaGroupSource implements GroupSource {
  readonly #options: GroupSourceOptions
  #member: Member | undefined
  /** The last state that the listener got. */
  #assigned: readonly AssignedPartition[] = []
  /** Settles when no commit is in flight. */
  #commits: Promise<unknown> = Promise.resolve()
  readonly #failures: FailureLog
  #endTimer: NodeJS.Timeout | undefined
  #isAskingEnds = false
  #hasWarnedOfMetadata = false

  constructor(options: GroupSourceOptions) {
    this.#options = options
    this.#failures = new FailureLog(options.log, { groupId: options.groupId })
  }

  start(listener: GroupListener): Promise<void> {
    const { fetchLimits = usualFetchLimits, metadataMaxAgeMs = 30_000 } = this.#options
    const { endIntervalMs = 5_000 } = this.#options
    this.#endTimer = setInterval(() => void this.#notifyEnds(listener), endIntervalMs).unref()
    this.#member = new Member(
      { ...this.#options, fetchLimits, metadataMaxAgeMs, maxWaitMs: 100 },
      this.#handlerFor(listener),
    )
    return this.#member.start()
  }

  pause(partition: TopicPartition): void {
    this.#member?.pause(partition)
  }

  resume(partition: TopicPartition): void {
    this.#member?.resume(partition)
  }

  provenAt(): MonotonicMs | undefined {
    return this.#member?.provenAt()
  }

  trouble(): string | undefined {
    return this.#member?.trouble()
  }

  async stop(): Promise<void> {
    clearInterval(this.#endTimer)
    await this.#member?.stop()
  }

  async commit(entries: readonly CommitEntry[]): Promise<CommitOutcome> {
    const membership = this.#member?.current()
    if (membership === undefined) return 'stale'
    if (entries.length === 0) return 'committed'
    const { partitions, positions } = membership
    // The broker accepts commits for any partition of the group. Only the assignment says which ones this member owns.
    if (!entries.every((entry) => partitions.some((one) => isSame(one, entry)))) return 'stale'
    let isGivenUp = false
    // One after the other, because an older commit that arrives after a newer one would move the offset back.
    const work = this.#commits.then(() =>
      isGivenUp ? undefined : this.#commitTo(positions, entries),
    )
    this.#commits = work.catch(() => undefined)
    try {
      const acknowledged = work.then((): CommitOutcome => 'committed')
      const outcome = await within<CommitOutcome, CommitOutcome>(
        acknowledged,
        commitLimitMs,
        'unavailable',
      )
      if (outcome === 'committed') this.#failures.succeeded('the commit')
      else this.#failures.failed('the commit', `no answer within ${commitLimitMs} ms`)
      return outcome
    } catch (error) {
      return this.#outcomeOf(error)
    } finally {
      isGivenUp = true
    }
  }

  /**
   * A broker may accept less metadata than is needed. Offsets without metadata lose nothing, but the next owner repeats what
   * was complete above them.
   */
  async #commitTo(positions: Positions, entries: readonly CommitEntry[]): Promise<void> {
    try {
      await positions.commitOffsets({ topics: commitTopics(entries) })
    } catch (error) {
      if (errorType(error) !== 'OFFSET_METADATA_TOO_LARGE') throw error
      if (!this.#hasWarnedOfMetadata) {
        const { groupId, log } = this.#options
        log(
          'warn',
          'the broker takes no metadata as long as that of commits, which are made without it: raise its offset.metadata.max.bytes to 4096',
          { groupId },
        )
      }
      this.#hasWarnedOfMetadata = true
      const bare = entries.map((entry) => ({ ...entry, metadata: '' }))
      await positions.commitOffsets({ topics: commitTopics(bare) })
    }
  }

  /**
   * A fetch reports the end of its partition. Paused partitions are not fetched, but the lag must include the backlog that
   * grows there. This answer does not include records of open transactions, because KafkaJS requests only committed ones.
   */
  async #notifyEnds(listener: GroupListener): Promise<void> {
    const membership = this.#member?.current()
    if (membership === undefined || this.#isAskingEnds) return
    const { group, partitions } = membership
    const paused = partitions.filter(({ topic, partition }) => group.isPaused(topic, partition))
    if (paused.length === 0) return
    this.#isAskingEnds = true
    try {
      const topics = grouped(paused, ({ partition }) => ({ partition }))
      const found = await group.cluster.fetchTopicsOffset(
        topics.map((wanted) => ({ ...wanted, fromBeginning: false })),
      )
      if (this.#member?.current() !== membership) return
      for (const { topic, partitions: ends } of found) {
        for (const { partition, offset } of ends) {
          listener.onEnd({ topic, partition }, offsetNumber(offset))
        }
      }
    } catch (error) {
      const { groupId, log } = this.#options
      log('debug', 'ends of paused partitions unknown', { groupId, error: messageOf(error) })
    } finally {
      this.#isAskingEnds = false
    }
  }

  #outcomeOf(error: unknown): CommitOutcome {
    const type = errorType(error)
    if (type !== undefined && staleTypes.has(type)) return 'stale'
    this.#failures.failed('the commit', messageOf(error))
    return 'unavailable'
  }

  #handlerFor(listener: GroupListener): MemberHandler {
    return {
      onRebalance: (mayLose) => listener.onRebalance(mayLose),
      beforeRejoin: () => listener.beforeRejoin(),
      joined: async (membership) => {
        const committed = await committedOffsets(membership)
        return () => {
          this.#assigned = committed.map((partition) => adopt(membership, partition))
          listener.onAssigned(this.#assigned)
        }
      },
      batch(batch, next) {
        const { topic, partition, highWatermark } = batch
        const records = batch.messages.map((message) => inboundRecord(batch, message))
        listener.onFetched(
          { topic, partition },
          { records, next, end: offsetNumber(highWatermark) },
        )
      },
      outOfRange: (partition, earliest, isGap) => {
        // Records before a gap are still in work, so the epoch continues. If the log has become shorter, the known offsets now
        // belong to other records.
        if (isGap) return
        const restarted = { isKept: false, committedOffset: earliest, committedMetadata: '' }
        this.#assigned = this.#assigned.map((one) =>
          isSame(one, partition) ? { ...partition, ...restarted } : { ...one, isKept: true },
        )
        listener.onAssigned(this.#assigned)
      },
      failed: (error) => listener.onFailed(error),
    }
  }
}

/** Sets where fetching continues: after the records that were handed over if the partition was kept, else at the commit. */
function adopt(membership: Membership, committed: CommittedPartition): AssignedPartition {
  const { topic, partition, committedOffset } = committed
  const kept = membership.keptFrom(committed)
  const next = kept?.next ?? committedOffset
  if (next !== undefined) {
    membership.positions.resolveOffset({ topic, partition, offset: String(next - 1) })
  }
  // KafkaJS keeps the pause of a partition that was lost and assigned again. The new epoch begins without a pause.
  if (kept === undefined) membership.group.resume([{ topic, partitions: [partition] }])
  return { ...committed, isKept: kept !== undefined }
}

type CommittedPartition = Omit<AssignedPartition, 'isKept'>

async function committedOffsets({
  group: { groupId },
  positions,
  partitions,
}: Membership): Promise<readonly CommittedPartition[]> {
  if (partitions.length === 0) return []
  const coordinator = await positions.getCoordinator()
  const topics = grouped(partitions, ({ partition }) => ({ partition }))
  const { responses } = await coordinator.offsetFetch({ groupId, topics })
  const found = new Map<string, PartitionOffset>()
  for (const { topic, partitions: offsets } of responses) {
    for (const offset of offsets) found.set(`${topic}/${offset.partition}`, offset)
  }
  return partitions.map(({ topic, partition }) => {
    const commit = found.get(`${topic}/${partition}`)
    const offset = offsetNumber(commit?.offset ?? '-1')
    return {
      topic,
      partition,
      committedOffset: offset < 0 ? undefined : offset,
      committedMetadata: commit?.metadata ?? '',
    }
  })
}

function commitTopics(entries: readonly CommitEntry[]): readonly TopicOffsets[] {
  return grouped(entries, ({ partition, offset, metadata }) => ({
    partition,
    offset: String(offset),
    metadata,
  }))
}

function grouped<Entry extends TopicPartition, Item>(
  entries: readonly Entry[],
  itemOf: (entry: Entry) => Item,
): { readonly topic: string; readonly partitions: Item[] }[] {
  const topics = Map.groupBy(entries, (entry) => entry.topic)
  return [...topics].map(([topic, list]) => ({ topic, partitions: list.map(itemOf) }))
}

function isSame(one: TopicPartition, other: TopicPartition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}
