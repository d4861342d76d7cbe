/**
 * `hooktide init`: creates what a processor needs and does not exist yet. It never changes what exists, since other
 * programs may use it. Where something differs from what hooktide needs, it prints the difference and the fix.
 */
import type { Settings } from '../settings/settings.ts'
import { UserError, type ExitCode } from '../core/model/errors.ts'
import {
  differencesOf,
  durabilityOf,
  durableConfigs,
  largestEventBytes,
  sharedNames,
  wantedEventTopics,
  wantedOwnTopics,
  type Difference,
  type WantedTopic,
} from '../edge/kafka/topic-plan.ts'
import type { ClusterDescription, KafkaAdmin, TopicSpread } from '../edge/kafka/admin.ts'
import { subjectOf } from '../edge/registry/result-codec.ts'
import { RegistryClient, type RegistrySettings } from '../edge/registry/client.ts'
import { registerSchema, type ShippedSchema } from '../edge/registry/schema-registration.ts'
import type { Command, CommandContext } from './command.ts'
import { describeEnsured } from './ensured-topics.ts'
import { firstOffsets, type OffsetsStep, readStart } from './run/first-offsets.ts'
import { toolArguments } from '../edge/kafka/refusals.ts'
import { kafkaSettingsOf, withAdmin } from './kafka-session.ts'
import { booleanOption, integerOption, registrySettingsOf, textOption } from './option-values.ts'

const eventSchemas: ReadonlyMap<string, ShippedSchema | undefined> = new Map([
  ['json', undefined],
  ['json-schema', 'event-json-schema'],
  ['avro', 'event-avro'],
])

export const initCommand: Command = {
  name: 'init',
  summary: 'Create missing topics, first offsets and schemas.',
  usage: '[--partitions <n>] [--from <start>] [options]',
  examples: ['init', 'init --partitions 12 --from 2h'],
  options: {
    partitions: {
      type: 'string',
      description: 'Partitions of new topics; compacted topics always have 1. [6]',
    },
    'replication-factor': {
      type: 'string',
      description: "Replicas of new topics. [the broker's default]",
    },
    from: {
      ...{ type: 'string', values: ['latest', 'earliest'] },
      description:
        'Where a new group starts on event topics: latest, earliest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 15m. [latest]',
    },
    'event-format': {
      ...{ type: 'string', values: [...eventSchemas.keys()] },
      description:
        'Form of event values: json, json-schema or avro. The last two register a schema for each event topic; the registry then refuses schemas of another form. [json]',
    },
    json: { type: 'boolean', description: 'One JSON object per topic, group and schema.' },
  },
  uses: ['kafka', 'registry', 'topics', 'group', 'tiers'],
  run,
}

type Step =
  | {
      readonly kind: 'topic'
      readonly topic: string
      readonly state: 'created' | 'exists' | 'differs'
      readonly differences: readonly Difference[]
      /** Only for a topic that was created. */
      readonly created?: CreatedTopic
    }
  | OffsetsStep
  | SchemaStep

type SchemaStep =
  | {
      readonly kind: 'schema'
      readonly subject: string
      readonly state: 'ready'
      readonly id: number
    }
  | {
      readonly kind: 'schema'
      readonly subject: string
      readonly state: 'refused'
      readonly message: string
    }

interface CreatedTopic extends TopicSpread {
  /** `min.insync.replicas`; absent if the broker's default is used. */
  readonly minInSync?: number
}

interface NewTopics {
  readonly partitions: number
  readonly replicationFactor: number | undefined
  readonly cluster: ClusterDescription
  /** Connection arguments of Kafka's own tools, for the commands that fix a difference. */
  readonly access: string
}

type Report = (step: Step) => void

async function run(context: CommandContext): Promise<ExitCode | 0> {
  const { settings, print } = context
  const registry = registrySettingsOf(settings)
  const eventSchema = eventSchemaOf(context, registry)
  const start = readStart(textOption(context, 'from') ?? 'latest', Date.now())
  const creation = {
    partitions: integerOption(context, 'partitions', 1, 10_000) ?? 6,
    replicationFactor: integerOption(context, 'replication-factor', 1, 100),
    access: toolArguments(kafkaSettingsOf(settings)),
  }
  const isJson = booleanOption(context, 'json')
  let canRun = true
  const report: Report = (step) => {
    for (const line of isJson ? [JSON.stringify(step)] : describe(step)) print(line)
    canRun &&= !isRefused(step)
  }
  await withAdmin(settings, async (admin) => {
    const cluster = await admin.describeCluster()
    await ensureTopics(admin, settings, { ...creation, cluster }, report)
    for (const step of await firstOffsets(admin, settings, start)) report(step)
  })
  if (registry !== undefined) {
    for await (const step of registerSchemas(registry, settings, eventSchema)) report(step)
  }
  return canRun ? 0 : 1
}

/** Whether `run` would refuse to start because of this step. */
function isRefused(step: Step): boolean {
  if (step.kind === 'topic') return step.differences.some(({ severity }) => severity === 'refused')
  if (step.kind === 'schema') return step.state === 'refused'
  return step.state === 'blocked'
}

/** The schema to register for event topics; `undefined` for none. */
function eventSchemaOf(
  context: CommandContext,
  registry: RegistrySettings | undefined,
): ShippedSchema | undefined {
  const format = textOption(context, 'event-format') ?? 'json'
  if (!eventSchemas.has(format)) {
    const known = [...eventSchemas.keys()].join(', ')
    throw new UserError(`--event-format must be one of ${known}, not "${format}".`, 2)
  }
  const schema = eventSchemas.get(format)
  if (schema !== undefined && registry === undefined) {
    throw new UserError(`--event-format ${format} needs a registry: set SCHEMA_REGISTRY_URL.`, 2)
  }
  return schema
}

async function* registerSchemas(
  registry: RegistrySettings,
  { topics }: Settings,
  eventSchema: ShippedSchema | undefined,
): AsyncGenerator<SchemaStep> {
  const client = new RegistryClient(registry)
  const events = eventSchema && topics.events.map((topic) => [topic, eventSchema] as const)
  for (const [topic, schema] of [[topics.results, 'result'] as const, ...(events ?? [])]) {
    const subject = subjectOf(topic)
    const registration = await registerSchema(client, subject, schema)
    yield registration.kind === 'registered'
      ? { kind: 'schema', subject, state: 'ready', id: registration.id }
      : { kind: 'schema', subject, state: 'refused', message: registration.message }
  }
}

/** Event topics come first: the size limits of the others follow from theirs. */
async function ensureTopics(
  admin: KafkaAdmin,
  { topics, tiers }: Settings,
  creation: NewTopics,
  report: Report,
): Promise<void> {
  const existing = await admin.listTopics()
  const events = wantedEventTopics(topics)
  const shared = sharedNames([...events, ...wantedOwnTopics(topics, tiers, 0, existing)])
  if (shared.length > 0) {
    throw new UserError(
      `Each topic needs a name of its own, but these names are used twice: ${shared.join(', ')}. Check HOOKTIDE_EVENT_TOPICS and HOOKTIDE_TOPIC_*.`,
      2,
    )
  }
  for (const one of events) report(await ensure(admin, one, creation))
  const eventBytes = largestEventBytes(await describeEnsured(admin, events))
  for (const one of wantedOwnTopics(topics, tiers, eventBytes, existing)) {
    report(await ensure(admin, one, creation))
  }
}

async function ensure(admin: KafkaAdmin, wanted: WantedTopic, creation: NewTopics): Promise<Step> {
  const { topic } = wanted
  const { cluster, access } = creation
  let found = await admin.describeTopic(topic)
  if (found === undefined) {
    const created = await create(admin, wanted, creation)
    if (created !== undefined) {
      const { minInSync, replicas } = created
      const configs = minInSync === undefined ? {} : durableConfigs(replicas)
      const differences = durabilityOf(topic, { replicas, configs }, cluster.brokers, access)
      return { kind: 'topic', topic, state: 'created', differences, created }
    }
    // Another client created it in the meantime.
    found = await admin.describeTopic(topic)
  }
  const differences = found && [
    ...differencesOf(wanted, found, access),
    ...durabilityOf(topic, found, cluster.brokers, access),
  ]
  const state = differences?.length ? 'differs' : 'exists'
  return { kind: 'topic', topic, state, differences: differences ?? [] }
}

/** `undefined` if the topic exists already. */
async function create(
  admin: KafkaAdmin,
  { topic, isSinglePartition, configs }: WantedTopic,
  { partitions, replicationFactor, cluster }: NewTopics,
): Promise<CreatedTopic | undefined> {
  const durable = durableConfigs(replicationFactor ?? cluster.defaultReplicas)
  const spread = await admin.createTopic({
    topic,
    partitions: isSinglePartition ? 1 : partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configs: { ...configs, ...durable },
  })
  const minInSync = durable['min.insync.replicas']
  if (spread === undefined || minInSync === undefined) return spread
  return { ...spread, minInSync: Number(minInSync) }
}

/** Such as `6 partitions, 3 replicas, min.insync.replicas 2`. */
function spreadText({ partitions, replicas, minInSync }: CreatedTopic): string {
  const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
  return [
    counted(partitions, 'partition'),
    counted(replicas, 'replica'),
    ...(minInSync === undefined ? [] : [`min.insync.replicas ${minInSync}`]),
  ].join(', ')
}

function describe(step: Step): readonly string[] {
  switch (step.kind) {
    case 'topic':
      return [
        `${step.state.padEnd(8)} ${step.topic}${step.created ? ` (${spreadText(step.created)})` : ''}`,
        ...step.differences.flatMap(({ severity, message, fix }) => [
          `         ${severity === 'refused' ? 'must be fixed' : 'note'}: ${message}`,
          `           fix: ${fix}`,
        ]),
      ]
    case 'offsets':
      return [
        `${step.state.padEnd(8)} offsets of group ${step.group} on ${step.topic}${step.message === '' ? '' : `: ${step.message}`}`,
      ]
    case 'schema':
      return [
        `${step.state.padEnd(8)} schema ${step.subject}${step.state === 'ready' ? `, id ${step.id}` : `: ${step.message}`}`,
      ]
  }
}
