/** `hooktide rejected list`: records that were rejected, and why. */
import { rejectionHeaderNames } from '../../core/model/header-names.ts'
import type { InboundRecord } from '../../core/model/model.ts'
import { rejectionReasons } from '../../core/model/record-values.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import type { Column } from '../columns.ts'
import type { Command, CommandContext } from '../command.ts'
import { listOption } from '../option-values.ts'
import { shortTime } from '../results/result-line.ts'
import { list, listingOptions } from './listing.ts'

export const rejectedListCommand: Command = {
  name: 'rejected list',
  summary: 'List rejected records, with the reason of each.',
  usage: '[--from 24h] [--last <n>] [--reason <reasons>]',
  examples: ['rejected list', 'rejected list --last 5 --value'],
  options: {
    ...listingOptions,
    reason: {
      ...{ type: 'string', isList: true, values: rejectionReasons },
      description: 'Only for these reasons, such as invalid-json.',
    },
  },
  uses: ['kafka', 'topics'],
  run,
}

/** A rejected record, as it is listed. */
export interface RejectedRow {
  readonly record: InboundRecord
  readonly reason: string
  readonly field: string
  /** Its original place, `<topic>/<partition>/<offset>`; empty if the header is missing. */
  readonly source: string
}

const fixed = (heading: string, width: number, min = width): Column => {
  return { heading, min, max: width, rank: 0 }
}

export const rejectedColumns: readonly Column[] = [
  fixed('TIME', 14),
  fixed('REASON', 15),
  { ...fixed('FIELD', 20, 12), isWrapped: true },
  { ...fixed('SOURCE', 60, 24), isWrapped: true },
  { ...fixed('RECORD', 60, 30), rank: 1 },
]

async function run(context: CommandContext): Promise<0> {
  const known = (text: string) => rejectionReasons.some((one) => one === text)
  const reasons = listOption(context, 'reason', known, `one of ${rejectionReasons.join(', ')}`)
  return await list<RejectedRow>(context, {
    topic: context.settings.topics.rejected,
    columns: rejectedColumns,
    read(record) {
      const row = readRejected(record)
      return reasons === undefined || reasons.includes(row.reason) ? row : undefined
    },
    cells: rejectedCells,
    json: rejectedJson,
  })
}

export function readRejected(record: InboundRecord): RejectedRow {
  return {
    record,
    reason: textOf(record, rejectionHeaderNames.reason),
    field: textOf(record, rejectionHeaderNames.field),
    source: textOf(record, rejectionHeaderNames.source),
  }
}

/** Whatever is wrong with the others: a record may have been rejected for its headers. Ours come last. */
function textOf({ headers }: InboundRecord, wanted: string): string {
  let text = ''
  for (const [name, value] of headers) if (name === wanted) text = value?.toString() ?? ''
  return text
}

export function rejectedCells({ record, reason, field, source }: RejectedRow): readonly string[] {
  const shown = [reason, field, source].map((text) => (text === '' ? '-' : text))
  return [shortTime(record.timestamp), ...shown, placeOf(record)]
}

export function rejectedJson({ record, reason, field, source }: RejectedRow): object {
  const headers = [...record.headers].map(([name, value]) => [name, value?.toString() ?? null])
  return { reason, field, source, key: record.key?.toString() ?? null, headers }
}
