/** `hooktide results`: shows results, past ones or as they are written, with filters. */
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
  booleanOption,
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
  summary: 'Show results of deliveries, past or live.',
  usage: '[--from <start>] [--follow] [filters]',
  examples: ['results --follow --hook my-hook', 'results --from 24h --outcome dead --json'],
  options: {
    from: {
      type: 'string',
      description:
        'earliest, latest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 15m. [latest]',
    },
    follow: {
      type: 'boolean',
      short: 'f',
      description: 'Show new results until Ctrl-C; default without --from.',
    },
    'until-end': {
      type: 'boolean',
      description: 'Stop at the end of the topic; default with --from.',
    },
    hook: { type: 'string', description: 'Only this hook id.', idOf: 'hook' },
    tenant: { type: 'string', description: 'Only this tenant.', idOf: 'tenant' },
    delivery: { type: 'string', description: 'Only this delivery id.', idOf: 'delivery' },
    'event-id': { type: 'string', description: 'Only this event id.' },
    event: { type: 'string', description: 'Only this event key, such as PostSignIn.' },
    outcome: { type: 'string', description: 'Only this outcome, such as dead.' },
    final: { type: 'boolean', description: 'Only final results, which end a run.' },
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
  const isJson = booleanOption(context, 'json')
  let shown = 0
  for await (const result of resultsIn(context, range, filter)) {
    if (shown === 0 && !isJson) print(resultHeading)
    print(isJson ? JSON.stringify(result) : resultLine(result))
    shown += 1
    if (shown >= limit) return 0
    // A slow reader of the output must not make this process hold the topic in memory.
    if (process.stdout.writableNeedDrain) await outputDrained(context.signal)
  }
  if (shown === 0 && !range.isFollowing) note(noResultsNote(topic, range.from, filter))
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
    note(`Showing new results of ${topic}. Ctrl-C ends. For past results: --from 1h`)
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

/** Ends also when the signal aborts, which it does when the reader of the output has closed the pipe. */
async function outputDrained(signal: AbortSignal): Promise<void> {
  await once(process.stdout, 'drain', { signal }).catch(() => undefined)
}

function noResultsNote(
  topic: string,
  from: ReadFrom,
  { equals, isFinalOnly }: ResultFilter,
): string {
  const start = typeof from === 'object' ? ` since ${new Date(from.time).toISOString()}` : ''
  const isFiltered = isFinalOnly || equals.length > 0
  const end = from === 'latest' ? ' after its current end' : ''
  return `There are no results in ${topic}${start}${end}${isFiltered ? ' that match' : ''}.`
}

interface Range {
  readonly from: ReadFrom
  readonly isFollowing: boolean
}

function rangeOf(context: CommandContext): Range {
  const isFollowing = booleanOption(context, 'follow')
  const isUntilEnd = booleanOption(context, 'until-end')
  if (isFollowing && isUntilEnd) {
    throw new UserError('--follow and --until-end exclude each other: give one of them.', 2)
  }
  const text = textOption(context, 'from')
  // A range from `latest` to the end would be empty.
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
  return { equals, isFinalOnly: booleanOption(context, 'final') }
}

/** Decodes a record. If it cannot, it prints why to standard error and returns `undefined`. */
function decoderOf({ settings, note, signal }: CommandContext, isFollowing: boolean) {
  const wait = isFollowing ? waitingWith(note, signal) : undefined
  const read = createResultReader(registrySettingsOf(settings), wait)
  return async ({ topic, partition, offset, value }: InboundRecord) => {
    try {
      const result: unknown = value === null ? undefined : await read(value)
      if (isResult(result)) return result
      note(`${topic}-${partition}-${offset} is skipped: it is not a result`)
    } catch (error) {
      if (error instanceof UserError) throw error
      if (signal.aborted) return undefined
      const reason = asError(error).message
      note(`${topic}-${partition}-${offset} is skipped: it cannot be read: ${reason}`)
    }
    return undefined
  }
}

/** Prints once per reason that the command waits for the registry. Rejects when a signal ends the command. */
function waitingWith(note: (line: string) => void, signal: AbortSignal): WaitForRegistry {
  let lastReason: string | undefined
  return async (reason, waitMs) => {
    if (reason !== lastReason) note(`${reason} Waiting for it; Ctrl-C ends.`)
    lastReason = reason
    await setTimeout(waitMs, undefined, { signal })
  }
}
