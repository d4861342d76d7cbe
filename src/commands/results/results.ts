/** `hooktide results`: the results topic, filtered, as it is or as it grows. */
import { once } from 'node:events'
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { readTopic } from '../../edge/kafka/reader.ts'
import type { Command, CommandContext } from '../command.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'
import {
  booleanOption,
  integerOption,
  momentForms,
  momentOption,
  textOption,
  wideOption,
} from '../option-values.ts'
import { sayWhereTheyWait } from '../waiting/where.ts'
import { filterOf, filterOptions, isEverything, isWanted, type ResultFilter } from './filter.ts'
import { GoingOn } from './going-on.ts'
import { lastOf } from './last.ts'
import { decoderOf, resultsIn, type TimeRange } from './reading.ts'
import { ResultTable } from './result-line.ts'

export const resultsCommand: Command = {
  name: 'results',
  summary: 'Show results of deliveries, past or live.',
  usage: '[--from <start>] [--to <end>] [--last <n>] [filters]',
  examples: ['results --follow --hook my-hook', 'results --from 24h --outcome dead --json'],
  options: {
    from: {
      ...{ type: 'string', values: ['earliest', 'latest'] },
      description:
        'earliest, latest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 15m. [latest; earliest with --to or --last]',
    },
    to: { type: 'string', description: 'A time, or how long ago: only what was written before.' },
    last: {
      type: 'string',
      description: 'Only the last so many that match.',
    },
    follow: {
      type: 'boolean',
      short: 'f',
      description: 'Show new results until Ctrl-C; default without --from, --to and --last.',
    },
    'until-end': {
      type: 'boolean',
      description: 'Stop at the end of the topic; default with --from.',
    },
    ...filterOptions,
    limit: { type: 'string', description: 'Stop after so many results.' },
    wide: wideOption,
    json: { type: 'boolean', description: "One JSON object per result, with the schema's names." },
  },
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

/** The maximum of `--last`: these results are kept in memory. */
const mostLast = 100_000

async function run(context: CommandContext): Promise<0> {
  const { settings, print, note } = context
  const range = rangeOf(context)
  const filter = filterOf(context)
  const limit = integerOption(context, 'limit', 1, 1e15) ?? Number.POSITIVE_INFINITY
  const isJson = booleanOption(context, 'json')
  const table = new ResultTable(booleanOption(context, 'wide') ? undefined : context.columns)
  const goingOn = new GoingOn(filter)
  let shown = 0
  for await (const result of wantedIn(context, range, filter)) {
    if (isJson) print(JSON.stringify(result))
    else {
      if (shown === 0) table.headings.forEach(print)
      table.lines(result, Date.now()).forEach(print)
    }
    goingOn.add(result)
    shown += 1
    if (shown >= limit) break
    // A slow reader of the output must not make this process hold the topic in memory.
    if (process.stdout.writableNeedDrain) await outputDrained(context.signal)
  }
  if (range.kind === 'following') return 0
  if (shown === 0) note(absence(settings.topics.results, range, !isEverything(filter)))
  if (!isJson) await sayWhereTheyWait(context, goingOn.deliveries())
  return 0
}

async function* wantedIn(
  context: CommandContext,
  range: Range,
  filter: ResultFilter,
): AsyncGenerator<DeliveryResult> {
  if (range.kind === 'last') {
    const decode = decoderOf(context)
    yield* await lastOf(context, context.settings.topics.results, range, async (record) => {
      const result = await decode(record)
      return result !== undefined && isWanted(result, filter) ? result : undefined
    })
    return
  }
  const results = range.kind === 'times' ? pastIn(context, range) : newIn(context, range.from)
  for await (const result of results) if (isWanted(result, filter)) yield result
}

async function* pastIn(context: CommandContext, range: TimeRange): AsyncGenerator<DeliveryResult> {
  for await (const { result } of resultsIn(context, range)) yield result
}

/** Live results. They are only roughly in the order of time. */
async function* newIn(context: CommandContext, from: Start): AsyncGenerator<DeliveryResult> {
  const { settings, signal, note } = context
  const topic = settings.topics.results
  const decode = decoderOf(context, true)
  const onStart = () => {
    if (from !== 'latest') return
    note(`Showing new results of ${topic}. Ctrl-C ends. For past results: --from 1h, or --last 20`)
  }
  const reading = { settings: kafkaSettingsOf(settings), topic, signal, log: quiet, onStart }
  const start = typeof from === 'number' ? { time: from } : from
  for await (const records of readTopic({ ...reading, from: start, isFollowing: true })) {
    for (const record of records) {
      const result = await decode(record)
      if (signal.aborted) return
      if (result !== undefined) yield result
    }
  }
}

/** Ends also when the signal aborts, which it does when the reader of the output has closed the pipe. */
async function outputDrained(signal: AbortSignal): Promise<void> {
  await once(process.stdout, 'drain', { signal }).catch(() => undefined)
}

function absence(topic: string, { from, to }: TimeRange, isFiltered: boolean): string {
  const start = typeof from === 'number' ? ` since ${new Date(from).toISOString()}` : ''
  const end = to === undefined ? '' : ` before ${new Date(to).toISOString()}`
  return `There are no results in ${topic}${start}${end}${isFiltered ? ' that match' : ''}.`
}

type Start = 'earliest' | 'latest' | EpochMs

type Range =
  | { readonly kind: 'following'; readonly from: Start }
  | (TimeRange & { readonly kind: 'times' })
  | (TimeRange & { readonly kind: 'last'; readonly count: number })

function rangeOf(context: CommandContext): Range {
  const count = integerOption(context, 'last', 1, mostLast)
  const from = startOption(context)
  const to = momentOption(context, 'to')
  refuseContradictions(context, from, to)
  const isPast = ['until-end', 'to', 'last'].some((name) => context.options[name] !== undefined)
  if (booleanOption(context, 'follow') || (from === undefined && !isPast)) {
    return { kind: 'following', from: from ?? 'latest' }
  }
  if (from === 'latest') {
    throw new UserError('--from latest needs --follow: no result is that late yet.', 2)
  }
  const past = { from: from ?? 'earliest', to }
  return count === undefined ? { kind: 'times', ...past } : { kind: 'last', ...past, count }
}

function refuseContradictions(
  context: CommandContext,
  from: Start | undefined,
  to: EpochMs | undefined,
): void {
  const stopping = ['until-end', 'to', 'last'].find((name) => context.options[name] !== undefined)
  if (booleanOption(context, 'follow') && stopping !== undefined) {
    throw new UserError(`--follow and --${stopping} exclude each other: give one of them.`, 2)
  }
  if (typeof from === 'number' && to !== undefined && to <= from) {
    throw new UserError('--to must be later than --from.', 2)
  }
}

function startOption(context: CommandContext): Start | undefined {
  const text = textOption(context, 'from')
  if (text === undefined || text === 'earliest' || text === 'latest') return text
  return momentOption(context, 'from', `earliest, latest, ${momentForms}`)
}
