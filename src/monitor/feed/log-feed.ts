/**
 * Follows a topic for as long as the process lives, without a consumer group: from where it was read to, or from the
 * beginning of the window. A broker that is away is waited for.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { asError } from '../../core/model/errors.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import { connectAdmin, type KafkaAdmin } from '../../edge/kafka/admin.ts'
import type { KafkaLog, KafkaSettings } from '../../edge/kafka/client.ts'
import { topicRight } from '../../edge/kafka/needed-rights.ts'
import { opening, rightRefusals, RightsError } from '../../edge/kafka/refusals.ts'
import { readTopic, RecreatedError, type PartitionReaches } from '../../edge/kafka/reader.ts'
import { topicIdsOf } from '../../edge/kafka/topic-ids.ts'
import { within } from '../../edge/waiting.ts'
import type { Reached } from '../index/result-index.ts'

export interface LogFeedOptions {
  readonly kafka: KafkaSettings
  readonly topic: string
  /** Ends it. */
  readonly signal: AbortSignal
  readonly log: KafkaLog
  /** From when on records are wanted, where nothing was read yet. */
  readonly since: () => EpochMs
  /** Where reading goes on; empty where nothing was read yet. */
  readonly positions: () => readonly Reached[]
  /** Stores what was read together with where reading goes on. */
  readonly take: (
    records: readonly InboundRecord[],
    reached: readonly Reached[],
  ) => Promise<void> | void
  /** Which topic has the name now: what was read of another one counts no more. `undefined` if brokers have no ids. */
  readonly identify: (topicId: string | undefined) => void
  /** The topic was created anew: all that was read of it counts no more. */
  readonly onRecreated: () => void
  /** So many records were removed before they were read, most often by retention. */
  readonly onRemoved: (count: number) => void
  /** Why it is not read at the moment; `undefined` when it is again. */
  readonly onTrouble: (reason: string | undefined) => void
}

/** So many records are stored at once: in between others have their turn. */
const batchSize = 2_000
const retryMs = 1_000

/** Resolves when it was ended. */
export async function followLog(options: LogFeedOptions): Promise<void> {
  const { kafka, topic, signal, log, onTrouble } = options
  // What could not be stored comes again at once: that the topic can be read then tells nothing new.
  let isStoring = true
  while (!signal.aborted) {
    try {
      const from = await startOf(options)
      // How much is to be read is known from now on.
      await options.take(
        [],
        from.reaches.map(({ partition, next }) => ({ topic, partition, next })),
      )
      const onFetched = () => {
        if (isStoring) onTrouble(undefined)
      }
      const reading = readTopic({
        settings: kafka,
        topic,
        from,
        isFollowing: true,
        signal,
        log,
        onFetched,
        onRemoved: options.onRemoved,
        onPassed: (passed) =>
          options.take(
            [],
            passed.map(({ partition, next }) => ({ topic, partition, next })),
          ),
      })
      for await (const records of reading) {
        isStoring = false
        await takeAll(options, records)
        isStoring = true
        onTrouble(undefined)
      }
    } catch (error) {
      if (signal.aborted) return
      onTrouble(reasonFor(error, options))
      await setTimeout(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** What can be described, and not read, is of no use here: so the right to read is named, which allows both. */
function reasonFor(error: unknown, { kafka, topic }: LogFeedOptions): string {
  if (error instanceof RecreatedError) return recreated
  return error instanceof RightsError ? refusedReading(kafka, topic) : asError(error).message
}

export const recreated = 'it was recreated, and is read anew'

/** Says that the right to read a topic is missing, and how to grant it. */
export function refusedReading(kafka: KafkaSettings, topic: string): string {
  return rightRefusals(kafka, [topicRight('Read', topic)]).join('\n')
}

async function takeAll(
  { take, signal }: LogFeedOptions,
  records: readonly InboundRecord[],
): Promise<void> {
  for (let start = 0; start < records.length && !signal.aborted; start += batchSize) {
    const batch = records.slice(start, start + batchSize)
    await take(batch, reachedBy(batch))
    await setImmediate()
  }
}

function reachedBy(records: readonly InboundRecord[]): readonly Reached[] {
  const next = new Map<number, Reached>()
  for (const { topic, partition, offset } of records) {
    next.set(partition, { topic, partition, next: offset + 1 })
  }
  return [...next.values()]
}

/** Which topic it is, and where each partition is read from. */
async function startOf(options: LogFeedOptions): Promise<PartitionReaches> {
  const { kafka, topic, log, since, positions, identify, onRecreated, onRemoved } = options
  const [topicId] = await opening(kafka, () => topicIdsOf(kafka, log, [topic]))
  identify(topicId)
  const reaches = await withAdmin(kafka, log, async (admin) => {
    const held = await admin.offsets(topic)
    const known = new Map(positions().map(({ partition, next }) => [partition, next]))
    // An end before what was read can only be that of another topic.
    if (held.some(({ partition, end }) => (known.get(partition) ?? 0) > end)) {
      onRecreated()
      known.clear()
    }
    const starts = await admin.offsetsAt(topic, since())
    const lost = held.map(({ partition, low }) => Math.max(0, low - (known.get(partition) ?? low)))
    const removed = lost.reduce((sum, one) => sum + one, 0)
    if (removed > 0) onRemoved(removed)
    return held.map(({ partition, low, end }) => {
      const first = starts.find((one) => one.partition === partition)?.offset ?? low
      return { partition, next: Math.max(low, known.get(partition) ?? first), end }
    })
  })
  // Should another have taken its name in between, the reader tells by the id.
  return { topicId, reaches }
}

export async function withAdmin<Result>(
  kafka: KafkaSettings,
  log: KafkaLog,
  work: (admin: KafkaAdmin) => Promise<Result>,
): Promise<Result> {
  const admin = await connectAdmin(kafka, log)
  try {
    return await work(admin)
  } finally {
    await within(admin.stop(), 1_000, undefined)
  }
}
