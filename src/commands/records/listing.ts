/** Lists past records of a topic in the order of time, as a table or as JSON. */
import { once } from 'node:events'
import { decodeUtf8 } from '../../core/text/json.ts'
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { fitted, headingsOf, rowOf, type Column } from '../columns.ts'
import { readAnswer } from '../kafka-session.ts'
import type { Line } from '../line.ts'
import {
  booleanOption,
  integerOption,
  momentForms,
  momentOption,
  textOption,
  wideOption,
} from '../option-values.ts'
import { lastOf } from '../results/last.ts'
import { startOf, type TimeRange } from '../results/reading.ts'

export const listingOptions = {
  from: {
    ...{ type: 'string', values: ['earliest'] },
    description:
      'earliest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 1h. [24h; earliest with --to or --last]',
  },
  to: { type: 'string', description: 'A time, or how long ago: only what was written before.' },
  last: { type: 'string', description: 'Only the last so many that match.' },
  value: {
    type: 'boolean',
    description: "Also show each record's value, which may hold personal data.",
  },
  wide: wideOption,
  json: { type: 'boolean', description: 'One JSON object per record.' },
} as const satisfies Readonly<Record<string, CommandOption>>

/** What is listed of one topic. */
export interface Listing<Row> {
  readonly topic: string
  readonly columns: readonly Column[]
  /** `undefined`: the record is not wanted, or is none of these. */
  readonly read: (record: InboundRecord) => Row | undefined
  /** One for each column. */
  readonly cells: (row: Row) => readonly string[]
  readonly json: (row: Row) => object
}

const defaultFromMs = 24 * 3_600_000
/** The maximum of `--last`: these records are kept in memory. */
const mostLast = 10_000

/** @throws UserError when the options are wrong, or the topic cannot be read */
export async function list<Row>(context: CommandContext, listing: Listing<Row>): Promise<0> {
  const { print, note } = context
  const range = listingRange(context)
  const columns = booleanOption(context, 'wide') ? undefined : context.columns
  const table = fitted(listing.columns, columns)
  const isJson = booleanOption(context, 'json')
  const isWithValue = booleanOption(context, 'value')
  // The lines, not the records: those that are kept would keep the whole batches that they were fetched with.
  const linesOf = (record: InboundRecord): readonly Line[] | undefined => {
    const row = listing.read(record)
    if (row === undefined) return undefined
    if (isJson) {
      const value = isWithValue ? valueOf(record) : {}
      return [JSON.stringify({ ...placed(record), ...listing.json(row), ...value })]
    }
    const value = isWithValue ? [`  ${valueOf(record).value ?? 'no value'}`] : []
    return [...rowOf(table, listing.cells(row)), ...value]
  }
  let count = 0
  for await (const lines of listed(context, listing.topic, range, linesOf)) {
    if (count === 0 && !isJson) headingsOf(table).forEach(print)
    lines.forEach(print)
    count += 1
    if (process.stdout.writableNeedDrain) {
      await once(process.stdout, 'drain', { signal: context.signal }).catch(() => undefined)
    }
  }
  if (count === 0) note(absence(listing.topic, range))
  return 0
}

async function* listed<Result>(
  context: CommandContext,
  topic: string,
  range: ListingRange,
  wanted: (record: InboundRecord) => Result | undefined,
): AsyncGenerator<Result> {
  const { count } = range
  if (count !== undefined) {
    yield* await lastOf(context, topic, { ...range, count }, (record) =>
      Promise.resolve(wanted(record)),
    )
    return
  }
  const from = await startOf(context, topic, range)
  for await (const records of readAnswer(context, topic, { from, isByTime: true })) {
    for (const record of records) {
      const one = wanted(record)
      if (one !== undefined) yield one
    }
  }
}

interface ListingRange extends TimeRange {
  /** Only the last so many. */
  readonly count: number | undefined
}

function listingRange(context: CommandContext): ListingRange {
  const to = momentOption(context, 'to')
  const count = integerOption(context, 'last', 1, mostLast)
  const given = startOption(context)
  if (typeof given === 'number' && to !== undefined && to <= given) {
    throw new UserError('--to must be later than --from.', 2)
  }
  const isBounded = to !== undefined || count !== undefined
  return { from: given ?? (isBounded ? 'earliest' : Date.now() - defaultFromMs), to, count }
}

function startOption(context: CommandContext): 'earliest' | EpochMs | undefined {
  const text = textOption(context, 'from')
  if (text === 'earliest') return text
  return momentOption(context, 'from', `earliest, ${momentForms}`)
}

function absence(topic: string, { from, to }: TimeRange): string {
  const start = from === 'earliest' ? '' : ` since ${new Date(from).toISOString()}`
  const end = to === undefined ? '' : ` before ${new Date(to).toISOString()}`
  return `There are no records in ${topic}${start}${end} that match.`
}

function placed({ topic, partition, offset, timestamp }: InboundRecord) {
  return { topic, partition, offset, writtenAt: timestamp }
}

/** As text where it is text, else as base64. */
function valueOf({ value }: InboundRecord) {
  if (value === null) return { value: null }
  const text = decodeUtf8(value)
  return text === undefined
    ? { value: value.toString('base64'), valueEncoding: 'base64' }
    : { value: text, valueEncoding: 'utf8' }
}
