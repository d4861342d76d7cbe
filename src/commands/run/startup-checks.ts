/**
 * Checks Kafka before a processor starts (docs/operating.md, Start). All problems are reported at once, each with its fix.
 * What does not prevent the start is a warning.
 */
import type { Settings } from '../../settings/settings.ts'
import { UserError } from '../../core/model/errors.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import { processorRights, topicRight } from '../../edge/kafka/needed-rights.ts'
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
import { hiddenTopics } from '../existing-topics.ts'
import { kafkaSettingsOf } from '../kafka-session.ts'
import { whenKafkaAnswers, type KafkaWait } from '../kafka-wait.ts'

export interface RunPlan {
  readonly warnings: readonly string[]
  /** Every tier that exists, configured or not: what was written to a former tier must still be delivered. */
  readonly tierTopics: readonly string[]
}

/**
 * Waits for a broker and checks that a processor can start.
 *
 * @returns `undefined` when `signal` was aborted first
 * @throws UserError that lists every problem with its fix
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
 * Comes before all other checks: without the right to describe it, a topic seems not to exist.
 *
 * @throws UserError that lists every missing right with the command that grants it
 */
async function checkRights(admin: KafkaAdmin, settings: Settings, log: KafkaLog): Promise<void> {
  const lines = await missingRightLines(admin, settings, log)
  if (lines.length > 0) throw UserError.listing('The processor cannot start', lines)
}

/** The rights that a processor lacks, a sentence each with the command that grants it. */
export async function missingRightLines(
  admin: KafkaAdmin,
  settings: Settings,
  log: KafkaLog,
): Promise<readonly string[]> {
  const { topics, tiers } = settings
  const existing = tierTopicsIn(await admin.listTopics(), topics.retryPrefix)
  const tierTopics = [...new Set([...existing, ...tiers.map(({ topic }) => topic)])]
  const kafka = kafkaSettingsOf(settings)
  const missing = await missingRights(kafka, log, processorRights(topics, tierTopics, settings))
  return rightRefusals(kafka, missing)
}

/** @throws UserError that lists every problem with its fix */
async function checkBeforeRun(admin: KafkaAdmin, settings: Settings): Promise<RunPlan> {
  const { refusals, ...plan } = await inspectTopics(admin, settings)
  if (refusals.length > 0) {
    throw UserError.listing('The processor cannot start', refusals)
  }
  return plan
}

/** Looks at topics, their settings, and groups. `refusals` keep a processor from starting. */
export async function inspectTopics(
  admin: KafkaAdmin,
  settings: Settings,
): Promise<RunPlan & { readonly refusals: readonly string[] }> {
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

  const absent = wanted.filter(({ topic }) => !found.has(topic))
  const hidden = await hiddenTopics(
    settings,
    absent.map(({ topic }) => topic),
  )
  const missing = absent.filter(({ topic }) => !hidden.has(topic))
  const differences = wantedOwn.flatMap((one) => {
    const description = found.get(one.topic)
    return description === undefined ? [] : differencesOf(one, description, access)
  })
  const { brokers } = await admin.describeCluster()
  const durability = [...found.values()].flatMap((one) =>
    durabilityOf(one.topic, one, brokers, access),
  )
  const refused = differences.filter(({ severity }) => severity === 'refused')
  const groups = [groupId, retryGroupOf(groupId)]
  const conflicts = await Promise.all(groups.map((group) => admin.conflictIn(group)))
  const unstarted = await topicsWithoutOffsets(admin, groupId, [...events.keys()])
  const refusals = [
    ...conflicts.filter((conflict) => conflict !== undefined),
    ...sharedNames(wanted).map(
      (topic) => `Topic ${topic} is configured for two purposes: give each a topic of its own.`,
    ),
    ...rightRefusals(
      kafkaSettingsOf(settings),
      [...hidden].map((topic) => topicRight('Describe', topic)),
    ),
    ...missing.map(
      ({ topic, holds }) => `${topic} (${holds}) does not exist: run "hooktide init".`,
    ),
    ...refused.map(({ message, fix }) => `${message}. Fix: ${fix}`),
    ...unstarted.map(
      (topic) =>
        `Group ${groupId} has no offsets on topic ${topic}, so it is not known where to start: run "hooktide init" to start at the end, or "hooktide init --from <earliest or a time>".`,
    ),
  ]
  return {
    refusals,
    warnings: [...differences, ...durability].map(({ message, fix }) => `${message}. Fix: ${fix}`),
    tierTopics: tierTopicsIn(existing, topics.retryPrefix),
  }
}

/** Topics on which the group has no committed offset at all. A partition that was added later does not count. */
export async function topicsWithoutOffsets(
  admin: KafkaAdmin,
  groupId: string,
  topics: readonly string[],
): Promise<readonly string[]> {
  if (topics.length === 0) return []
  const committed = await admin.groupOffsets(groupId, topics)
  return topics.filter((topic) => !committed.some((entry) => entry.topic === topic))
}

/** Descriptions of the topics that exist, by name. */
export async function describeAll(
  admin: Pick<KafkaAdmin, 'describeTopic'>,
  wanted: readonly Pick<WantedTopic, 'topic'>[],
): Promise<ReadonlyMap<string, TopicDescription>> {
  const names = [...new Set(wanted.map(({ topic }) => topic))]
  const described = await Promise.all(names.map((topic) => admin.describeTopic(topic)))
  return new Map(described.flatMap((one) => (one === undefined ? [] : [[one.topic, one] as const])))
}
