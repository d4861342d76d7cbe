/**
 * `hooktide init`: makes what a processor needs and is not there. Nothing that exists is changed: whose topic it is, and
 * what else reads it, is not known here. What differs is said, with the way to mend it.
 */
import type { Settings } from '../config.ts'
import { UserError, type ExitCode } from '../core/errors.ts'
import {
  differencesOf,
  largestEventBytes,
  sharedNames,
  wantedEventTopics,
  wantedOwnTopics,
  type Difference,
  type WantedTopic,
} from '../core/topic-plan.ts'
import type { KafkaAdmin, TopicDescription } from '../edge/kafka-admin.ts'
import { registerResultSchema, subjectOf } from '../edge/result-codec.ts'
import type { Command, CommandContext } from './command.ts'
import { firstOffsets, type OffsetsStep, readStart } from './first-offsets.ts'
import { withAdmin } from './kafka-session.ts'
import {
  flagOption,
  integerOption,
  noArguments,
  registrySettingsOf,
  textOption,
} from './option-values.ts'
import { describeAll } from './startup-checks.ts'

export const initCommand: Command = {
  name: 'init',
  summary: 'Create topics, first offsets and schemas that are missing.',
  usage: '[--partitions <n>] [--from <start>] [options]',
  options: {
    partitions: {
      type: 'string',
      description: 'Partitions of topics that are created; compacted ones always have 1. [6]',
    },
    'replication-factor': {
      type: 'string',
      description: "Replicas of topics that are created; default is the broker's own.",
    },
    from: {
      type: 'string',
      description:
        'Where a new group starts on event topics: latest, earliest, or a time such as 2026-01-31T08:00:00Z. [latest]',
    },
    json: { type: 'boolean', description: 'One JSON object per topic, group and schema.' },
  },
  run,
}

type Step =
  | {
      readonly kind: 'topic'
      readonly topic: string
      readonly state: 'created' | 'exists' | 'differs'
      readonly differences: readonly Difference[]
    }
  | OffsetsStep
  | { readonly kind: 'schema'; readonly subject: string; readonly id: number }

interface NewTopics {
  readonly partitions: number
  readonly replicationFactor: number | undefined
}

type Report = (step: Step) => void

async function run(context: CommandContext): Promise<ExitCode | 0> {
  const { settings, print } = context
  noArguments(context)
  const start = readStart(textOption(context, 'from') ?? 'latest')
  const creation = {
    partitions: integerOption(context, 'partitions', 1, 10_000) ?? 6,
    replicationFactor: integerOption(context, 'replication-factor', 1, 100),
  }
  const isJson = flagOption(context, 'json')
  let canRun = true
  const report: Report = (step) => {
    print(isJson ? JSON.stringify(step) : describe(step))
    canRun &&= !isRefused(step)
  }
  await withAdmin(settings, async (admin) => {
    await ensureTopics(admin, settings, creation, report)
    for (const step of await firstOffsets(admin, settings, start)) report(step)
  })
  const registry = registrySettingsOf(settings)
  if (registry !== undefined) {
    const topic = settings.topics.results
    const id = await registerResultSchema(registry, topic)
    report({ kind: 'schema', subject: subjectOf(topic), id })
  }
  return canRun ? 0 : 1
}

/** Whether `run` would not start for it. */
function isRefused(step: Step): boolean {
  if (step.kind === 'topic') return step.differences.some(({ severity }) => severity === 'refused')
  return step.kind === 'offsets' && step.state === 'blocked'
}

/** Event topics first: the others are sized by what those take. */
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
      `Each topic must have a name of its own, and these stand for two: ${shared.join(', ')}. Check HOOKTIDE_EVENT_TOPICS and HOOKTIDE_TOPIC_*.`,
      2,
    )
  }
  for (const one of events) report(await ensure(admin, one, creation))
  const described = await describeAll(admin, events)
  const eventBytes = largestEventBytes([...described.values()])
  for (const one of wantedOwnTopics(topics, tiers, eventBytes, existing)) {
    report(await ensure(admin, one, creation))
  }
}

async function ensure(admin: KafkaAdmin, wanted: WantedTopic, creation: NewTopics): Promise<Step> {
  const { topic } = wanted
  const found = (await admin.describeTopic(topic)) ?? (await create(admin, wanted, creation))
  if (found === undefined) return { kind: 'topic', topic, state: 'created', differences: [] }
  const differences = differencesOf(wanted, found)
  const state = differences.length > 0 ? 'differs' : 'exists'
  return { kind: 'topic', topic, state, differences }
}

/** `undefined` when it was created; else what somebody else created meanwhile. */
async function create(
  admin: KafkaAdmin,
  { topic, isSinglePartition, configs }: WantedTopic,
  { partitions, replicationFactor }: NewTopics,
): Promise<TopicDescription | undefined> {
  const isCreated = await admin.createTopic({
    topic,
    partitions: isSinglePartition ? 1 : partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configs,
  })
  return isCreated ? undefined : await admin.describeTopic(topic)
}

function describe(step: Step): string {
  switch (step.kind) {
    case 'topic':
      return [
        `${step.state.padEnd(8)} ${step.topic}`,
        ...step.differences.map(
          ({ severity, message, fix }) =>
            `         ${severity === 'refused' ? 'must be mended' : 'note'}: ${message}\n           mend it with: ${fix}`,
        ),
      ].join('\n')
    case 'offsets':
      return `${step.state.padEnd(8)} offsets of group ${step.group} on ${step.topic}${step.message === '' ? '' : `: ${step.message}`}`
    case 'schema':
      return `${'ready'.padEnd(8)} schema ${step.subject}, id ${step.id}`
  }
}
