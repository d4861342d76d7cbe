/** `hooktide status`: processors, what they read, lag, what waits, and health, as the broker and the topics have it. */
import { endpointStateOf } from '../../core/health/record.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { tierTopicsIn } from '../../edge/kafka/topic-plan.ts'
import { version } from '../../version.ts'
import type { Command, CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { readHooks, type StoredHook } from '../hooks/topic.ts'
import { withAdmin } from '../kafka-session.ts'
import { booleanOption } from '../option-values.ts'
import { reportOf, statusLines, statusNotes, type GroupFacts, type HookCounts } from './report.ts'

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show processors, their partitions and versions, lag, what waits, and health.',
  usage: '[--json]',
  examples: ['status', 'status --json'],
  options: { json: { type: 'boolean', description: 'One JSON object.' } },
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, print, note } = context
  const { topics, groupId } = settings
  const hooks = [...(await readHooks(context)).values()]
  const endpoints = await readEndpoints(context)
  const states = hooks.flatMap(({ id, entry }) =>
    entry.kind === 'active' ? [endpointStateOf(entry.hook, endpoints.get(id))] : [],
  )
  const groups = await withAdmin(settings, async (admin) => {
    const existing = await admin.listTopics()
    const live = [...topics.events, topics.requests].filter((topic) => existing.includes(topic))
    const tiers = tierTopicsIn(existing, topics.retryPrefix)
    return [await factsOf(admin, groupId, live), await factsOf(admin, retryGroupOf(groupId), tiers)]
  })
  const report = reportOf(groups, countsOf(hooks), states)
  if (booleanOption(context, 'json')) {
    print(JSON.stringify(report))
    return 0
  }
  statusLines(report, version).forEach(print)
  statusNotes(report, version).forEach(note)
  return 0
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
