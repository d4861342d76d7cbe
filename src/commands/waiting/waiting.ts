/**
 * What waits now, and where: what is open in the topics of retries and requests, which is what stands above the offset that
 * a processor's group has committed, without what the commit's metadata says is complete (docs/architecture.md, Offsets).
 * Records that a process holds in memory are among it: their offsets are open until what they cause is acknowledged.
 */
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { DeliveryId, InboundRecord, Run, Tier } from '../../core/model/model.ts'
import {
  decodeCompletedRuns,
  isWithin,
  type OffsetRange,
} from '../../core/offsets/completed-runs.ts'
import type { Rejected } from '../../core/text/json-text.ts'
import { decodeRun } from '../../core/run/delivery-headers.ts'
import { tierOf } from '../../core/run/schedule.ts'
import { releaseTime, waitingRun, WaitingRuns, type WaitingRun } from '../../core/run/waiting.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import { topicRight } from '../../edge/kafka/needed-rights.ts'
import { choosePartition } from '../../edge/kafka/partition-choice.ts'
import { tierTopicsIn } from '../../edge/kafka/topic-plan.ts'
import type { Settings } from '../../settings/settings.ts'
import type { CommandContext } from '../command.ts'
import { existingTopics } from '../existing-topics.ts'
import { readToEnd, withAdmin } from '../kafka-session.ts'

type Session = Pick<CommandContext, 'settings' | 'signal'>

/** What is open in one partition. */
interface OpenPart {
  readonly topic: string
  /** `undefined`: the topic of requests. */
  readonly tier: Tier | undefined
  readonly partition: number
  /** Of the topic. */
  readonly partitions: number
  readonly next: number
  readonly end: number
  /** What is complete between them. */
  readonly completed: readonly OffsetRange[]
}

/**
 * Everything that waits, in batches as it is read. Nothing of a batch is kept here. What no processor can read is left out:
 * it will be rejected.
 *
 * A run that moves on meanwhile may be met in both places, and is never met in none.
 *
 * @throws UserError when no broker answers, or a right is missing
 * @throws InterruptedError when the command was asked to end meanwhile
 */
export async function* everythingWaiting(session: Session): AsyncGenerator<readonly WaitingRun[]> {
  yield* runsIn(session, await openParts(session.settings), waitingRun)
}

type WaitingEvent = Run & Pick<WaitingRun, 'tier' | 'releasedAt'>

/** As {@link everythingWaiting}, with the event of each run, which takes longer to read. */
export async function* everyEventWaiting(
  session: Session,
): AsyncGenerator<readonly WaitingEvent[]> {
  yield* runsIn(session, await openParts(session.settings), (record, tier) => {
    const decoded = decodeRun(record, tier === undefined ? 'request' : 'tier')
    if (decoded.kind === 'rejected') return decoded
    return { ...decoded.run, tier, releasedAt: releaseTime(record, tier) }
  })
}

/**
 * Where the runs of some deliveries wait. Their partitions are read first; others only for what is not found there, since
 * topics may have had fewer partitions once.
 *
 * @throws as {@link everythingWaiting}
 */
export async function waitingOf(
  session: Session,
  deliveries: ReadonlySet<DeliveryId>,
): Promise<WaitingRuns> {
  const found = new WaitingRuns(deliveries)
  const unread = new Set(await openParts(session.settings))
  for (const isWanted of [isOfKeys(deliveries), () => found.missing().length > 0]) {
    const parts = [...unread].filter(isWanted)
    for (const part of parts) unread.delete(part)
    for await (const runs of runsIn(session, parts, waitingRun))
      for (const run of runs) found.add(run)
  }
  return found
}

/** Whether the keys of some delivery choose the partition. */
function isOfKeys(deliveries: ReadonlySet<DeliveryId>): (part: OpenPart) => boolean {
  const keys = [...deliveries].map((id) => Buffer.from(id))
  const chosenOf = new Map<number, ReadonlySet<number>>()
  return ({ partition, partitions }) => {
    let chosen = chosenOf.get(partitions)
    if (chosen === undefined) {
      chosen = new Set(keys.map((key) => choosePartition(key, partitions, 0)))
      chosenOf.set(partitions, chosen)
    }
    return chosen.has(partition)
  }
}

/**
 * What is open in the topics of requests and retries, former tiers included.
 *
 * Commits are read before ends: whatever was complete then had been written to where it went on, so that is below the end.
 */
function openParts(settings: Settings): Promise<readonly OpenPart[]> {
  const { groupId, topics } = settings
  return withAdmin(settings, async (admin) => {
    const wanted = [topics.requests, ...settings.tiers.map(({ topic }) => topic)]
    const rights = wanted.map((topic) => topicRight('Read', topic))
    const existing = await existingTopics(admin, settings, rights)
    const tiers = tierTopicsIn(existing, topics.retryPrefix)
    const retries = await partsOf(admin, retryGroupOf(groupId), tiers)
    const requestTopics = existing.filter((topic) => topic === topics.requests)
    const requests = await partsOf(admin, groupId, requestTopics)
    const parts: OpenPart[] = []
    for (const { topic, openIn } of [...retries, ...requests]) {
      const tier = topic === topics.requests ? undefined : tierOf(topic, topics.retryPrefix)
      const ranges = await admin.offsets(topic)
      for (const range of ranges) parts.push({ ...openIn(range), tier, partitions: ranges.length })
    }
    return parts.filter(({ next, end }) => next < end)
  })
}

type OpenRange = Pick<OpenPart, 'topic' | 'partition' | 'next' | 'end' | 'completed'>

async function partsOf(
  admin: KafkaAdmin,
  group: string,
  topics: readonly string[],
): Promise<
  readonly { readonly topic: string; readonly openIn: (range: PartitionRange) => OpenRange }[]
> {
  const commits = topics.length === 0 ? [] : await admin.groupOffsets(group, topics)
  return topics.map((topic) => ({
    topic,
    openIn({ partition, low, end }) {
      const commit = commits.find((one) => one.topic === topic && one.partition === partition)
      // Without a commit these topics are read from their beginning.
      if (commit === undefined) return { topic, partition, next: low, end, completed: [] }
      const { offset, metadata } = commit
      const runs = decodeCompletedRuns({ group, topic, partition, offset }, metadata)
      const completed = runs.kind === 'ranges' ? runs.ranges : []
      return { topic, partition, next: Math.max(low, offset), end, completed }
    },
  }))
}

async function* runsIn<Read extends object>(
  session: Session,
  parts: readonly OpenPart[],
  read: (record: InboundRecord, tier: Tier | undefined) => Read | Rejected,
): AsyncGenerator<readonly Read[]> {
  const byTopic = Map.groupBy(parts, ({ topic }) => topic)
  for (const [topic, reaches] of byTopic) {
    const byPartition = new Map(reaches.map((part) => [part.partition, part]))
    for await (const records of readToEnd(session, topic, { reaches })) {
      yield records.flatMap((record) => {
        const part = byPartition.get(record.partition)
        if (part === undefined || isWithin(part.completed, record.offset)) return []
        const run = read(record, part.tier)
        return 'rejection' in run ? [] : [run]
      })
    }
  }
}
