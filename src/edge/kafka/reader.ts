/**
 * Reads a topic for commands, without a consumer group: from a given start, either to the present end or until it is
 * stopped.
 */
import { asError, UserError } from '../../core/model/errors.ts'
import { Merge } from '../../core/collections/merge.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import { topicRight } from './needed-rights.ts'
import { errorType, isRetriable, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { clusterOf, fetchOffsets, type OffsetsAt } from './cluster.ts'
import { type Found, Idleness } from './idleness.ts'
import type { InnerCluster } from './inner.ts'
import { byLeader, fetchFromLeader, type Position } from './leader-fetch.ts'
import { inboundRecord, nextOffsetOf, offsetNumber } from './records.ts'
import {
  loginRefusal,
  opening,
  passingFailure,
  rightRefusal,
  RightsError,
  unreachable,
} from './refusals.ts'
import type { ConnectionFault } from './security.ts'
import { topicIdOf } from './topic-id.ts'
import { sleep, within } from '../waiting.ts'

export type ReadFrom = 'earliest' | 'latest' | { readonly time: EpochMs }

/**
 * Ranges of some partitions, of the topic with that id if one is given. A reader that follows the topic must name all partitions,
 * because new ones are read from 0.
 */
export interface PartitionReaches {
  readonly topicId?: string | undefined
  readonly reaches: readonly PartitionReach[]
}

interface PartitionReach {
  readonly partition: number
  /** Offset to begin at. */
  readonly next: number
  /** Offset to stop before. Ignored by a reader that follows the topic. */
  readonly end: number
}

export interface ReadOptions {
  readonly settings: KafkaSettings
  readonly topic: string
  readonly from: ReadFrom | PartitionReaches
  /** False: reading ends where the topic ended when it began. */
  readonly isFollowing: boolean
  /**
   * Only for reading to the end: the records of all partitions are ordered by the time of their writing. One fetch of each
   * partition is held in memory, and partitions that are ahead are not read further.
   */
  readonly isByTime?: boolean
  /** Stops the reading. */
  readonly signal: AbortSignal
  readonly log: KafkaLog
  /** The topic exists, and the start offsets are known. */
  readonly onStart?: () => void
  /** A fetch was answered: records of the topic may be read. */
  readonly onFetched?: () => void
  /** This many offsets were removed before they could be read, most often by retention. */
  readonly onRemoved?: (count: number) => void
  /**
   * What is before these offsets was read, and its last records were none to return: ends of transactions, or what an
   * aborted one wrote. Not called when records are ordered by time.
   */
  readonly onPassed?: (reached: readonly Position[]) => Promise<void> | void
  /** How often a reader that follows checks whether the topic was recreated. Default 5 seconds. */
  readonly checkMs?: number
}

/** The topic was deleted and created again: positions and records that were read are those of the former one. */
export class RecreatedError extends UserError {}

interface Reach extends Position {
  /** Where reading ends. */
  readonly end: number
}

/** How long a fetch waits for records. `signal` is checked after it. */
const fetchWaitMs = 250
const connectLimitMs = 10_000
/** Failures that last longer end the reading. The time for a reader that follows is longer than a broker's restart. */
const giveUpMs = { once: 10_000, following: 60_000 }
/** Quotas cover the last eleven seconds by default. A batch that was not allowed within that time never will be. */
const heldBackMs = 60_000
const retryMs = 250
/** How often new partitions are looked for. */
const refreshMs = 30_000

/**
 * The records: those of one partition in order, and those of different partitions roughly by time.
 *
 * @throws UserError when the topic does not exist, no broker answers for too long, or a followed topic was recreated
 */
export async function* readTopic(options: ReadOptions): AsyncGenerator<readonly InboundRecord[]> {
  const { settings, topic, isFollowing, signal } = options
  let onFault: (fault: ConnectionFault) => void = () => undefined
  const cluster = clusterOf(settings, options.log, (fault) => onFault(fault))
  try {
    const connected = await explaining(options, () =>
      opening(
        settings,
        (report) => {
          onFault = report
          return within(connect(cluster, topic), connectLimitMs, 'late')
        },
        unreadable(topic),
      ),
    )
    if (connected === 'late') throw unreachable(settings, 'no answer')
    const positions = await explaining(options, () => startPositions(cluster, options))
    options.onStart?.()
    const fetchRound = patientRound(cluster, options, positions)
    const refuseSilence = silenceLimit(options)
    const idleness = new Idleness()
    const inOrder = options.isByTime === true ? new ByTime() : undefined
    const tellPassed = passing(options, positions)
    while (!signal.aborted) {
      const open = unfinished(positions).filter(({ partition }) => inOrder?.has(partition) !== true)
      if (open.length === 0) return
      const round = await fetchRound(open)
      refuseSilence(round)
      const { found } = round
      if (idleness.isOver(found) && !isFollowing)
        for (const position of open) position.next = position.end
      const records = inOrder?.next(round.records, unfinished(positions)) ?? round.records
      if (records.length > 0) yield records
      await tellPassed(records)
    }
  } finally {
    await within(cluster.disconnect(), 1_000, undefined)
  }
}

function unfinished(positions: readonly Reach[]): readonly Reach[] {
  return positions.filter(({ next, end }) => next < end)
}

/** Tells where positions are beyond the last record that was returned, each once. */
function passing(
  { onPassed, isByTime }: ReadOptions,
  positions: readonly Reach[],
): (records: readonly InboundRecord[]) => Promise<void> {
  if (onPassed === undefined || isByTime === true) return () => Promise.resolve()
  const known = new Map(positions.map(({ partition, next }) => [partition, next]))
  return async (records) => {
    for (const { partition, offset } of records) known.set(partition, offset + 1)
    const passed = positions
      .filter(({ partition, next }) => next > (known.get(partition) ?? 0))
      .map(({ partition, next }) => ({ partition, next }))
    for (const { partition, next } of passed) known.set(partition, next)
    if (passed.length > 0) await onPassed(passed)
  }
}

/** Orders records of several partitions by their times. */
class ByTime {
  readonly #merge = new Merge<InboundRecord>()

  /** Whether records of the partition are held back. */
  has(partition: number): boolean {
    return this.#merge.has(partition)
  }

  /** The records that are certain to be next. */
  next(read: readonly InboundRecord[], open: readonly Reach[]): readonly InboundRecord[] {
    for (const record of read) this.#merge.add(record.partition, record.timestamp, record)
    return this.#merge.take(new Set(open.map(({ partition }) => partition)))
  }
}

interface Round {
  readonly records: readonly InboundRecord[]
  readonly found: Found
}

const nothingYet: Round = { records: [], found: 'unknown' }

/** One fetch from every leader. Short failures are retried. */
function patientRound(
  cluster: InnerCluster,
  options: ReadOptions,
  positions: Reach[],
): (open: readonly Reach[]) => Promise<Round> {
  const { settings, topic, isFollowing, log, onFetched = () => undefined } = options
  const limitMs = isFollowing ? giveUpMs.following : giveUpMs.once
  let failingSince: number | undefined
  let refreshedAt = performance.now()
  const refuseAnother = identityCheck(cluster, options)
  return async (open) => {
    try {
      if (isFollowing) await refuseAnother()
      if (isFollowing && performance.now() - refreshedAt > refreshMs) {
        refreshedAt = performance.now()
        await cluster.refreshMetadata()
        addNewPartitions(cluster, topic, positions)
      }
      const round = await fetchAll(cluster, topic, open)
      onFetched()
      failingSince = undefined
      return round
    } catch (error) {
      if (errorType(error) === 'OFFSET_OUT_OF_RANGE') {
        await explaining(options, () => skipRemoved(cluster, options, open))
        return nothingYet
      }
      if (error instanceof RecreatedError) throw error
      if (!isRetriable(error)) throw refused(options, error)
      failingSince ??= performance.now()
      if (performance.now() - failingSince > limitMs)
        throw passingFailure(settings, error, unreadable(topic))
      log('debug', 'reading failed, trying again', { topic, error: messageOf(error) })
      await recover(cluster)
      return nothingYet
    }
  }
}

/**
 * Throws if the topic was recreated. Once the new one has grown beyond what was read, only its id shows this: reading would
 * continue there, and the first records of the new one would be missing.
 */
function identityCheck(
  cluster: InnerCluster,
  { topic, from, checkMs = 5_000 }: ReadOptions,
): () => Promise<void> {
  let known = typeof from === 'object' && 'reaches' in from ? from.topicId : undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - checkedAt < checkMs) return
    const id = await topicIdOf(await cluster.findControllerBroker(), topic)
    checkedAt = performance.now()
    known ??= id
    if (id === undefined || id === known) return
    throw new RecreatedError(
      `Topic ${topic} was recreated: the records read so far are those of the former topic. Start again from the beginning.`,
    )
  }
}

async function fetchAll(
  cluster: InnerCluster,
  topic: string,
  open: readonly Reach[],
): Promise<Round> {
  const answers = (
    await Promise.all(
      byLeader(cluster, topic, open).map(([nodeId, positions]) =>
        fetchFromLeader(cluster, nodeId, { topic, positions, waitMs: fetchWaitMs }),
      ),
    )
  ).flat()
  const byPartition = new Map(open.map((position) => [position.partition, position]))
  const timed: { readonly record: InboundRecord; readonly at: EpochMs }[] = []
  // A broker that enforces a quota leaves all partitions out of its answer, and gives no reason.
  let found: Found = answers.length < open.length ? 'unknown' : 'nothing'
  for (const { batch, lastStable } of answers) {
    const position = byPartition.get(batch.partition)
    if (position === undefined) continue
    if (batch.rawMessages.length === 0) {
      if (lastStable < position.end && found === 'nothing') found = 'less-than-there-was'
      continue
    }
    found = 'something'
    // Producers' clocks differ, and the order within a partition must be kept.
    let at = 0
    for (const message of batch.messages) {
      if (offsetNumber(message.offset) >= position.end) break
      const record = inboundRecord(batch, message)
      at = Math.max(at, record.timestamp)
      timed.push({ record, at })
    }
    position.next = nextOffsetOf(batch)
  }
  const sorted = timed.toSorted((one, other) => one.at - other.at)
  return { records: sorted.map(({ record }) => record), found }
}

async function connect(cluster: InnerCluster, topic: string): Promise<void> {
  await cluster.connect()
  await cluster.addMultipleTargetTopics([topic])
}

async function startPositions(
  cluster: InnerCluster,
  { topic, from, isFollowing }: ReadOptions,
): Promise<Reach[]> {
  const [lows, ends] = await Promise.all([
    offsetsOf(cluster, topic, { fromBeginning: true }),
    offsetsOf(cluster, topic, { fromBeginning: false }),
  ])
  if (typeof from === 'object' && 'reaches' in from) {
    return from.reaches.map(({ partition, next, end }) => ({
      partition,
      next: Math.max(next, lows.get(partition) ?? 0),
      end: isFollowing ? Number.POSITIVE_INFINITY : Math.min(end, ends.get(partition) ?? 0),
    }))
  }
  const starts =
    from === 'earliest'
      ? lows
      : from === 'latest'
        ? ends
        : await offsetsOf(cluster, topic, { fromBeginning: false, fromTimestamp: from.time })
  return [...ends].map(([partition, end]) => {
    const start = starts.get(partition) ?? end
    // The broker answers -1 if no record is that new.
    const next = start < 0 ? end : start
    return { partition, next, end: isFollowing ? Number.POSITIVE_INFINITY : end }
  })
}

function offsetsOf(
  cluster: InnerCluster,
  topic: string,
  at: OffsetsAt,
): Promise<ReadonlyMap<number, number>> {
  const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
  return fetchOffsets(cluster, topic, partitions, at)
}

function addNewPartitions(cluster: InnerCluster, topic: string, positions: Reach[]): void {
  const known = new Set(positions.map(({ partition }) => partition))
  for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
    if (known.has(partitionId)) continue
    positions.push({ partition: partitionId, next: 0, end: Number.POSITIVE_INFINITY })
  }
}

/**
 * Continues with the remaining records if the next ones were removed.
 *
 * @throws UserError when the topic ends before them, because then the former records are unknown
 */
async function skipRemoved(
  cluster: InnerCluster,
  { topic, onRemoved }: ReadOptions,
  open: readonly Reach[],
): Promise<void> {
  const [lows, ends] = await Promise.all([
    offsetsOf(cluster, topic, { fromBeginning: true }),
    offsetsOf(cluster, topic, { fromBeginning: false }),
  ])
  for (const position of open) {
    const { partition, next, end } = position
    const low = lows.get(partition) ?? next
    if (low > next) onRemoved?.(Math.min(low, end) - next)
    else if ((ends.get(partition) ?? next) < next) {
      throw new RecreatedError(
        `Topic ${topic} ends before offset ${next} of partition ${partition}, up to which it was read: it was recreated, or has lost records. Start again from the beginning.`,
      )
    }
    position.next = Math.max(next, low)
  }
}

/** Throws if the broker has answered without any partition for too long. Failed rounds have limits of their own. */
function silenceLimit({ settings, topic }: ReadOptions): (round: Round) => void {
  let since: number | undefined
  return (round) => {
    const isSilent = round.found === 'unknown' && round !== nothingYet
    since = isSilent ? (since ?? performance.now()) : undefined
    if (since === undefined || performance.now() - since <= heldBackMs) return
    throw new UserError(
      `The broker has sent nothing of topic ${topic} for a minute: its quota for client ${settings.clientId} is too low for a single batch. Raise consumer_byte_rate.`,
    )
  }
}

async function recover(cluster: InnerCluster): Promise<void> {
  await sleep(retryMs)
  // If this fails too, the next round fails and counts it.
  await cluster.refreshMetadata().catch(() => undefined)
}

async function explaining<Result>(
  { settings, topic }: ReadOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const type = errorType(error)
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
      throw new UserError(`Topic ${topic} does not exist: run "hooktide init".`, 1, {
        cause: error,
      })
    }
    if (error instanceof UserError) throw error
    if (isRetriable(error)) throw passingFailure(settings, error, unreadable(topic))
    throw refused({ settings, topic }, error)
  }
}

function unreadable(topic: string): string {
  return `cannot read ${topic}`
}

function refused(
  { settings, topic }: Pick<ReadOptions, 'settings' | 'topic'>,
  error: unknown,
): Error {
  const ofLogin = loginRefusal(settings, error)
  if (ofLogin !== undefined) return new UserError(ofLogin)
  const refusal = rightRefusal(settings, error, topicRight('Read', topic))
  return refusal === undefined ? asError(error) : new RightsError(refusal.split('\n'))
}
