/** `hooktide events validate` and `events send`. */
import { randomUUID } from 'node:crypto'
import { Fault, topicName } from '../../settings/parsers.ts'
import { UserError } from '../../core/model/errors.ts'
import { subjectIdOf } from '../../core/event/subject-id.ts'
import { isJsonObject, parseJson, type JsonObject } from '../../core/text/json-text.ts'
import type { KafkaHeaders } from '../../core/model/model.ts'
import type { Command, CommandContext } from '../command.ts'
import { checkEvent, type CheckedEvent } from './input.ts'
import { fileOption, readInput } from '../input/input-file.ts'
import { splitJson, type InputValue } from '../input/json-input.ts'
import { withoutMember } from '../../core/text/json-pieces.ts'
import { withAdmin, writeAll } from '../kafka-session.ts'
import { booleanOption, textOption } from '../option-values.ts'

const eventFile = {
  ...fileOption,
  description: 'One JSON event, a list, or one event per line; - for standard input.',
}

export const eventsSendCommand: Command = {
  name: 'events send',
  summary: 'Write events to an event topic, byte for byte.',
  usage: '-f <file> [options]',
  examples: ['events send -f sign-in.json', 'events send -f - --tenant acme --key user-1'],
  options: {
    file: eventFile,
    topic: { type: 'string', description: 'Event topic; required if several are configured.' },
    tenant: { type: 'string', description: 'Value of the header tenant-id.', idOf: 'tenant' },
    'event-id': { type: 'string', description: 'Value of the header event-id. [a new UUID]' },
    key: { type: 'string', description: 'Record key. [the id of the user or subject]' },
    'strip-hook-id': {
      type: 'boolean',
      description: 'Remove hookId, which payloads captured from Logto have.',
    },
    json: { type: 'boolean', description: 'One JSON object per event.' },
  },
  uses: ['kafka', 'topics'],
  run: send,
}

export const eventsValidateCommand: Command = {
  name: 'events validate',
  summary: 'Check the events of a file, without a broker.',
  usage: '-f <file>',
  examples: ['events validate -f sign-in.json', 'events validate -f - --json'],
  options: {
    file: eventFile,
    json: { type: 'boolean', description: 'One JSON object per event.' },
  },
  uses: [],
  run: validate,
}

async function validate(context: CommandContext): Promise<0 | 1> {
  const { print } = context
  const checked = (await readEvents(context)).map((input) => checkEvent(input, []))
  const rejected = checked.filter(({ rejection }) => rejection !== undefined)
  if (booleanOption(context, 'json')) {
    for (const { place, event, rejection, warnings } of checked) {
      const valid = rejection === undefined
      print(JSON.stringify({ place: placeText(place), event, valid, rejection, warnings }))
    }
  } else {
    for (const one of checked) for (const line of linesAbout(one)) print(line)
    print(
      `${checked.length} event(s): ${checked.length - rejected.length} valid, ${rejected.length} rejected`,
    )
  }
  return rejected.length === 0 ? 0 : 1
}

async function send(context: CommandContext): Promise<0> {
  const { settings } = context
  const topic = topicOf(context)
  const drafts = draftsOf(context, await readEvents(context))
  refuseRejected(drafts.map(({ checked }) => checked))
  const partitions = await withAdmin(settings, (admin) => admin.partitionsToWrite(topic))
  if (partitions === undefined) {
    const isConfigured = settings.topics.events.includes(topic)
    const advice = isConfigured
      ? 'run "hooktide init"'
      : 'create it, or name another topic with --topic'
    throw new UserError(`Topic ${topic} does not exist: ${advice}.`)
  }
  await writeAll(
    settings,
    drafts.map(({ key, headers, checked }) => ({ topic, key, value: checked.bytes, headers })),
  )
  for (const draft of drafts) reportSent(context, topic, draft)
  if (!booleanOption(context, 'json')) {
    context.print(`${drafts.length} event(s) to ${topic} (${partitions} partitions)`)
  }
  return 0
}

/** A record to be written. */
interface Draft {
  readonly eventId: string
  readonly key: string | null
  readonly headers: KafkaHeaders
  readonly checked: CheckedEvent
}

function draftsOf(context: CommandContext, read: readonly InputValue[]): readonly Draft[] {
  const givenId = textOption(context, 'event-id')
  if (givenId !== undefined && read.length > 1) {
    throw new UserError(`--event-id names one event, but the file has ${read.length}.`, 2)
  }
  const tenant = textOption(context, 'tenant')
  const key = textOption(context, 'key')
  const inputs = booleanOption(context, 'strip-hook-id') ? read.map(withoutHookId) : read
  return inputs.map((input) => {
    const eventId = givenId ?? randomUUID()
    const named = { 'event-id': eventId, ...(tenant === undefined ? {} : { 'tenant-id': tenant }) }
    const headers = Object.entries(named).map(([name, text]) => [name, Buffer.from(text)] as const)
    const checked = checkEvent(input, headers)
    return { eventId, key: key ?? keyOf(input.bytes), headers, checked }
  })
}

function reportSent({ print, note, options }: CommandContext, topic: string, draft: Draft): void {
  const { eventId, key, checked } = draft
  const { place, event, warnings } = checked
  for (const warning of warnings) note(`warning: ${placeText(place)}: ${warning}`)
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

function refuseRejected(checked: readonly CheckedEvent[]): void {
  const lines = checked.filter(({ rejection }) => rejection !== undefined).flatMap(linesAbout)
  if (lines.length > 0)
    throw new UserError(['Nothing was sent:', ...lines.map((line) => `  ${line}`)])
}

function linesAbout({ place, rejection, warnings }: CheckedEvent): readonly string[] {
  if (rejection === undefined)
    return warnings.map((warning) => `${placeText(place)}: warning: ${warning}`)
  const { reason, field, message } = rejection
  const where = field === '' ? '' : ` (${field})`
  const advice = reason === 'reserved-field' ? ' Remove it, or use --strip-hook-id.' : ''
  return [`${placeText(place)}: rejected, ${reason}${where}: ${message}${advice}`]
}

function placeText(place: string): string {
  return place === '' ? 'event' : place
}

/** Leaves a value that is not a JSON object as it is: the check that follows rejects it. */
function withoutHookId(input: InputValue): InputValue {
  return parse(input.bytes) === undefined
    ? input
    : { ...input, bytes: withoutMember(input.bytes, 'hookId') }
}

/** The id of the user or other subject, so that all its events are in one partition; `null` if there is none. */
function keyOf(bytes: Buffer): string | null {
  return subjectIdOf(parse(bytes) ?? {}) ?? null
}

function parse(bytes: Buffer): JsonObject | undefined {
  const parsed = parseJson(bytes)
  return isJsonObject(parsed) ? parsed : undefined
}
