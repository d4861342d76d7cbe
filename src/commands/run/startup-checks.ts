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
import type { KafkaLog } from '../../edge/kafka/client.ts'
import { rightRefusals, toolArguments } from '../../edge/kafka/refusals.ts'
import { missingRights } from '../../edge/kafka/rights.ts'
import { securityOf, securityWarning } from '../../settings/security.ts'
import { kafkaSettingsOf } from '../kafka-session.ts'
import { whenKafkaAnswers, type KafkaWait } from '../kafka-wait.ts'

export interface RunPlan {
  readonly warnings: readonly string[]
  /** Every tier that exists, configured or not: what was written to a former one must still be delivered. */
  readonly tierTopics: readonly string[]
}

/**
 * Waits for a broker and checks that a processor can start.
 *
 * @returns `undefined` when `signal` was aborted first
 * @throws UserError that names everything that has to be mended
 */
export async function prepareRun(
  options: KafkaWait & { readonly settings: Settings },
): Promise<RunPlan | undefined> {
  const { settings, log } = options
  return await whenKafkaAnswers(options, () => checkOnce(settings, log))
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
