/** `hooktide explain`: what became of an event, or of a delivery, and why. */
import { HookAnswers, type HookAnswer } from '../../core/answers/hook-answers.ts'
import { decodeCompletedRuns } from '../../core/offsets/completed-runs.ts'
import { asError } from '../../core/model/errors.ts'
import type { HookId, RecordPlace } from '../../core/model/model.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { createFilters } from '../../edge/filter/cel.ts'
import type { Command, CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { readHooks } from '../hooks/topic.ts'
import { withAdmin } from '../kafka-session.ts'
import { booleanOption } from '../option-values.ts'
import { explain, type Handled } from './explanation.ts'
import type { FoundEvent } from './found.ts'
import { find, type FoundRejection } from './search.ts'
import { explanationJson, explanationLines } from './view.ts'
import { explainOptions, wantedOf, type Wanted } from './wanted.ts'

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Say what became of an event, or why it was sent to nobody.',
  usage: '(--user | --event-id | --delivery | --offset) <value>',
  options: explainOptions,
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

async function run(context: CommandContext): Promise<0 | 1> {
  const wanted = wantedOf(context, Date.now())
  const { events, rejections } = await find(context, wanted)
  const found = events.inOrder()
  for (const rejection of rejections) printRejection(context, rejection)
  if (found.length === 0) {
    if (rejections.length === 0) context.note(absence(wanted))
    return 1
  }
  const hooks = await readHooks(context)
  const endpoints = await readEndpoints(context)
  const answers = new HookAnswers(
    [...hooks.values()].map(({ entry }) => entry),
    createFilters(),
  )
  const completion = await completionOf(context, found)
  const isJson = booleanOption(context, 'json')
  for (const [index, one] of found.entries()) {
    const explanation = explain(one, {
      ...{ hooks, endpoints, now: Date.now(), only: wanted.hook },
      answers: one.event === undefined ? new Map<HookId, HookAnswer>() : answers.of(one.event),
      handled: one.event && completion(one.event.source),
    })
    if (isJson) context.print(JSON.stringify(explanationJson(explanation)))
    else {
      if (index > 0) context.print('')
      for (const line of explanationLines(explanation, context.columns)) context.print(line)
    }
  }
  const { leftOut } = events
  if (leftOut > 0)
    context.note(`${leftOut} earlier ones: --last ${leftOut + found.length} shows all.`)
  return 0
}

function printRejection(context: CommandContext, { place, rejection }: FoundRejection): void {
  const { reason, field, message } = rejection
  if (booleanOption(context, 'json'))
    context.print(JSON.stringify({ record: placeOf(place), rejection }))
  else {
    const where = field === '' ? '' : ` (${field})`
    context.print(`${placeOf(place)} is rejected, ${reason}${where}: ${message}`)
  }
}

function absence({ subject, from }: Wanted): string {
  const since = from === 'earliest' ? '' : ` since ${new Date(from).toISOString()}`
  switch (subject.kind) {
    case 'user':
      return `There is no event about ${subject.id}${since}: none was written, none has that id, or --from must be earlier.`
    case 'event':
      return `There is no event ${subject.id}${since}: it was not written, or --from must be earlier.`
    case 'delivery':
      return `Nothing is recorded of delivery ${subject.id}${since}.`
    case 'place':
      return `There is no record at ${placeOf(subject.place)}: it was removed, or never written.`
  }
}

/** Which records the group has completed. */
async function completionOf(
  { settings, note }: CommandContext,
  found: readonly FoundEvent[],
): Promise<(place: RecordPlace) => Handled> {
  const { groupId: group } = settings
  const topics = [
    ...new Set(found.flatMap(({ event }) => (event === undefined ? [] : [event.source.topic]))),
  ]
  if (topics.length === 0) return () => undefined
  try {
    const commits = await withAdmin(settings, (admin) => admin.groupOffsets(group, topics))
    return ({ topic, partition, offset }) => {
      const commit = commits.find((one) => one.topic === topic && one.partition === partition)
      if (commit === undefined) return notDone(group, `${topic}/${partition}/${offset}`, undefined)
      if (commit.offset > offset) return { kind: 'yes' }
      const place = { group, topic, partition, offset: commit.offset }
      const runs = decodeCompletedRuns(place, commit.metadata)
      const isComplete =
        runs.kind === 'ranges' && runs.ranges.some(({ from, to }) => from <= offset && offset < to)
      if (isComplete) return { kind: 'yes' }
      return notDone(group, `${topic}/${partition}/${offset}`, commit.offset)
    }
  } catch (error) {
    note(`Cannot tell whether group ${group} has handled it: ${asError(error).message}`)
    return () => undefined
  }
}

function notDone(group: string, place: string, committed: number | undefined): Handled {
  const stands = committed === undefined ? 'has committed nothing there' : `stands at ${committed}`
  return { kind: 'no', words: `Group ${group} has not completed ${place} yet: it ${stands}.` }
}
