/** `hooktide events validate` and `events send`. */
import { randomUUID } from 'node:crypto'
import { UserError } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json-text.ts'
import type { KafkaHeaders } from '../core/model.ts'
import type { Command, CommandContext } from './command.ts'
import { judgeEvent, splitEvents, type InputEvent, type JudgedEvent } from './event-input.ts'
import { fileOption, readInput } from './input-file.ts'
import { withoutMember } from './json-pieces.ts'
import { withAdmin, writeAll } from './kafka-session.ts'
import { flagOption, noArguments, textOption } from './option-values.ts'
import { printable } from './table.ts'

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
    tenant: { type: 'string', description: 'Sent as header tenant-id.' },
    'event-id': { type: 'string', description: 'Sent as header event-id; default is a new UUID.' },
    key: { type: 'string', description: 'Record key; default is userId, user.id or data.id.' },
    'strip-hook-id': {
      type: 'boolean',
      description: 'Take hookId out of payloads that were captured from Logto.',
    },
    json: { type: 'boolean', description: 'One JSON object per event.' },
  },
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
  run: validate,
}

async function validate(context: CommandContext): Promise<0 | 1> {
  noArguments(context)
  const { print } = context
  const judged = (await readEvents(context)).map((input) => judgeEvent(input, []))
  const rejected = judged.filter(({ rejection }) => rejection !== undefined)
  if (flagOption(context, 'json')) {
    for (const { place, event, rejection, warnings } of judged) {
      print(JSON.stringify({ place, event, valid: rejection === undefined, rejection, warnings }))
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
  noArguments(context)
  const { settings, print, note } = context
  const topic = topicOf(context)
  const read = await readEvents(context)
  const eventId = textOption(context, 'event-id')
  if (eventId !== undefined && read.length > 1) {
    throw new UserError(`--event-id names one event, and there are ${read.length}.`, 2)
  }
  const inputs = flagOption(context, 'strip-hook-id') ? read.map(withoutHookId) : read
  const headers = headersOf(textOption(context, 'tenant'))
  const sent = inputs.map((input) => {
    const id = eventId ?? randomUUID()
    return { id, judged: judgeEvent(input, [...headers, ...header('event-id', id)]) }
  })
  refuseRejected(sent.map(({ judged }) => judged))
  const partitions = await withAdmin(settings, async (admin) => await admin.describeTopic(topic))
  if (partitions === undefined) {
    throw new UserError(`Topic ${topic} does not exist: run "hooktide init".`)
  }
  const records = sent.map(({ id, judged }) => ({
    topic,
    key: textOption(context, 'key') ?? keyOf(judged.bytes),
    value: judged.bytes,
    headers: [...headers, ...header('event-id', id)],
  }))
  await writeAll(settings, records)
  const isJson = flagOption(context, 'json')
  for (const [index, { id, judged }] of sent.entries()) {
    const { place, event, warnings } = judged
    for (const warning of warnings) note(`warning: ${place}: ${warning}`)
    const key = records[index]?.key ?? null
    if (isJson) print(JSON.stringify({ topic, eventId: id, event, key }))
    else print(`sent ${event ?? ''} as ${id}${key === null ? '' : `, key ${printable(key)}`}`)
  }
  if (!isJson) print(`${sent.length} event(s) to ${topic} (${partitions.partitions} partitions)`)
  return 0
}

async function readEvents(context: CommandContext): Promise<readonly InputEvent[]> {
  const { name, bytes } = await readInput(context)
  const events = splitEvents(bytes)
  if (events.length === 0) throw new UserError(`${name} has no event.`, 2)
  return events
}

function topicOf(context: CommandContext): string {
  const named = textOption(context, 'topic')
  if (named !== undefined) return named
  const [topic, ...others] = context.settings.topics.events
  if (topic === undefined || others.length > 0) {
    throw new UserError('Several event topics are configured: choose one with --topic.', 2)
  }
  return topic
}

function refuseRejected(judged: readonly JudgedEvent[]): void {
  const lines = judged.filter(({ rejection }) => rejection !== undefined).flatMap(linesAbout)
  if (lines.length > 0) throw new UserError(`Nothing was sent:\n  ${lines.join('\n  ')}`)
}

function linesAbout({ place, rejection, warnings }: JudgedEvent): readonly string[] {
  if (rejection === undefined) return warnings.map((warning) => `${place}: warning: ${warning}`)
  const { reason, field, message } = rejection
  const where = field === '' ? '' : ` (${printable(field)})`
  const advice =
    reason === 'reserved-field' ? ' Remove it, or let events send do so with --strip-hook-id.' : ''
  return [`${place}: rejected, ${reason}${where}: ${message}${advice}`]
}

/** What is no JSON object is left to validation. */
function withoutHookId(input: InputEvent): InputEvent {
  return parse(input.bytes) === undefined
    ? input
    : { ...input, bytes: withoutMember(input.bytes, 'hookId') }
}

function headersOf(tenant: string | undefined): KafkaHeaders {
  return tenant === undefined ? [] : header('tenant-id', tenant)
}

function header(name: string, value: string): KafkaHeaders {
  return [[name, Buffer.from(value)]]
}

/** The user's id, so that a user's events stand in one partition; `null` when there is none. */
function keyOf(bytes: Buffer): string | null {
  const payload = parse(bytes) ?? {}
  for (const id of [payload['userId'], idIn(payload['user']), idIn(payload['data'])]) {
    if (typeof id === 'string' && id !== '') return id
  }
  return null
}

function idIn(value: unknown): unknown {
  return isJsonObject(value) ? value['id'] : undefined
}

function parse(bytes: Buffer): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    return isJsonObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
