/** Statistics as lines for people and as JSON. */
import { roughWait, tenths } from '../../core/model/durations.ts'
import {
  attemptsPerDelivery,
  deliveredShare,
  successShare,
  type Grouping,
  type GroupStatistics,
} from '../../core/answers/statistics.ts'
import { waitingKinds } from '../../core/answers/waiting-counts.ts'
import type { Histogram } from '../../core/answers/histogram.ts'
import { cut, fitted, headingsOf, paragraph, rowOf, type Column, type Layout } from '../columns.ts'
import type { Line, Style } from '../line.ts'

const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/** One line of `--json`. @param grouping `all` for what is said of all together */
export function jsonOf(group: GroupStatistics, grouping: Grouping | 'all') {
  const { name, requests, failed, interrupted, ended, open, details } = group
  return {
    by: grouping,
    name: grouping === 'all' ? null : name,
    ...(grouping === 'hook' ? { tenantId: group.tenantId ?? null, url: group.url ?? null } : {}),
    ...{ requests, failed, interrupted },
    successShare: rounded(successShare(group)),
    ...ended,
    deliveredShare: rounded(deliveredShare(group)),
    attemptsPerDelivery: rounded(attemptsPerDelivery(group)),
    totalMs: percentilesOf(group.total),
    eventToFirstAttemptMs: percentilesOf(group.toFirst),
    ...(grouping === 'class' ? {} : (open ?? { retrying: null, deferred: null, requested: null })),
    [grouping === 'class' ? 'hooks' : 'errors']: details
      .sorted()
      .map(([of, count]) => ({ name: of, count })),
  }
}

function percentilesOf(histogram: Histogram) {
  const entries = Object.entries(percentiles).map(([name, share]) => {
    const found = histogram.quantile(share)
    return [name, found === undefined ? null : tenths(found)] as const
  })
  return Object.fromEntries(entries)
}

/** To four digits behind the point. */
function rounded(share: number | undefined): number | null {
  return share === undefined ? null : Math.round(share * 10_000) / 10_000
}

interface StatisticsColumn extends Column {
  readonly cell: (group: GroupStatistics) => string
}

function number(
  heading: string,
  width: number,
  cell: StatisticsColumn['cell'],
  rank = 0,
): StatisticsColumn {
  return { heading, min: width, max: width, rank, isNumber: true, cell }
}

function columnsOf(grouping: Grouping): readonly StatisticsColumn[] {
  const { p50, p95, p99 } = percentiles
  const time = (name: string, of: 'total' | 'toFirst', share: number, rank = 0) =>
    number(name, Math.max(7, name.length), (group) => durationText(group[of].quantile(share)), rank)
  const name = { heading: grouping.toUpperCase(), min: 23, max: 23, rank: 0, isWrapped: true }
  return [
    { ...name, cell: (group) => group.name },
    number('REQUESTS', 8, ({ requests }) => String(requests)),
    number('FAILED', 6, ({ failed }) => String(failed)),
    number(successHeading, 10, (group) => markedPercent(successShare(group))),
    time('P50', 'total', p50),
    time('P95', 'total', p95),
    time('P99', 'total', p99),
    number('DELIVERED', 9, (group) => percentText(deliveredShare(group)), 1),
    number('ATTEMPTS', 8, (group) => attemptsPerDelivery(group)?.toFixed(2) ?? '-', 2),
    time('FIRST P50', 'toFirst', p50, 3),
    time('FIRST P95', 'toFirst', p95, 3),
    time('FIRST P99', 'toFirst', p99, 3),
  ]
}

const successHeading = 'SUCCESS'

/** Below these Logto's console marks a hook, too. */
const good = 0.99
const fair = 0.9

/** The lines of a table for people: a row for each group, and beneath it what went wrong. */
export class StatisticsTable {
  readonly headings: readonly string[]
  readonly #width: number | undefined
  readonly #columns: readonly StatisticsColumn[]
  readonly #layout: Layout

  /** @param columns of the terminal; `undefined`: everything is shown in full */
  constructor(grouping: Grouping, columns: number | undefined) {
    this.#width = columns
    this.#columns = columnsOf(grouping)
    this.#layout = fitted(this.#columns, columns)
    this.headings = headingsOf(this.#layout)
  }

  lines(group: GroupStatistics): readonly Line[] {
    const trouble = troubleOf(group)
    return [...this.#row(group), ...this.#inLines(trouble, 2)]
  }

  /** What the row of all results says, and what has no column at any width. */
  summary(all: GroupStatistics): readonly Line[] {
    const { ended, toFirst, open } = all
    const runs = ended.delivered + ended.dead + ended.expired
    const share = percentText(deliveredShare(all))
    const attempts = attemptsPerDelivery(all)?.toFixed(2) ?? '-'
    const [first, second, third] = Object.values(percentiles).map((of) =>
      durationText(toFirst.quantile(of)),
    )
    const sentences = [
      `Delivered: ${share} of ${runs} that ended; ${attempts} attempts each`,
      `Event to first attempt: p50 ${first}, p95 ${second}, p99 ${third}`,
      open === undefined
        ? 'Not ended: not known'
        : `Not ended: ${waitingKinds.map((kind) => `${open[kind]} ${kind}`).join(', ')}`,
      '! below 99 % of requests, !! below 90 %',
    ]
    return [
      '',
      ...this.lines({ ...all, name: '(all)' }),
      ...sentences.flatMap((sentence) => this.#inLines(sentence, 0)),
    ]
  }

  #row(group: GroupStatistics): readonly Line[] {
    const style = styleOf(successShare(group))
    const cells = this.#columns.map(({ heading, cell }) => {
      const text = cell(group)
      return heading === successHeading && style !== undefined ? { text, style } : text
    })
    return rowOf(this.#layout, cells)
  }

  /** A text of a few lines at most. */
  #inLines(text: string, indent: number): readonly string[] {
    if (text === '') return []
    const space = ' '.repeat(indent)
    if (this.#width === undefined) return [space + text]
    const width = Math.max(20, this.#width - indent)
    return paragraph(cut(text, mostTextLines * width), width).map((line) => space + line)
  }
}

/** The names of errors may be long. */
const mostTextLines = 3

/** What most of it is, in one line. */
const shownDetails = 5

function troubleOf({ details, ended, open, interrupted }: GroupStatistics): string {
  const sorted = details.sorted()
  const named = sorted.slice(0, shownDetails).map(([name, count]) => `${name} ×${count}`)
  const rest = sorted.length > shownDetails ? [`${sorted.length - shownDetails} more`] : []
  const counts = Object.entries({ ...ended, delivered: 0, ...open, interrupted })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
  return [[...named, ...rest].join(', '), counts.join(', ')]
    .filter((text) => text !== '')
    .join('; ')
}

function styleOf(share: number | undefined): Style | undefined {
  if (share === undefined || share >= good) return undefined
  return share >= fair ? 'yellow' : 'red'
}

/** Marked with letters too, since colours are not seen by everyone. */
function markedPercent(share: number | undefined): string {
  const mark = share === undefined || share >= good ? '' : share >= fair ? ' !' : ' !!'
  return percentText(share) + mark
}

/** Rounded down, so that 100 % means all. */
function percentText(share: number | undefined): string {
  return share === undefined ? '-' : `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`
}

/** In at most seven characters. */
export function durationText(durationMs: number | undefined): string {
  if (durationMs === undefined) return '-'
  if (durationMs < 9.95) return `${durationMs.toFixed(1)} ms`
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`
  return durationMs < 90_000 ? `${(durationMs / 1_000).toFixed(1)} s` : roughWait(durationMs)
}
