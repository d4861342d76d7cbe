/** `hooktide replay`: asks for deliveries anew, of what the topics still hold. */
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
import { kafkaSettingsOf, refuseMissing, refuseWithoutRights, withAdmin } from '../kafka-session.ts'
import { flagOption } from '../option-values.ts'
import { rateOf, replayOptions, wantedOf, type Wanted } from './options.ts'
import { createPlan } from './plan.ts'
import { findRange, whatIsLeft, type FoundRange } from './range.ts'
import { Replaying, type Counts, type ReplayingParts, type Writing } from './replaying.ts'
import { createRequestWriter } from './request-writer.ts'
import { alignedRows, compareTexts } from '../table.ts'

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Ask for deliveries anew: by time, offset, hook or event, or dead letters.',
  usage: '[--from <start> | --offsets <ranges>] [--failed-only] …',
  options: replayOptions,
  uses: ['kafka', 'registry', 'topics'],
  run,
}

async function run(context: CommandContext): Promise<0 | InterruptedCode> {
  const { settings } = context
  const rate = rateOf(context)
  const wanted = wantedOf(context, Date.now())
  return await withAdmin(settings, async (admin) => {
    const stored = await storedOf(context, admin, wanted)
    const isBegun = wanted.kind === 'resume'
    const { plan, table } = await createPlan(context, stored.order, isBegun)
    if (flagOption(context, 'dry-run')) {
      const counting = new Replaying({ ...stored, plan, context, writing: undefined })
      const end = await counting.run()
      if (end !== 0) context.note('interrupted: what follows was counted until then')
      report(context, { table, counts: counting.counts, id: undefined })
      return end
    }
    const { requests } = settings.topics
    await refuseWithoutRights(kafkaSettingsOf(settings), [
      topicRight('Write', requests),
      { ...groupRight('Read', replayGroupPrefix(settings.groupId)), isPrefix: true },
    ])
    await refuseMissing(admin, requests)
    const id = wanted.kind === 'resume' ? wanted.id : newReplayId()
    const { signal } = context
    const writer = createRequestWriter({ settings, trigger: 'replay', ratePerSecond: rate, signal })
    const writing = { writer, admin, groupId: groupOf(settings, id) }
    try {
      return await write(context, id, { ...stored, plan, context, writing }, table)
    } finally {
      await writer.stop()
    }
  })
}

async function write(
  context: CommandContext,
  id: string,
  parts: ReplayingParts & { readonly writing: Writing },
  table: HookTable,
): Promise<0 | InterruptedCode> {
  const { admin, groupId } = parts.writing
  const advice = goOn(id, rateOf(context))
  const replaying = new Replaying(parts)
  await replaying.save()
  tellStart(context, id, parts)
  try {
    const end = await replaying.run()
    report(context, { table, counts: replaying.counts, id })
    if (end === 0) await forget(admin, groupId)
    else context.note(advice)
    return end
  } catch (error) {
    context.note(advice)
    throw error
  }
}

async function storedOf(
  context: CommandContext,
  admin: KafkaAdmin,
  wanted: Wanted,
): Promise<StoredReplay> {
  const { settings } = context
  if (wanted.kind === 'resume') {
    const { order, reaches } = await resumed(admin, settings, wanted.id)
    return told(context, order, await whatIsLeft(admin, topicsOf(settings, order), reaches))
  }
  const { order, range } = wanted
  return told(context, order, await findRange(admin, topicsOf(settings, order), range))
}

function told(
  { note }: CommandContext,
  order: ReplayOrder,
  { reaches, goneCount }: FoundRange,
): StoredReplay {
  tellGone(note, goneCount)
  return { order, reaches }
}

function tellGone(note: CommandContext['note'], count: number): void {
  if (count === 0) return
  note(`${grouped(count)} of the offsets are no longer there: retention has removed them.`)
}

function topicsOf({ topics }: Settings, { from }: ReplayOrder): readonly string[] {
  return from === 'events' ? topics.events : [topics.deadLetters]
}

/** @throws UserError when nothing of it is known, or not all */
async function resumed(admin: KafkaAdmin, settings: Settings, id: string): Promise<StoredReplay> {
  const { events, deadLetters } = settings.topics
  const group = groupOf(settings, id)
  const commits = await admin.groupOffsets(group, [...events, deadLetters])
  if (commits.length === 0) {
    const known = await unfinished(admin, settings)
    const others =
      known.length === 0 ? 'No replay is unfinished.' : `Not done: ${known.join(', ')}.`
    throw new UserError(
      `There is no replay "${id}" to go on with: it is done, or Kafka has forgotten it after a week. ${others}`,
    )
  }
  const stored = readCommits(group, commits)
  if (stored !== undefined) return stored
  throw new UserError(
    `Replay "${id}" cannot be gone on with: it was begun with other event topics than ${events.join(', ')}, or by another version of hooktide, or its offsets were set by another program. Begin it anew: what it has sent already is sent again.`,
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

/** Short, since it is typed. */
function newReplayId(): string {
  return newHookId(randomBytes(64)).slice(0, 8)
}

function tellStart({ note }: CommandContext, id: string, { reaches }: StoredReplay): void {
  const topics = [...new Set(reaches.map(({ topic }) => topic))].join(', ')
  note(`replay ${id}: ${grouped(remainingOf(reaches))} records of ${topics} to read`)
}

/** With the rate again: it is no part of what is stored, and without it the rest would come as fast as it can. */
function goOn(id: string, rate: number | undefined): string {
  const limit = rate === undefined ? '' : ` --rate ${rate}`
  return `It is not done. Go on with: hooktide replay --resume ${id}${limit}`
}

/** What is left of a replay that is done says nothing; a group that may not be deleted is forgotten after a week. */
async function forget(admin: KafkaAdmin, groupId: string): Promise<void> {
  await admin.deleteGroups([groupId]).catch(() => undefined)
}

function report(
  context: CommandContext,
  told: {
    readonly table: HookTable
    readonly counts: Counts
    /** `undefined`: none was requested. */
    readonly id: string | undefined
  },
): void {
  const { print, settings } = context
  const { table, counts, id } = told
  const { records, requests, leftOut, removed } = counts
  tellGone(context.note, removed)
  const hooks = [...counts.byHook]
    .map(([hookId, deliveries]) => ({
      hookId,
      tenantId: table.get(hookId)?.hook.tenantId ?? null,
      deliveries,
    }))
    .toSorted(
      (one, other) => other.deliveries - one.deliveries || compareTexts(one.hookId, other.hookId),
    )
  if (flagOption(context, 'json')) {
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
    for (const line of alignedRows([['HOOK', 'TENANT', 'DELIVERIES'], ...rows])) print(line)
  }
  for (const [why, count] of leftOut) print(`left out: ${grouped(count)}: ${leftOutReasons[why]}`)
  const read = `${grouped(records)} record(s) read`
  const asked = `${grouped(requests)} deliveries`
  print(
    id === undefined
      ? `${read}, ${asked} would be requested`
      : `${read}, ${asked} requested by way of ${settings.topics.requests}`,
  )
}
