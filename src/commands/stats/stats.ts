/** `hooktide stats`: how deliveries went, by hook, tenant, event or kind of failure. */
import { groupings, Statistics, type Grouping } from '../../core/answers/statistics.ts'
import { UserError } from '../../core/model/errors.ts'
import type { Command, CommandContext } from '../command.ts'
import {
  booleanOption,
  integerOption,
  momentForms,
  momentOption,
  textOption,
  wideOption,
} from '../option-values.ts'
import { filterOf, filterOptions, isWanted } from '../results/filter.ts'
import { resultsIn, type TimeRange } from '../results/reading.ts'
import { jsonOf, StatisticsTable } from './view.ts'
import { countWaiting } from './waiting.ts'

const { hook, tenant, event } = filterOptions

export const statsCommand: Command = {
  name: 'stats',
  summary: 'Show statistics: requests, failures and durations.',
  usage: '[--from 24h] [--by hook|tenant|event|class] [filters]',
  examples: ['stats --from 1h', 'stats --by class --hook my-hook'],
  options: {
    by: {
      ...{ type: 'string', values: groupings },
      description:
        'Group by hook, tenant, event or class of failure. The groups with most failures come first. [hook]',
    },
    from: {
      ...{ type: 'string', values: ['earliest'] },
      description:
        'earliest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 1h. [24h]',
    },
    to: { type: 'string', description: 'A time, or how long ago: only what was written before.' },
    ...{ hook, tenant, event },
    top: { type: 'string', description: 'The maximum number of rows. [20; all with --json]' },
    wide: wideOption,
    json: { type: 'boolean', description: 'One JSON object per row, then one of all.' },
  },
  uses: ['kafka', 'registry', 'topics', 'group'],
  run,
}

const defaultFromMs = 24 * 3_600_000
const defaultTop = 20

async function run(context: CommandContext): Promise<0> {
  const { settings, note } = context
  const by = groupingOption(context)
  const range = rangeOf(context)
  const top = integerOption(context, 'top', 1, 1_000_000)
  const statistics = await fold(context, by, range)
  const waiting = await countWaiting(context, by)
  if (waiting !== undefined) statistics.setWaiting(waiting)
  if (booleanOption(context, 'json')) printJson(context, by, statistics, top)
  else if (statistics.newestAt === undefined && statistics.groups().length === 0) {
    note(`There are no results in ${settings.topics.results}${rangeWords(range)} that match.`)
  } else printTable(context, by, statistics, top ?? defaultTop)
  return 0
}

const progressEvery = 20_000

async function fold(context: CommandContext, by: Grouping, range: TimeRange): Promise<Statistics> {
  const filter = filterOf(context)
  const statistics = new Statistics(by)
  let count = 0
  for await (const { result, record } of resultsIn(context, range)) {
    if (isWanted(result, filter)) statistics.add(result)
    count += 1
    if (count % progressEvery !== 0) continue
    context.showProgress?.(`${count} results, up to ${new Date(record.timestamp).toISOString()}`)
  }
  return statistics
}

function printJson(
  { print }: CommandContext,
  by: Grouping,
  statistics: Statistics,
  top: number | undefined,
): void {
  for (const group of statistics.groups().slice(0, top)) print(JSON.stringify(jsonOf(group, by)))
  print(JSON.stringify(jsonOf(statistics.all, 'all')))
}

function printTable(
  context: CommandContext,
  by: Grouping,
  statistics: Statistics,
  top: number,
): void {
  const { print, note } = context
  const table = new StatisticsTable(
    by,
    booleanOption(context, 'wide') ? undefined : context.columns,
  )
  const groups = statistics.groups()
  table.headings.forEach(print)
  for (const group of groups.slice(0, top)) for (const line of table.lines(group)) print(line)
  for (const line of table.summary(statistics.all)) print(line)
  const left = groups.length - top
  if (left > 0) note(`${left} more: --top ${groups.length} shows all.`)
}

function groupingOption(context: CommandContext): Grouping {
  const text = textOption(context, 'by') ?? 'hook'
  const grouping = groupings.find((known) => known === text)
  if (grouping !== undefined) return grouping
  throw new UserError(`--by must be one of ${groupings.join(', ')}, not "${text}".`, 2)
}

function rangeOf(context: CommandContext): TimeRange {
  const to = momentOption(context, 'to')
  const isEarliest = textOption(context, 'from') === 'earliest'
  const from = isEarliest
    ? 'earliest'
    : (momentOption(context, 'from', `earliest, ${momentForms}`) ?? Date.now() - defaultFromMs)
  if (typeof from === 'number' && to !== undefined && to <= from) {
    throw new UserError('--to must be later than --from.', 2)
  }
  return { from, to }
}

function rangeWords({ from, to }: TimeRange): string {
  const start = from === 'earliest' ? '' : ` since ${new Date(from).toISOString()}`
  return `${start}${to === undefined ? '' : ` before ${new Date(to).toISOString()}`}`
}
