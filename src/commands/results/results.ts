/** `hooktide results`: the results topic, filtered, as it is or as it grows. */
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { asError, UserError } from '../../core/model/errors.ts'
import { outcomes, type InboundRecord } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { readTopic, type ReadFrom } from '../../edge/kafka/reader.ts'
import type { WaitForRegistry } from '../../edge/registry/client.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { Command, CommandContext } from '../command.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'
import {
  flagOption,
  integerOption,
  momentForms,
  parseMoment,
  registrySettingsOf,
  textOption,
} from '../option-values.ts'
import {
  filterFields,
  isResult,
  isWanted,
  resultHeading,
  resultLine,
  type ResultFilter,
} from './result-line.ts'

export const resultsCommand: Command = {
  name: 'results',
  summary: 'Show results of deliveries, past ones or as they come.',
  usage: '[--from <start>] [--follow] [filters]',
  options: {
    from: {
      type: 'string',
      description:
        'earliest, latest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 15m. [latest]',
    },
    follow: { type: 'boolean', short: 'f', description: 'Go on for ever; default without --from.' },
    'until-end': { type: 'boolean', description: 'Stop at the end; default with --from.' },
    hook: { type: 'string', description: 'Only of this hook id.', idOf: 'hook' },
    tenant: { type: 'string', description: 'Only of this tenant.', idOf: 'tenant' },
    delivery: { type: 'string', description: 'Only of this delivery id.', idOf: 'delivery' },
    'event-id': { type: 'string', description: 'Only of the event with this id.' },
    event: { type: 'string', description: 'Only of events with this key, such as PostSignIn.' },
    outcome: { type: 'string', description: 'Only with this outcome, such as dead.' },
    final: { type: 'boolean', description: 'Only the last result of each run.' },
    limit: { type: 'string', description: 'Stop after so many results.' },
    json: { type: 'boolean', description: "One JSON object per result, with the schema's names." },
  },
  uses: ['kafka', 'registry', 'topics'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, print, note } = context
  const { results: topic } = settings.topics
  const range = rangeOf(context)
  const filter = filterOf(context)
  const limit = integerOption(context, 'limit', 1, 1e15) ?? Number.POSITIVE_INFINITY
  const isJson = flagOption(context, 'json')
  let shown = 0
  for await (const result of resultsIn(context, range, filter)) {
    if (shown === 0 && !isJson) print(resultHeading)
    print(isJson ? JSON.stringify(result) : resultLine(result))
    shown += 1
    if (shown >= limit) return 0
    // Whoever reads slowly must not make this process hold the topic.
    if (process.stdout.writableNeedDrain) await drained(context.signal)
  }
  if (shown === 0 && !range.isFollowing) note(absence(topic, range.from, filter))
  return 0
}

async function* resultsIn(
  context: CommandContext,
  range: Range,
  filter: ResultFilter,
): AsyncGenerator<DeliveryResult> {
  const { settings, signal, note } = context
  const kafka = kafkaSettingsOf(settings)
  const decode = decoderOf(context, range.isFollowing)
  const topic = settings.topics.results
  const onStart = () => {
    if (!range.isFollowing || range.from !== 'latest') return
    note(`Results of ${topic} from now on; Ctrl-C ends. Past ones: --from 1h`)
  }
  const reading = { settings: kafka, topic, signal, log: quiet, onStart }
  for await (const records of readTopic({ ...reading, ...range })) {
    for (const record of records) {
      const result = await decode(record)
      if (signal.aborted) return
      if (result !== undefined && isWanted(result, filter)) yield result
    }
  }
}

/** A reader that went away drains nothing, and aborts. */
async function drained(signal: AbortSignal): Promise<void> {
  await once(process.stdout, 'drain', { signal }).catch(() => undefined)
}

function absence(topic: string, from: ReadFrom, { equals, isFinalOnly }: ResultFilter): string {
  const start = typeof from === 'object' ? ` since ${new Date(from.time).toISOString()}` : ''
  const isFiltered = isFinalOnly || equals.length > 0
  const end = from === 'latest' ? ' behind its end' : ''
  return `There are no results in ${topic}${start}${end}${isFiltered ? ' that match' : ''}.`
}

interface Range {
  readonly from: ReadFrom
  readonly isFollowing: boolean
}

function rangeOf(context: CommandContext): Range {
  const isFollowing = flagOption(context, 'follow')
  const isUntilEnd = flagOption(context, 'until-end')
  if (isFollowing && isUntilEnd) {
    throw new UserError('--follow goes on and --until-end stops: give one of them.', 2)
  }
  const text = textOption(context, 'from')
  // From the latest to the end would be nothing.
  if (text === undefined)
    return { from: isUntilEnd ? 'earliest' : 'latest', isFollowing: !isUntilEnd }
  if (text === 'earliest' || text === 'latest') return { from: text, isFollowing }
  const time = parseMoment(text, Date.now())
  if (time !== undefined) return { from: { time }, isFollowing }
  throw new UserError(`--from must be earliest, latest, ${momentForms}, not "${text}".`, 2)
}

function filterOf(context: CommandContext): ResultFilter {
  const outcome = textOption(context, 'outcome')
  if (outcome !== undefined && !outcomes.some((known) => known === outcome)) {
    throw new UserError(`--outcome must be one of ${outcomes.join(', ')}, not "${outcome}".`, 2)
  }
  const equals = Object.entries(filterFields).flatMap(([option, field]) => {
    const value = textOption(context, option)
    return value === undefined ? [] : [[field, value] as const]
  })
  return { equals, isFinalOnly: flagOption(context, 'final') }
}

/** Decodes a record; says on standard error why one cannot be, and goes on. */
function decoderOf({ settings, note, signal }: CommandContext, isFollowing: boolean) {
  const wait = isFollowing ? waitingWith(note, signal) : undefined
  const read = createResultReader(registrySettingsOf(settings), wait)
  return async ({ topic, partition, offset, value }: InboundRecord) => {
    try {
      const result: unknown = value === null ? undefined : await read(value)
      if (isResult(result)) return result
      note(`${topic}-${partition}-${offset} is left out: it is not a result`)
    } catch (error) {
      if (error instanceof UserError) throw error
      if (signal.aborted) return undefined
      const reason = asError(error).message
      note(`${topic}-${partition}-${offset} is left out: it cannot be read: ${reason}`)
    }
    return undefined
  }
}

/** Says once that a registry is waited for. Rejects when the command was asked to end. */
function waitingWith(note: (line: string) => void, signal: AbortSignal): WaitForRegistry {
  let told: string | undefined
  return async (reason, waitMs) => {
    if (reason !== told) note(`${reason} Waiting for it; Ctrl-C ends.`)
    told = reason
    await setTimeout(waitMs, undefined, { signal })
  }
}
