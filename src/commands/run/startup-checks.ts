/**
 * What must be right before a processor starts (docs/operating.md, Start). Everything that is wrong is told at once, each with
 * its fix; what can be lived with is a warning.
 */
import type { Settings } from '../../settings/settings.ts'
import { UserError } from '../../core/model/errors.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import { processorRights } from '../../edge/kafka/needed-rights.ts'
import {
  differencesOf,
  durabilityOf,
  largestEventBytes,
  sharedNames,
  tierTopicsIn,
  wantedEventTopics,
  wantedOwnTopics,
  type WantedTopic,
} from '../../edge/kafka/topic-plan.ts'
import { connectAdmin, type KafkaAdmin, type TopicDescription } from '../../edge/kafka/admin.ts'
import { isPassing, type KafkaLog, messageOf } from '../../edge/kafka/client.ts'
import { rightRefusals, toolArguments } from '../../edge/kafka/refusals.ts'
import { missingRights } from '../../edge/kafka/rights.ts'
import { sleep } from '../../edge/waiting.ts'
import { securityOf, securityWarning } from '../../settings/security.ts'
import { kafkaSettingsOf } from '../kafka-session.ts'

export interface RunPlan {
  readonly warnings: readonly string[]
  /** Every tier that exists, configured or not: what was written to a former one must still be delivered. */
  readonly tierTopics: readonly string[]
}

/** How long to wait before a broker that is away is asked again. */
const askAgainMs = 1_000
/** How long to wait before it is said again that it is away: doubles from one to the other. */
const sayAgainMs = { first: 30_000, most: 5 * 60_000 }

/**
 * Waits for a broker and checks that a processor can start.
 *
 * @returns `undefined` when `signal` was aborted first
 * @throws UserError that names everything that has to be mended
 */
export async function prepareRun(options: {
  readonly settings: Settings
  readonly log: KafkaLog
  readonly signal: AbortSignal
  /** No broker answers; the reason names the brokers and what to look at. */
  readonly onAway: (reason: string) => void
}): Promise<RunPlan | undefined> {
  const { settings, log, signal, onAway } = options
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  let sayAfterMs: number = sayAgainMs.first
  let nextSayingAt = 0
  while (!signal.aborted) {
    try {
      return await Promise.race([checkOnce(settings, log), aborted])
    } catch (error) {
      // Refusals of ours say what has to be mended. What Kafka or the way to it failed with may pass.
      if (!isPassing(error)) throw error
      const reason = messageOf(error)
      onAway(reason)
      const now = performance.now()
      if (now >= nextSayingAt) {
        log('warn', 'waiting for Kafka', { error: reason })
        nextSayingAt = now + sayAfterMs
        sayAfterMs = Math.min(sayAfterMs * 2, sayAgainMs.most)
      }
      await Promise.race([sleep(askAgainMs), aborted])
    }
  }
  return undefined
}

async function checkOnce(settings: Settings, log: KafkaLog): Promise<RunPlan> {
  const admin = await connectAdmin(kafkaSettingsOf(settings), log)
  try {
    await checkRights(admin, settings, log)
    const plan = await checkBeforeRun(admin, settings)
    const warning = securityWarning(securityOf(settings))
    return warning === undefined ? plan : { ...plan, warnings: [warning, ...plan.warnings] }
  } finally {
    await admin.stop()
  }
}

/**
 * Before anything else: to whom a topic may not be described, it looks as if it did not exist.
 *
 * @throws UserError that lists every missing right with the command that grants it
 */
async function checkRights(admin: KafkaAdmin, settings: Settings, log: KafkaLog): Promise<void> {
  const { topics, tiers, groupId } = settings
  const existing = tierTopicsIn(await admin.listTopics(), topics.retryPrefix)
  const tierTopics = [...new Set([...existing, ...tiers.map(({ topic }) => topic)])]
  const kafka = kafkaSettingsOf(settings)
  const missing = await missingRights(kafka, log, processorRights(topics, tierTopics, groupId))
  if (missing.length === 0) return
  const lines = rightRefusals(kafka, missing)
  throw UserError.listing('The processor cannot start', lines)
}

/** @throws UserError that lists every refusal with its fix */
async function checkBeforeRun(admin: KafkaAdmin, settings: Settings): Promise<RunPlan> {
  const { topics, tiers, groupId } = settings
  const access = toolArguments(kafkaSettingsOf(settings))
  const existing = await admin.listTopics()
  const wantedEvents = wantedEventTopics(topics)
  const events = await describeAll(admin, wantedEvents)
  const eventBytes = largestEventBytes([...events.values()])
  const wantedOwn = wantedOwnTopics(topics, tiers, eventBytes, existing)
  const own = await describeAll(admin, wantedOwn)
  const found = new Map([...events, ...own])
  const wanted = [...wantedEvents, ...wantedOwn]

  const missing = wanted.filter(({ topic }) => !found.has(topic))
  const differences = wantedOwn.flatMap((one) => {
    const description = found.get(one.topic)
    return description === undefined ? [] : differencesOf(one, description, access)
  })
  const { brokers } = await admin.describeCluster()
  const doubts = [...found.values()].flatMap((one) => durabilityOf(one.topic, one, brokers, access))
  const refused = differences.filter(({ severity }) => severity === 'refused')
  const groups = [groupId, retryGroupOf(groupId)]
  const conflicts = await Promise.all(groups.map((group) => admin.conflictIn(group)))
  const unstarted = await topicsWithoutOffsets(admin, groupId, [...events.keys()])
  const refusals = [
    ...conflicts.filter((conflict) => conflict !== undefined),
    ...sharedNames(wanted).map(
      (topic) => `${topic} is named for two things: give each its own topic.`,
    ),
    ...missing.map(
      ({ topic, holds }) => `${topic} (${holds}) does not exist: run "hooktide init".`,
    ),
    ...refused.map(({ message, fix }) => `${message}. Fix: ${fix}`),
    ...unstarted.map(
      (topic) =>
        `${topic} has no offsets of group ${groupId}, so it is open where to start: run "hooktide init", which starts at the end, or "hooktide init --from <earliest or a time>".`,
    ),
  ]
  if (refusals.length > 0) {
    throw UserError.listing('The processor cannot start', refusals)
  }
  return {
    warnings: [...differences, ...doubts].map(({ message, fix }) => `${message}. Fix: ${fix}`),
    tierTopics: tierTopicsIn(existing, topics.retryPrefix),
  }
}

/** Topics of which the group has not committed a single offset. Partitions added later are no reason to refuse. */
export async function topicsWithoutOffsets(
  admin: KafkaAdmin,
  groupId: string,
  topics: readonly string[],
): Promise<readonly string[]> {
  if (topics.length === 0) return []
  const committed = await admin.groupOffsets(groupId, topics)
  return topics.filter((topic) => !committed.some((entry) => entry.topic === topic))
}

/** Descriptions of those that exist, by name. */
export async function describeAll(
  admin: KafkaAdmin,
  wanted: readonly Pick<WantedTopic, 'topic'>[],
): Promise<ReadonlyMap<string, TopicDescription>> {
  const names = [...new Set(wanted.map(({ topic }) => topic))]
  const described = await Promise.all(names.map((topic) => admin.describeTopic(topic)))
  return new Map(described.flatMap((one) => (one === undefined ? [] : [[one.topic, one] as const])))
}
