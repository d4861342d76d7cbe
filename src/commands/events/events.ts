/** `hooktide events validate` and `events send`. */
import { randomUUID } from 'node:crypto'
import { Fault, topicName } from '../../settings/parsers.ts'
import { UserError } from '../../core/model/errors.ts'
import { subjectIdOf } from '../../core/event/subject-id.ts'
import { isJsonObject, parseJson, type JsonObject } from '../../core/text/json-text.ts'
import type { KafkaHeaders } from '../../core/model/model.ts'
import type { Command, CommandContext } from '../command.ts'
import { judgeEvent, type JudgedEvent } from './input.ts'
import { fileOption, readInput } from '../input/input-file.ts'
import { splitJson, type InputValue } from '../input/json-input.ts'
import { withoutMember } from '../../core/text/json-pieces.ts'
import { withAdmin, writeAll } from '../kafka-session.ts'
import { flagOption, textOption } from '../option-values.ts'

const eventFile = {
  ...fileOption,
  description: 'One JSON event, a list, or one event a line; - for standard input.',
}

export const eventsSendCommand: Command = {
  name: 'events send',
  summary: 'Write events to an event topic, byte for byte.',
  usage: '-f <file> [options]',
  options: {
    file: eventFile,
    topic: { type: 'string', description: 'Event topic; needed when several are configured.' },
    tenant: { type: 'string', description: 'Sent as header tenant-id.', idOf: 'tenant' },
    'event-id': { type: 'string', description: 'Sent as header event-id; default is a new UUID.' },
    key: { type: 'string', description: 'Record key; default is the id of the user or subject.' },
    'strip-hook-id': {
      type: 'boolean',
      description: 'Take hookId out of payloads that were captured from Logto.',
    },
    json: { type: 'boolean', description: 'One JSON object per event.' },
  },
  uses: ['kafka', 'topics'],
  run: send,
}

export const eventsValidateCommand: Command = {
  name: 'events validate',
  summary: 'Say which events of a file would be rejected, and why. Needs no broker.',
  usage: '-f <file>',
  options: {
    file: eventFile,
    json: { type: 'boolean', description: 'One JSON object per event.' },
  },
  uses: [],
  run: validate,
}

async function validate(context: CommandContext): Promise<0 | 1> {
  const { print } = context
  const judged = (await readEvents(context)).map((input) => judgeEvent(input, []))
  const rejected = judged.filter(({ rejection }) => rejection !== undefined)
  if (flagOption(context, 'json')) {
    for (const { place, event, rejection, warnings } of judged) {
      const valid = rejection === undefined
      print(JSON.stringify({ place: placeWords(place), event, valid, rejection, warnings }))
    }
  } else {
    for (const one of judged) for (const line of linesAbout(one)) print(line)
    print(
      `${judged.length} event(s): ${judged.length - rejected.length} valid, ${rejected.length} rejected`,
    )
  }
  return rejected.length === 0 ? 0 : 1
}

async function send(context: CommandContext): Promise<0> {
  const { settings } = context
  const topic = topicOf(context)
  const drafts = draftsOf(context, await readEvents(context))
  refuseRejected(drafts.map(({ judged }) => judged))
  const partitions = await withAdmin(settings, (admin) => admin.partitionsToWrite(topic))
  if (partitions === undefined) {
    const isConfigured = settings.topics.events.includes(topic)
    const advice = isConfigured ? 'run "hooktide init"' : 'create it, or name another with --topic'
    throw new UserError(`Topic ${topic} does not exist: ${advice}.`)
  }
  await writeAll(
    settings,
    drafts.map(({ key, headers, judged }) => ({ topic, key, value: judged.bytes, headers })),
  )
  for (const draft of drafts) reportSent(context, topic, draft)
  if (!flagOption(context, 'json')) {
    context.print(`${drafts.length} event(s) to ${topic} (${partitions} partitions)`)
  }
  return 0
}

/** A record to be written. */
interface Draft {
  readonly eventId: string
  readonly key: string | null
  readonly headers: KafkaHeaders
  readonly judged: JudgedEvent
}

function draftsOf(context: CommandContext, read: readonly InputValue[]): readonly Draft[] {
  const givenId = textOption(context, 'event-id')
  if (givenId !== undefined && read.length > 1) {
    throw new UserError(`--event-id names one event, and there are ${read.length}.`, 2)
  }
  const tenant = textOption(context, 'tenant')
  const key = textOption(context, 'key')
  const inputs = flagOption(context, 'strip-hook-id') ? read.map(withoutHookId) : read
  return inputs.map((input) => {
    const eventId = givenId ?? randomUUID()
    const named = { 'event-id': eventId, ...(tenant === undefined ? {} : { 'tenant-id': tenant }) }
    const headers = Object.entries(named).map(([name, text]) => [name, Buffer.from(text)] as const)
    const judged = judgeEvent(input, headers)
    return { eventId, key: key ?? keyOf(input.bytes), headers, judged }
  })
}

function reportSent({ print, note, options }: CommandContext, topic: string, draft: Draft): void {
  const { eventId, key, judged } = draft
  const { place, event, warnings } = judged
  for (const warning of warnings) note(`warning: ${placeWords(place)}: ${warning}`)
  if (options['json'] === true) print(JSON.stringify({ topic, eventId, event, key }))
  else print(`sent ${event ?? ''} as ${eventId}${key === null ? '' : `, key ${key}`}`)
}

async function readEvents(context: CommandContext): Promise<readonly InputValue[]> {
  const { name, bytes } = await readInput(context)
  const events = splitJson(bytes)
  if (events.length === 0) throw new UserError(`${name} has no event.`)
  return events
}

function topicOf(context: CommandContext): string {
  const named = textOption(context, 'topic')
  if (named !== undefined) {
    const read = topicName(named)
    if (read instanceof Fault) throw new UserError(`--topic ${read.message}, not "${named}".`, 2)
    return named
  }
  const [topic, ...others] = context.settings.topics.events
  if (topic === undefined || others.length > 0) {
    throw new UserError('Several event topics are configured: choose one with --topic.', 2)
  }
  return topic
}

function refuseRejected(judged: readonly JudgedEvent[]): void {
  const lines = judged.filter(({ rejection }) => rejection !== undefined).flatMap(linesAbout)
  if (lines.length > 0)
    throw new UserError(['Nothing was sent:', ...lines.map((line) => `  ${line}`)])
}

function linesAbout({ place, rejection, warnings }: JudgedEvent): readonly string[] {
  if (rejection === undefined)
    return warnings.map((warning) => `${placeWords(place)}: warning: ${warning}`)
  const { reason, field, message } = rejection
  const where = field === '' ? '' : ` (${field})`
  const advice =
    reason === 'reserved-field' ? ' Remove it, or let events send do so with --strip-hook-id.' : ''
  return [`${placeWords(place)}: rejected, ${reason}${where}: ${message}${advice}`]
}

function placeWords(place: string): string {
  return place === '' ? 'event' : place
}

/** What is no JSON object is left to validation. */
function withoutHookId(input: InputValue): InputValue {
  return parse(input.bytes) === undefined
    ? input
    : { ...input, bytes: withoutMember(input.bytes, 'hookId') }
}

/** So that the events of a user, or of another subject, stand in one partition; `null` when there is none. */
function keyOf(bytes: Buffer): string | null {
  return subjectIdOf(parse(bytes) ?? {}) ?? null
}

function parse(bytes: Buffer): JsonObject | undefined {
  const parsed = parseJson(bytes)
  return isJsonObject(parsed) ? parsed : undefined
}
