/** `hooktide replay`: requests deliveries again, from the records that the topics still hold. */
import { randomBytes } from 'node:crypto'
import { replayGroupPrefix } from '../../core/model/group-names.ts'
import { UserError } from '../../core/model/errors.ts'
import { newHookId } from '../../core/hook/hook.ts'
import type { HookTable } from '../../core/hook/table.ts'
import { groupRight, topicRight } from '../../edge/kafka/needed-rights.ts'
import { leftOutReasons } from './requests.ts'
import {
  grouped,
  remainingOf,
  readCommits,
  type ReplayOrder,
  type StoredReplay,
} from './progress.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Command, CommandContext, InterruptedCode } from '../command.ts'
import { refuseAbsent } from '../existing-topics.ts'
import { kafkaSettingsOf, refuseMissing, refuseWithoutRights, withAdmin } from '../kafka-session.ts'
import { confirmationFor } from '../confirmation.ts'
import { booleanOption } from '../option-values.ts'
import { isWide, rateOf, replayOptions, parseReplayOptions, type ParsedReplay } from './options.ts'
import { createPlan } from './plan.ts'
import { findRange, remainingRange, type FoundRange } from './range.ts'
import { Replayer, type Counts, type ReplayerParts, type ReplayOutput } from './replayer.ts'
import { createRequestWriter } from './request-writer.ts'
import { compareTexts, listLines, type ListColumn } from '../table.ts'

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Request deliveries again: by time, offset, hook or event, or dead letters.',
  usage: '[--from <start> | --offsets <ranges>] [--failed-only] …',
  examples: [
    'replay --from 2h --hook my-hook --dry-run',
    'replay --failed-only --hook my-hook --rate 50',
  ],
  options: replayOptions,
  uses: ['kafka', 'registry', 'topics'],
  run,
}

async function run(context: CommandContext): Promise<0 | InterruptedCode> {
  const { settings } = context
  const rate = rateOf(context)
  const wanted = parseReplayOptions(context, Date.now())
  const isAsking = isWide(wanted) && !booleanOption(context, 'dry-run')
  const confirm = isAsking ? confirmationFor(context, 'Nothing was requested.') : undefined
  return await withAdmin(settings, async (admin) => {
    const stored = await prepareReplay(context, admin, wanted)
    const isBegun = wanted.kind === 'resume'
    const { plan, table } = await createPlan(context, admin, stored.order, isBegun)
    if (booleanOption(context, 'dry-run')) {
      const dryRun = new Replayer({ ...stored, plan, context, output: undefined })
      const end = await dryRun.run()
      if (end !== 0) context.note('interrupted: the counts are incomplete')
      report(context, { table, counts: dryRun.counts, id: undefined })
      return end
    }
    const { requests } = settings.topics
    await refuseWithoutRights(kafkaSettingsOf(settings), [
      topicRight('Write', requests),
      { ...groupRight('Read', replayGroupPrefix(settings.groupId)), isPrefix: true },
    ])
    await refuseMissing(admin, requests)
    await confirm?.(questionOf(stored))
    const id = wanted.kind === 'resume' ? wanted.id : newReplayId()
    const { signal } = context
    const writer = createRequestWriter({ settings, trigger: 'replay', ratePerSecond: rate, signal })
    const output = { writer, admin, groupId: groupOf(settings, id) }
    try {
      return await write(context, id, { ...stored, plan, context, output }, table)
    } finally {
      await writer.stop()
    }
  })
}

function questionOf({ reaches, order }: StoredReplay): string {
  const what = order.from === 'events' ? 'events' : 'dead letters'
  const whose = order.undelivered === true ? ', as far as they are undelivered,' : ''
  return `Request the deliveries of up to ${grouped(remainingOf(reaches))} ${what}${whose} again, to the hooks of all tenants?`
}

async function write(
  context: CommandContext,
  id: string,
  parts: ReplayerParts & { readonly output: ReplayOutput },
  table: HookTable,
): Promise<0 | InterruptedCode> {
  const { admin, groupId } = parts.output
  const advice = resumeAdvice(id, rateOf(context))
  const replayer = new Replayer(parts)
  await replayer.save()
  noteStart(context, id, parts)
  try {
    const end = await replayer.run()
    report(context, { table, counts: replayer.counts, id })
    if (end === 0) await deleteProgress(admin, groupId)
    else context.note(advice)
    return end
  } catch (error) {
    context.note(advice)
    throw error
  }
}

async function prepareReplay(
  context: CommandContext,
  admin: KafkaAdmin,
  wanted: ParsedReplay,
): Promise<StoredReplay> {
  const { settings } = context
  if (wanted.kind === 'resume') {
    const { order, reaches } = await readStoredReplay(admin, settings, wanted.id)
    const rest = await remainingRange(admin, topicsOf(settings, order), reaches)
    return withRemovedNote(context, order, rest)
  }
  const { order, range } = wanted
  const topics = topicsOf(settings, order)
  await refuseAbsent(admin, settings, topics)
  return withRemovedNote(context, order, await findRange(admin, topics, range))
}

function withRemovedNote(
  { note }: CommandContext,
  order: ReplayOrder,
  { reaches, removedCount }: FoundRange,
): StoredReplay {
  noteRemoved(note, removedCount)
  return { order, reaches }
}

function noteRemoved(note: CommandContext['note'], count: number): void {
  if (count === 0) return
  note(`${grouped(count)} of the offsets no longer exist: retention has removed them.`)
}

function topicsOf({ topics }: Settings, { from }: ReplayOrder): readonly string[] {
  return from === 'events' ? topics.events : [topics.deadLetters]
}

/** @throws UserError when the replay has no progress stored, or none that this version can resume */
async function readStoredReplay(
  admin: KafkaAdmin,
  settings: Settings,
  id: string,
): Promise<StoredReplay> {
  const { events, deadLetters } = settings.topics
  const group = groupOf(settings, id)
  const commits = await admin.groupOffsets(group, [...events, deadLetters])
  if (commits.length === 0) {
    const known = await unfinished(admin, settings)
    const others =
      known.length === 0 ? 'No replay is unfinished.' : `Unfinished: ${known.join(', ')}.`
    throw new UserError(
      `There is no replay "${id}" to resume: it is done, or Kafka has deleted its progress after a week. ${others}`,
    )
  }
  const stored = readCommits(group, commits)
  if (stored !== undefined) return stored
  throw new UserError(
    `Replay "${id}" cannot be resumed: it was started with event topics other than ${events.join(', ')}, or by another version of hooktide, or another program has set its offsets. Start it again from the beginning: what it has sent already is sent again.`,
  )
}

async function unfinished(admin: KafkaAdmin, { groupId }: Settings): Promise<readonly string[]> {
  const prefix = replayGroupPrefix(groupId)
  const groups = await admin.listGroups(prefix)
  return groups.map((group) => group.groupId.slice(prefix.length)).toSorted()
}

function groupOf({ groupId }: Settings, id: string): string {
  return replayGroupPrefix(groupId) + id
}

/** Short, since people type it. */
function newReplayId(): string {
  return newHookId(randomBytes(64)).slice(0, 8)
}

function noteStart({ note }: CommandContext, id: string, { reaches }: StoredReplay): void {
  const topics = [...new Set(reaches.map(({ topic }) => topic))].join(', ')
  note(`replay ${id}: reading ${grouped(remainingOf(reaches))} records of ${topics}`)
}

/** Names the rate too: it is not stored, and without it the resumed replay would have no limit. */
function resumeAdvice(id: string, rate: number | undefined): string {
  const limit = rate === undefined ? '' : ` --rate ${rate}`
  return `The replay is not done. Continue it with: hooktide replay --resume ${id}${limit}`
}

/** Without the right to delete groups this fails. That does no harm: the broker deletes the group after a week. */
async function deleteProgress(admin: KafkaAdmin, groupId: string): Promise<void> {
  await admin.deleteGroups([groupId]).catch(() => undefined)
}

const countColumns: readonly ListColumn[] = [
  { heading: 'HOOK', rank: 0, min: 21, max: 300 },
  { heading: 'TENANT', rank: 0, min: 21, max: 300 },
  { heading: 'DELIVERIES', rank: 0, min: 13 },
]

function report(
  context: CommandContext,
  outcome: {
    readonly table: HookTable
    readonly counts: Counts
    /** `undefined` for a dry run. */
    readonly id: string | undefined
  },
): void {
  const { print, settings } = context
  const { table, counts, id } = outcome
  const { records, requests, leftOut, removed } = counts
  noteRemoved(context.note, removed)
  const hooks = [...counts.byHook]
    .map(([hookId, deliveries]) => ({
      hookId,
      tenantId: table.get(hookId)?.hook.tenantId ?? null,
      deliveries,
    }))
    .toSorted(
      (one, other) => other.deliveries - one.deliveries || compareTexts(one.hookId, other.hookId),
    )
  if (booleanOption(context, 'json')) {
    for (const hook of hooks) print(JSON.stringify(hook))
    const all = { records, requests, leftOut: Object.fromEntries(leftOut) }
    print(JSON.stringify({ replay: id ?? null, dryRun: id === undefined, ...all }))
    return
  }
  const rows = hooks.map(({ hookId, tenantId, deliveries }) => [
    hookId,
    tenantId ?? '?',
    grouped(deliveries),
  ])
  if (rows.length > 0) {
    for (const line of listLines(countColumns, rows, context.columns)) print(line)
  }
  for (const [why, count] of leftOut) print(`left out: ${grouped(count)}: ${leftOutReasons[why]}`)
  const read = `${grouped(records)} record(s) read`
  const asked = `${grouped(requests)} deliveries`
  print(
    id === undefined
      ? `${read}, ${asked} would be requested`
      : `${read}, ${asked} requested on ${settings.topics.requests}`,
  )
}
