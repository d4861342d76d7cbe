/**
 * The `TableSource` port on Kafka: all of a compacted topic, then its changes.
 *
 * KafkaJS can only read as a member of a group, so each source has a group of its own, which never commits. A crash leaves
 * the group behind, Empty; `sweepTables` removes it.
 */
import { randomBytes } from 'node:crypto'
import { tableGroupPrefix } from '../../core/group-names.ts'
import type { InboundRecord } from '../../core/model.ts'
import type { TableSource } from '../../ports.ts'
import { createKafka, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { fetchOffsets } from './cluster.ts'
import { Member, type MemberHandler } from './member.ts'
import type { Membership } from './membership.ts'
import type { FetchedBatch, FetchedMessage, InnerGroup } from './inner.ts'
import { inboundRecord, offsetNumber } from './records.ts'
import { topicIdOf } from './topic-id.ts'

export interface TableSourceOptions {
  readonly settings: KafkaSettings
  /** The processor's group. The table's own is `<group>.table.<instance>.<random>`. */
  readonly group: string
  readonly instance: string
  readonly topic: string
  /** The setting that names the topic, for those who have to name another. */
  readonly setting: string
  readonly sessionTimeoutMs: number
  /** How long the first reading may take. Default 10 minutes. */
  readonly loadTimeoutMs?: number
  /** How often to look whether the topic is still the one that was read. Default 5 seconds. */
  readonly checkMs?: number
  readonly log: KafkaLog
}

/** How far a partition has been read. */
interface Progress {
  /** Offset of the next record to apply. */
  next: number
  /** End offset when loading began. */
  readonly end: number
}

export function createTableSource(options: TableSourceOptions): TableSource {
  return new KafkaTableSource(options)
}

class KafkaTableSource implements TableSource {
  readonly #options: TableSourceOptions
  readonly #groupId: string
  readonly #progress = new Map<number, Progress>()
  readonly #loaded = Promise.withResolvers<void>()
  /** Of the topic that was read first; `undefined` where brokers give none. */
  #topicId: string | undefined
  #checking: NodeJS.Timeout | undefined
  #member: Member | undefined
  #report = (error: Error): void => this.#loaded.reject(error)
  #hasFailed = false

  constructor(options: TableSourceOptions) {
    this.#options = options
    const suffix = randomBytes(4).toString('hex')
    this.#groupId = `${tableGroupPrefix(options.group)}${options.instance}.${suffix}`
    // A failure before anyone waits for it must not end the process by itself.
    this.#loaded.promise.catch(() => undefined)
  }

  async start(
    apply: (record: InboundRecord) => void,
    onFailed: (error: Error) => void,
  ): Promise<void> {
    const { loadTimeoutMs = 600_000, checkMs = 5_000, topic } = this.#options
    const { settings, sessionTimeoutMs, log } = this.#options
    this.#member = new Member(
      {
        settings,
        groupId: this.#groupId,
        topics: [topic],
        sessionTimeoutMs,
        maxBytesPerPartition: 1024 * 1024,
        maxWaitMs: 500,
        metadataMaxAgeMs: 30_000,
        log,
      },
      this.#handlerFor(apply),
    )
    this.#checking = setInterval(() => void this.#check(), checkMs)
    const timer = setTimeout(() => this.#fail(this.#slow(loadTimeoutMs)), loadTimeoutMs)
    try {
      await Promise.all([this.#member.start(), this.#loaded.promise])
      this.#report = onFailed
    } finally {
      clearTimeout(timer)
    }
  }

  trouble(): string | undefined {
    return this.#member?.trouble()
  }

  async stop(): Promise<void> {
    clearInterval(this.#checking)
    await this.#member?.stop()
    await this.#deleteGroup()
  }

  #handlerFor(apply: (record: InboundRecord) => void): MemberHandler {
    return {
      beforeRejoin: () => Promise.resolve(),
      joined: async (membership) => {
        await this.#adopt(membership)
        return () => this.#settleLoad()
      },
      batch: (batch, next) => {
        const partition = this.#progress.get(batch.partition)
        if (partition === undefined || this.#hasFailed) return
        for (const message of batch.messages) {
          // Whatever was read again is older than what was applied, and may have been replaced by it.
          if (offsetNumber(message.offset) < partition.next) continue
          if (message.unreadable !== undefined) return this.#fail(this.#unreadable(batch, message))
          apply(inboundRecord(batch, message))
        }
        partition.next = Math.max(partition.next, next)
        this.#settleLoad()
      },
      outOfRange: ({ partition }, earliest, isGap) => {
        const known = this.#progress.get(partition)
        if (known === undefined) return
        if (!isGap) return this.#fail(this.#recreated(partition, known.next, earliest))
        known.next = earliest
        this.#settleLoad()
      },
      failed: (error) => this.#fail(error),
    }
  }

  /**
   * Goes on where the previous generation stood, and from the beginning with a partition seen for the first time. An end
   * before that point can only mean that the topic was deleted and created anew, as another id does.
   */
  async #adopt({ group, partitions, positions }: Membership): Promise<void> {
    // Before the offsets: of a topic that is recreated meanwhile, the next look finds the id changed.
    await this.#compareId(group)
    const numbers = partitions.map(({ partition }) => partition)
    const fetch = (fromBeginning: boolean) =>
      fetchOffsets(group.cluster, this.#options.topic, numbers, { fromBeginning })
    const [ends, starts] = await Promise.all([fetch(false), fetch(true)])
    for (const { topic, partition } of partitions) {
      const end = ends.get(partition) ?? 0
      const known = this.#progress.get(partition)
      if (known !== undefined && end < known.next) {
        return this.#fail(this.#recreated(partition, known.next, end))
      }
      const next = Math.max(known?.next ?? 0, starts.get(partition) ?? 0)
      this.#progress.set(partition, { next, end: known?.end ?? end })
      positions.resolveOffset({ topic, partition, offset: String(next - 1) })
    }
  }

  /**
   * A topic that was deleted and has grown anew past the point read to gives no other sign: it would be read on from
   * there, with the hooks of the former one in the table and the first ones of the new one missing.
   */
  async #check(): Promise<void> {
    const membership = this.#member?.current()
    if (membership === undefined) return
    try {
      await this.#compareId(membership.group)
    } catch (error) {
      const { topic, log } = this.#options
      log('debug', 'the topic id could not be read', { topic, error: messageOf(error) })
    }
  }

  async #compareId(group: InnerGroup): Promise<void> {
    const { topic } = this.#options
    const id = await topicIdOf(group, topic)
    this.#topicId ??= id
    if (id === undefined || id === this.#topicId) return
    this.#fail(
      new Error(
        `topic ${topic} was recreated: what was read is of a former topic of that name. Restart to read it anew.`,
      ),
    )
  }

  #settleLoad(): void {
    if (this.#hasFailed || this.#progress.size === 0) return
    const isRead = [...this.#progress.values()].every(({ next, end }) => next >= end)
    if (isRead) this.#loaded.resolve()
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#report(error)
  }

  #recreated(partition: number, read: number, end: number): Error {
    return new Error(
      `topic ${this.#options.topic} was recreated: partition ${partition} had been read to offset ${read} ` +
        `and now ends at ${end}. Restart to read it anew.`,
    )
  }

  /** Nobody knows whose records these are: whoever went on without them would lose events for want of a hook. */
  #unreadable({ partition }: FetchedBatch, { offset, unreadable }: FetchedMessage): Error {
    const { records, reason } = unreadable ?? {}
    return new Error(
      `topic ${this.#options.topic}: records up to offset ${offset} of partition ${partition}, ${records} in number, ` +
        `cannot be read (${reason}). Write all there is to a new topic and name that in ${this.#options.setting}.`,
    )
  }

  #slow(limitMs: number): Error {
    const behind = [...this.#progress].filter(([, { next, end }]) => next < end)
    const where = behind.map(([partition, { next, end }]) => `${partition} at ${next} of ${end}`)
    return new Error(
      `topic ${this.#options.topic} was not read within ${limitMs} ms ` +
        `(${where.join(', ') || 'group not joined'})`,
    )
  }

  /** Best effort: what stays is Empty and swept by the next start. */
  async #deleteGroup(): Promise<void> {
    const { settings, log } = this.#options
    const admin = createKafka(settings, log, 'command').admin()
    try {
      await admin.connect()
      await admin.deleteGroups([this.#groupId])
    } catch (error) {
      const fields = { groupId: this.#groupId, error: messageOf(error) }
      log('debug', 'the table group could not be deleted', fields)
    } finally {
      await admin.disconnect()
    }
  }
}
