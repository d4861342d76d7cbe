/** `hooktide explain`: what happened to an event or a delivery, and why. */
import { HookAnswers, type HookAnswer } from '../../core/answers/hook-answers.ts'
import { decodeCompletedRuns } from '../../core/offsets/completed-runs.ts'
import { UserError } from '../../core/model/errors.ts'
import type { DeliveryId, HookId, RecordPlace } from '../../core/model/model.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { earliestStart, type WaitingRun } from '../../core/run/waiting.ts'
import { createFilters } from '../../edge/filter/cel.ts'
import type { Command, CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { readHooks } from '../hooks/topic.ts'
import { withAdmin } from '../kafka-session.ts'
import {
  explainRights,
  ifReadable,
  noteUnknown,
  waitingRights,
  withRights,
} from '../needed-rights.ts'
import { booleanOption } from '../option-values.ts'
import { timeText } from '../results/result-line.ts'
import { waitingOf } from '../waiting/waiting.ts'
import { explain, mayWait, type Explanation, type Handled, type Waiting } from './explanation.ts'
import type { FoundEvent } from './found.ts'
import { find, type Findings, type FoundRejection } from './search.ts'
import { explanationJson, explanationLines } from './view.ts'
import { explainOptions, mostEvents, wantedOf, type Wanted } from './wanted.ts'

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Explain what happened to events, or why nothing did.',
  usage: '(--user | --event-id | --delivery | --offset) <value>',
  examples: ['explain --user k3v9tq2mzx7a', 'explain --delivery dlv_4pX0cV3mJrKq8sT1uWyZ2a'],
  options: explainOptions,
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

async function run(context: CommandContext): Promise<0 | 1> {
  const { settings } = context
  const wanted = wantedOf(context, Date.now())
  const rights = [...explainRights(settings), ...waitingRights(settings)]
  const { events, rejections, explanations } = await withRights(settings, rights, async () => {
    const findings = await find(context, wanted)
    return { ...findings, explanations: await explained(context, findings) }
  })
  for (const rejection of rejections) printRejection(context, rejection)
  if (explanations.length === 0) {
    if (rejections.length === 0) context.note(absence(wanted))
    return 1
  }
  const isJson = booleanOption(context, 'json')
  for (const [index, explanation] of explanations.entries()) {
    if (isJson) context.print(JSON.stringify(explanationJson(explanation)))
    else {
      if (index > 0) context.print('')
      for (const line of explanationLines(explanation, context.columns)) context.print(line)
    }
  }
  const { leftOut } = events
  if (leftOut > 0) {
    const all = leftOut + explanations.length
    const shown = all > mostEvents ? `${mostEvents} shows more` : `${all} shows all`
    context.note(`${leftOut} earlier ones: --last ${shown}.`)
  }
  return 0
}

async function explained(
  context: CommandContext,
  { events, only }: Findings,
): Promise<readonly Explanation[]> {
  const found = events.inOrder()
  if (found.length === 0) return []
  const hooks = await readHooks(context)
  const endpoints = await readEndpoints(context)
  const entries = [...hooks.values()].map(({ entry }) => entry)
  const hookAnswers = new HookAnswers(entries, createFilters())
  const completion = await completionOf(context, found)
  const asked = found.map((one) => {
    const answers = one.event === undefined ? noAnswers : hookAnswers.of(one.event)
    return { one, answers, handled: one.event && completion(one.event.source) }
  })
  const mayWaitIn = asked.flatMap(({ one, answers }) => mayWait(one, answers, only))
  const waiting = await waitingNow(context, new Set(mayWaitIn))
  const now = Date.now()
  return asked.map(({ one, answers, handled }) =>
    explain(one, { hooks, endpoints, answers, handled, waiting, now, only }),
  )
}

const noAnswers: ReadonlyMap<HookId, HookAnswer> = new Map()

/** Where these deliveries wait. Without the right to read that, the rest of the answer is still complete. */
async function waitingNow(
  context: CommandContext,
  deliveries: ReadonlySet<DeliveryId>,
): Promise<ReadonlyMap<DeliveryId, readonly Waiting[]>> {
  if (deliveries.size === 0) return new Map()
  const runs = await ifReadable(context, 'Where these deliveries wait cannot be told', () =>
    waitingOf(context, deliveries),
  )
  if (runs === undefined) return new Map()
  return new Map([...deliveries].map((id) => [id, runs.of(id).map(waitingWords)]))
}

function waitingWords(run: WaitingRun): Waiting {
  return {
    run: run.run,
    place: placeOf(run.place),
    attempt: run.attempt + 1,
    startsAt: earliestStart(run),
  }
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

function absence({ subject, tenant, from }: Wanted): string {
  const since = from === 'earliest' ? '' : ` since ${timeText(from)}`
  const ofTenant = tenant === undefined ? '' : ` of tenant ${tenant}`
  switch (subject.kind) {
    case 'user':
      return `There is no event about ${subject.id}${ofTenant}${since}: none was written, none has that id, or --from must be earlier.`
    case 'event':
      return `There is no event ${subject.id}${ofTenant}${since}: it was not written, or --from must be earlier.`
    case 'delivery':
      return `Nothing is recorded of delivery ${subject.id}${since}.`
    case 'place':
      return `There is no record at ${placeOf(subject.place)}: it was removed, or never written.`
  }
}

/** Which records the group has completed. */
async function completionOf(
  context: CommandContext,
  found: readonly FoundEvent[],
): Promise<(place: RecordPlace) => Handled> {
  const { settings } = context
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
    if (!(error instanceof UserError)) throw error
    noteUnknown(context, `Cannot tell whether group ${group} has handled it`, error)
    return () => undefined
  }
}

function notDone(group: string, place: string, committed: number | undefined): Handled {
  const stands = committed === undefined ? 'has committed nothing there' : `stands at ${committed}`
  return { kind: 'no', words: `Group ${group} has not completed ${place} yet: it ${stands}.` }
}
