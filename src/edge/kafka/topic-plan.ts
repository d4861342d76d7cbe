/**
 * The topics that a processor needs, with their settings, and how existing topics differ from these (docs/architecture.md,
 * Topics). `init` creates missing topics and reports differences. `run` refuses to start if a difference would lose or block
 * work.
 */
import { formatDuration } from '../../core/model/durations.ts'
import type { Tier, Topics } from '../../core/model/model.ts'
import { tierOf } from '../../core/run/schedule.ts'

/** Topic settings by their names in Kafka. Values are texts, as in Kafka. */
export type TopicConfig = Readonly<Record<string, string>>

export interface WantedTopic {
  readonly topic: string
  /** What the topic holds, as text for people. */
  readonly holds: string
  /** What is lost if a record is deleted too early, as a clause. */
  readonly loss: string
  /** Two partitioners can hold one key in two partitions, so a compacted topic has one. */
  readonly isSinglePartition: boolean
  /** For other settings the broker's default applies. */
  readonly configs: TopicConfig
  /** Settings without which the processor would lose or block work. The other settings are only recommended. */
  readonly required: ReadonlySet<string>
}

/** A topic as the broker describes it. */
export interface FoundTopic {
  readonly partitions: number
  /** The number of replicas of the partition that has the fewest. */
  readonly replicas: number
  readonly configs: TopicConfig
}

export interface Difference {
  readonly topic: string
  readonly setting: string
  readonly wanted: string
  readonly found: string
  /** `refused`: the processor does not start. `advised`: it starts and warns. */
  readonly severity: 'refused' | 'advised'
  /** One sentence: what is wrong and what it leads to. */
  readonly message: string
  /** What mends it: a command to be run as it is, or a sentence. */
  readonly fix: string
}

/** What delivery headers and framing add to an event's own bytes, at most. */
const headerRoomBytes = 64 * 1024
const dayMs = 86_400_000

const compacted = { 'cleanup.policy': 'compact' }
const kept = (days: number): TopicConfig => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(days * dayMs),
})
/** A limit by size would drop runs that nobody has seen the end of, however short they have waited. */
const unlimitedBytes = { 'retention.bytes': '-1' }

/** What a topic is for, as people are told. */
type Content = Pick<WantedTopic, 'holds' | 'loss'>

const waiting = 'a delivery that waits may be gone before it is made'
const contents = {
  events: { holds: 'auth events', loss: 'an event may be gone before it is read' },
  hooks: { holds: 'hooks', loss: 'a hook that nobody changes is removed by its age' },
  results: { holds: 'results', loss: 'a result may be gone before anyone reads it' },
  requests: { holds: 'delivery requests', loss: waiting },
  retries: { holds: 'retries', loss: waiting },
  formerRetries: { holds: 'retries of a former tier', loss: waiting },
  deadLetters: {
    holds: 'dead letters',
    loss: 'a dead letter may be gone before anyone looks at it',
  },
  rejected: {
    holds: 'events that are not valid',
    loss: 'a rejected event may be gone before anyone looks at it',
  },
  endpoints: {
    holds: 'endpoint health',
    loss: 'an endpoint that was disabled is called again when its record is removed by its age',
  },
} as const satisfies Record<string, Content>

/** Event topics. They are the producers' own: nothing of them is prescribed. */
export function wantedEventTopics(topics: Topics): readonly WantedTopic[] {
  return topics.events.map((topic) =>
    plan(topic, contents.events, { 'cleanup.policy': 'delete' }, []),
  )
}

/**
 * The processor's own topics.
 *
 * @param eventBytes largest `max.message.bytes` of the event topics
 * @param existing names of all topics, for tiers that are no longer configured: their records are still delivered
 */
export function wantedOwnTopics(
  topics: Topics,
  tiers: readonly Tier[],
  eventBytes: number,
  existing: readonly string[],
): readonly WantedTopic[] {
  const size = { 'max.message.bytes': String(eventBytes + headerRoomBytes) }
  const sizeName = Object.keys(size)
  const isWritten = (topic: string) => tiers.some((tier) => tier.topic === topic)
  return [
    plan(topics.hooks, contents.hooks, compacted, ['cleanup.policy']),
    plan(topics.results, contents.results, { ...kept(14), ...size }, sizeName),
    plan(topics.requests, contents.requests, { ...kept(14), ...unlimitedBytes, ...size }, sizeName),
    ...tiers.map(({ topic }) =>
      plan(topic, contents.retries, { ...kept(14), ...unlimitedBytes, ...logAppendTime, ...size }, [
        ...Object.keys(logAppendTime),
        ...sizeName,
      ]),
    ),
    ...tierTopicsIn(existing, topics.retryPrefix)
      .filter((topic) => !isWritten(topic))
      .map((topic) =>
        plan(topic, contents.formerRetries, logAppendTime, Object.keys(logAppendTime)),
      ),
    plan(
      topics.deadLetters,
      contents.deadLetters,
      { ...kept(30), ...unlimitedBytes, ...size },
      sizeName,
    ),
    plan(topics.rejected, contents.rejected, { ...kept(30), ...size }, sizeName),
    plan(
      topics.endpoints,
      contents.endpoints,
      { ...compacted, 'min.compaction.lag.ms': String(7 * dayMs) },
      ['cleanup.policy'],
    ),
  ]
}

/** A tier's records are released by the time at which the broker appended them. */
const logAppendTime = { 'message.timestamp.type': 'LogAppendTime' }

function plan(
  topic: string,
  content: Content,
  configs: TopicConfig,
  required: readonly string[],
): WantedTopic {
  const isSinglePartition = configs['cleanup.policy'] === 'compact'
  return { topic, ...content, isSinglePartition, configs, required: new Set(required) }
}

/** All of `names` that are tiers by their name, shortest delay first, whether configured or not. */
export function tierTopicsIn(names: readonly string[], retryPrefix: string): readonly string[] {
  return names
    .flatMap((name) => tierOf(name, retryPrefix) ?? [])
    .toSorted((a, b) => a.delayMs - b.delayMs)
    .map(({ topic }) => topic)
}

/** Names that stand for two things at once: the processor would read what it writes. */
export function sharedNames(wanted: readonly WantedTopic[]): readonly string[] {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const { topic } of wanted) {
    if (seen.has(topic)) shared.add(topic)
    seen.add(topic)
  }
  return [...shared]
}

/** Largest message that any of the event topics takes, in bytes. */
export function largestEventBytes(eventTopics: readonly Pick<FoundTopic, 'configs'>[]): number {
  return Math.max(0, ...eventTopics.map(({ configs }) => Number(configs['max.message.bytes'] ?? 0)))
}

/**
 * Where a topic is not as wanted. A topic that does more than is wanted, such as keeping records longer, is as wanted.
 *
 * @param access arguments by which Kafka's own tools reach this cluster, for the commands that mend
 */
export function differencesOf(
  wanted: WantedTopic,
  found: Pick<FoundTopic, 'partitions' | 'configs'>,
  access: string,
): readonly Difference[] {
  const differences: Difference[] = []
  for (const [setting, value] of Object.entries(wanted.configs)) {
    const actual = found.configs[setting] ?? 'unknown'
    if (isMet(setting, value, actual)) continue
    const text = `is ${valueText(setting, actual)}, not ${wantedText(setting, value)}`
    differences.push({
      topic: wanted.topic,
      setting,
      wanted: value,
      found: actual,
      severity: isRefused(wanted, setting, actual) ? 'refused' : 'advised',
      message: `${wanted.topic}: ${setting} ${text}: ${consequenceOf(wanted, setting)}`,
      fix: alteration(access, wanted.topic, setting, value),
    })
  }
  if (wanted.isSinglePartition && found.partitions > 1) {
    differences.push(severalPartitions(wanted.topic, found.partitions))
  }
  return differences
}

/** From so many replicas on, one can be away while the others keep two copies of every record. */
const safeReplicas = 3
const safeInSync = 'min.insync.replicas'

/** Settings of a topic that is created with so many replicas, where that is known. */
export function durableConfigs(replicas: number | undefined): TopicConfig {
  return replicas !== undefined && replicas >= safeReplicas ? { [safeInSync]: '2' } : {}
}

/**
 * Where the loss of one broker could lose what was acknowledged, though others could hold it too. With two replicas,
 * two in sync would stop writers whenever one broker is away: that is left to their owners.
 *
 * @param brokers how many the cluster has
 * @param access arguments by which Kafka's own tools reach this cluster
 */
export function durabilityOf(
  topic: string,
  { replicas, configs }: Pick<FoundTopic, 'replicas' | 'configs'>,
  brokers: number,
  access: string,
): readonly Difference[] {
  if (brokers < 2) return []
  const base = { topic, severity: 'advised' } as const
  if (replicas < 2) {
    const more = Math.min(brokers, safeReplicas)
    return [
      {
        ...base,
        setting: 'replicas',
        wanted: String(more),
        found: String(replicas),
        message: `${topic}: has 1 replica in a cluster of ${brokers} brokers: if that one broker is lost, its records are lost`,
        fix: `give it more with kafka-reassign-partitions.sh ${access}; new topics get them by: hooktide init --replication-factor ${more}`,
      },
    ]
  }
  const inSync = configs[safeInSync]
  if (replicas < safeReplicas || inSync === undefined || Number(inSync) >= 2) return []
  return [
    {
      ...base,
      setting: safeInSync,
      wanted: '2',
      found: inSync,
      message: `${topic}: ${safeInSync} is ${inSync}, not at least 2: a record is acknowledged when only one broker has it, and is lost if that broker is`,
      fix: alteration(access, topic, safeInSync, '2'),
    },
  ]
}

/** The command that changes a setting of a topic. */
function alteration(access: string, topic: string, setting: string, value: string): string {
  return `kafka-configs.sh ${access} --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${value}`
}

function severalPartitions(topic: string, partitions: number): Difference {
  return {
    topic,
    setting: 'partitions',
    wanted: '1',
    found: String(partitions),
    severity: 'advised',
    message: `${topic}: has ${partitions} partitions, not 1: writers that choose partitions in different ways could leave an old record of a key beside the new one`,
    fix: `recreate ${topic} with one partition, or see that all its writers place keys alike`,
  }
}

/** What follows from a setting that is not as wanted. */
function consequenceOf({ holds, loss }: WantedTopic, setting: string): string {
  switch (setting) {
    case 'message.timestamp.type':
      return 'a retry is released by the time at which the broker appended it'
    case 'max.message.bytes':
      return holds === contents.results.holds
        ? 'the largest results would not fit'
        : 'the largest events would not fit with their delivery headers'
    case 'min.compaction.lag.ms':
      return 'readers that were away for days miss changes'
    default:
      return loss
  }
}

/** Settings of which more is as good. Kafka writes "no limit" as -1. */
const minima = new Set(['retention.ms', 'max.message.bytes', 'min.compaction.lag.ms'])

function isMet(setting: string, wanted: string, found: string): boolean {
  if (!minima.has(setting)) return wanted === found
  return Number(found) >= Number(wanted) || (setting === 'retention.ms' && found === '-1')
}

function wantedText(setting: string, value: string): string {
  const text = valueText(setting, value)
  return minima.has(setting) ? `at least ${text}` : text
}

function valueText(setting: string, value: string): string {
  const isDuration = setting.endsWith('.ms') && /^\d{1,15}$/.test(value)
  return isDuration ? `${value} (${formatDuration(Number(value))})` : value
}

/** `compact,delete` keeps the newest record of each key for a while, which is enough to start. */
function isRefused(wanted: WantedTopic, setting: string, found: string): boolean {
  if (!wanted.required.has(setting)) return false
  return setting !== 'cleanup.policy' || !found.split(',').includes('compact')
}
