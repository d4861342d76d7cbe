/**
 * The `TableSource` port on Kafka: all of a compacted topic, then its changes.
 *
 * KafkaJS can only read as a member of a group, so each source has a group of its own, which never commits. A crash leaves
 * the group behind, Empty; `sweepTables` removes it.
 */
import { randomBytes } from 'node:crypto'
import type { InboundRecord } from '../core/model.ts'
import type { TableSource, TopicPartition } from '../ports.ts'
import { createKafka, type KafkaLog, type KafkaSettings, messageOf } from './kafka-client.ts'
import { createMember, type Member, type Membership } from './kafka-member.ts'
import { inboundRecord, offsetNumber } from './kafka-records.ts'

export interface TableSourceOptions {
  readonly settings: KafkaSettings
  /** The processor's group. The table's own is `<group>.table.<instance>.<random>`. */
  readonly group: string
  readonly instance: string
  readonly topic: string
  readonly sessionTimeoutMs: number
  /** How long the first reading may take. Default 10 minutes. */
  readonly loadTimeoutMs?: number
  readonly log: KafkaLog
}

/** How far a partition has been read. */
interface Progress {
  /** Offset of the next record to apply. */
  next: number
  /** End offset when loading began. */
  readonly end: number
}

export function tableGroupPrefix(group: string): string {
  return `${group}.table.`
}

export function createTableSource(options: TableSourceOptions): TableSource {
  const { settings, topic, log } = options
  const suffix = randomBytes(4).toString('hex')
  const groupId = `${tableGroupPrefix(options.group)}${options.instance}.${suffix}`
  const progress = new Map<number, Progress>()
  const loaded = Promise.withResolvers<void>()
  let member: Member | undefined
  let report: (error: Error) => void = (error) => loaded.reject(error)
  let hasFailed = false

  function fail(error: Error): void {
    if (hasFailed) return
    hasFailed = true
    report(error)
  }

  /**
   * Goes on where the previous generation stood, and from the beginning with a partition seen for the first time. An end
   * before that point can only mean that the topic was deleted and created anew.
   */
  async function adopt({ group, partitions, positions }: Membership): Promise<void> {
    const [ends, starts] = await Promise.all(
      [false, true].map((fromBeginning) => offsetsOf(group.cluster, partitions, fromBeginning)),
    )
    for (const { partition } of partitions) {
      const end = ends?.get(partition) ?? 0
      const start = starts?.get(partition) ?? 0
      const known = progress.get(partition)
      if (known !== undefined && end < known.next)
        return fail(recreated(partition, known.next, end))
      const next = Math.max(known?.next ?? 0, start)
      progress.set(partition, { next, end: known?.end ?? end })
      positions.resolveOffset({ topic, partition, offset: String(next - 1) })
    }
  }

  function recreated(partition: number, read: number, end: number): Error {
    return new Error(
      `topic ${topic} was recreated: partition ${partition} had been read to offset ${read} and now ends at ${end}. ` +
        'Restart to read it anew.',
    )
  }

  function settleLoad(): void {
    if (hasFailed) return
    const isRead = [...progress.values()].every(({ next, end }) => next >= end)
    if (isRead && progress.size > 0) loaded.resolve()
  }

  function startMember(apply: (record: InboundRecord) => void): Member {
    return createMember(
      {
        settings,
        groupId,
        topics: [topic],
        sessionTimeoutMs: options.sessionTimeoutMs,
        maxBytesPerPartition: 1024 * 1024,
        maxWaitMs: 500,
        metadataMaxAgeMs: 30_000,
        log,
      },
      {
        beforeRejoin: () => Promise.resolve(),
        async joined(membership) {
          await adopt(membership)
          return settleLoad
        },
        batch(batch, next) {
          const partition = progress.get(batch.partition)
          if (partition === undefined || hasFailed) return
          for (const message of batch.messages) {
            // Whatever was read again is older than what was applied, and may have been replaced by it.
            if (offsetNumber(message.offset) < partition.next) continue
            apply(inboundRecord(batch, message))
          }
          partition.next = Math.max(partition.next, next)
          settleLoad()
        },
        outOfRange({ partition }, earliest, isGap) {
          const known = progress.get(partition)
          if (known === undefined) return
          if (!isGap) return fail(recreated(partition, known.next, earliest))
          known.next = earliest
          settleLoad()
        },
        failed: fail,
      },
    )
  }

  return {
    async start(apply, onFailed) {
      // A failure before anyone awaits it must not end the process by itself.
      loaded.promise.catch(() => undefined)
      member = startMember(apply)
      const limitMs = options.loadTimeoutMs ?? 600_000
      const timer = setTimeout(() => fail(slow(limitMs)), limitMs)
      try {
        await Promise.all([member.start(), loaded.promise])
        report = onFailed
      } finally {
        clearTimeout(timer)
      }
    },
    async stop() {
      await member?.stop()
      await deleteGroup()
    },
  }

  function slow(limitMs: number): Error {
    const behind = [...progress].filter(([, { next, end }]) => next < end)
    const where = behind.map(([partition, { next, end }]) => `${partition} at ${next} of ${end}`)
    return new Error(
      `topic ${topic} was not read within ${limitMs} ms (${where.join(', ') || 'group not joined'})`,
    )
  }

  /** Best effort: what stays is Empty and swept by the next start. */
  async function deleteGroup(): Promise<void> {
    const admin = createKafka(settings, log, 'command').admin()
    try {
      await admin.connect()
      await admin.deleteGroups([groupId])
    } catch (error) {
      log('debug', 'the table group could not be deleted', { groupId, error: messageOf(error) })
    } finally {
      await admin.disconnect()
    }
  }
}

async function offsetsOf(
  cluster: Membership['group']['cluster'],
  partitions: readonly TopicPartition[],
  fromBeginning: boolean,
): Promise<ReadonlyMap<number, number>> {
  const topic = partitions[0]?.topic
  if (topic === undefined) return new Map()
  const wanted = partitions.map(({ partition }) => ({ partition }))
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: wanted, fromBeginning }])
  return new Map(
    (found?.partitions ?? []).map(({ partition, offset }) => [partition, offsetNumber(offset)]),
  )
}
