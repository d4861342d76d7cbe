/** `hooktide status`: processors, what they read, lag, what waits, and health, as the broker and the topics have it. */
import { endpointStateOf } from '../../core/health/record.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import { earliestStart } from '../../core/run/waiting.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { topicRight } from '../../edge/kafka/needed-rights.ts'
import { tierTopicsIn } from '../../edge/kafka/topic-plan.ts'
import { version } from '../../version.ts'
import type { Command, CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { existingTopics } from '../existing-topics.ts'
import { readHooks, type StoredHook } from '../hooks/topic.ts'
import { withAdmin } from '../kafka-session.ts'
import { grouped } from '../replay/progress.ts'
import { ifReadable, statusRights, withRights } from '../needed-rights.ts'
import { booleanOption } from '../option-values.ts'
import { everythingWaiting } from '../waiting/waiting.ts'
import {
  reportOf,
  statusLines,
  statusNotes,
  topicsOf,
  type DueTimes,
  type GroupFacts,
  type HookCounts,
} from './report.ts'

/** To read more takes seconds, which few ask for who want to know how things are. */
const mostRead = 200_000

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show processors, their partitions and versions, lag, what waits, and health.',
  usage: '[--due] [--json]',
  examples: ['status', 'status --json'],
  options: {
    due: {
      type: 'boolean',
      description: `Tell when what waits is due even if more than ${grouped(mostRead)} deliveries have to be read.`,
    },
    json: { type: 'boolean', description: 'One JSON object.' },
  },
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, print, note } = context
  const { topics } = settings
  const { hooks, states, groups } = await withRights(settings, statusRights(settings), () =>
    readFacts(context),
  )
  const report = reportOf(
    groups,
    { hooks: countsOf(hooks), states },
    await dueTimes(context, waitingIn(groups, topics.events)),
  )
  if (booleanOption(context, 'json')) {
    print(JSON.stringify(report))
    return 0
  }
  const { columns } = context
  statusLines(report, version, { now: Date.now(), columns }).forEach(print)
  statusNotes(report, version).forEach(note)
  return 0
}

async function readFacts(context: CommandContext) {
  const { settings } = context
  const { topics, groupId } = settings
  const hooks = [...(await readHooks(context)).values()]
  const endpoints = await readEndpoints(context)
  const states = hooks.flatMap(({ id, entry }) =>
    entry.kind === 'active' && entry.hook.enabled
      ? [endpointStateOf(entry.hook, endpoints.get(id))]
      : [],
  )
  const groups = await withAdmin(settings, async (admin) => {
    const own = [...topics.events, topics.requests]
    const wanted = [...own, ...settings.tiers.map(({ topic }) => topic)]
    const rights = wanted.map((topic) => topicRight('Describe', topic))
    const existing = await existingTopics(admin, settings, rights)
    const live = own.filter((topic) => existing.includes(topic))
    const tiers = tierTopicsIn(existing, topics.retryPrefix)
    return [await factsOf(admin, groupId, live), await factsOf(admin, retryGroupOf(groupId), tiers)]
  })
  return { hooks, states, groups }
}

/** The number of records on the topics of retries and requests that are not complete. */
function waitingIn(groups: readonly GroupFacts[], events: readonly string[]): number {
  return groups
    .flatMap((facts) => topicsOf(facts, new Map()))
    .filter(({ topic }) => !events.includes(topic))
    .reduce((sum, { lag }) => sum + lag, 0)
}

/** When what waits is due, by topic. Without the right to read that, the rest of the answer is complete. */
async function dueTimes(
  context: CommandContext,
  waiting: number,
): Promise<ReadonlyMap<string, DueTimes>> {
  if (waiting > mostRead && !booleanOption(context, 'due')) {
    const all = `${grouped(waiting)} deliveries wait`
    context.note(`${all}: to tell when they are due, "hooktide status --due" reads them all.`)
    return new Map()
  }
  const told = await ifReadable(context, 'What waits now cannot be told', async () => {
    const due = new Map<string, DueTimes>()
    let count = 0
    for await (const runs of everythingWaiting(context)) {
      for (const run of runs) {
        const { topic } = run.place
        const at = earliestStart(run)
        const { first, last } = due.get(topic) ?? { first: at, last: at }
        due.set(topic, { first: Math.min(first, at), last: Math.max(last, at) })
      }
      count += runs.length
      context.showProgress?.(`${count} deliveries that wait`)
    }
    return due
  })
  return told ?? new Map()
}

async function factsOf(
  admin: KafkaAdmin,
  groupId: string,
  topics: readonly string[],
): Promise<GroupFacts> {
  const [description, commits, ranges] = await Promise.all([
    admin.describeGroup(groupId),
    admin.groupOffsets(groupId, topics),
    Promise.all(topics.map((topic) => admin.offsets(topic))),
  ])
  return { groupId, description, commits, ranges: ranges.flat() }
}

/** A suspended hook counts as that alone: nothing is sent for it whatever it says. */
function countsOf(hooks: readonly StoredHook[]): HookCounts {
  const active = hooks.filter(({ entry }) => entry.kind === 'active')
  const enabled = active.filter(({ entry }) => entry.hook.enabled).length
  return {
    enabled,
    disabled: active.length - enabled,
    suspended: hooks.length - active.length,
  }
}
