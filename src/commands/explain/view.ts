/** Explanations as lines for people and as JSON. */
import type { RunStory } from '../../core/answers/delivery-story.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { cut, fitted, headingsOf, paragraph, rowOf, type Column, type Layout } from '../columns.ts'
import type { Line } from '../line.ts'
import { coloured, shortTime, timeText, whatCame } from '../results/result-line.ts'
import { durationText } from '../stats/view.ts'
import type { ExplainedDelivery, ExplainedHook, Explanation } from './explanation.ts'

/** The width of lines without a terminal. */
const defaultColumns = 100
/** The maximum number of hooks that are listed as not called. */
const mostOthers = 20

const fixed = (heading: string, width: number, isNumber = false): Column => {
  return { heading, min: width, max: width, rank: 0, isNumber }
}

const attemptColumns: readonly Column[] = [
  fixed('TIME', 14),
  { ...fixed('OUTCOME', 24), min: 16, isWrapped: true },
  fixed('TRY', 5),
  fixed('QUEUED', 7, true),
  fixed('CONNECT', 7, true),
  fixed('ANSWER', 7, true),
  fixed('TOTAL', 7, true),
]

export function explanationLines(
  explanation: Explanation,
  columns: number = defaultColumns,
): readonly Line[] {
  const { found, place, deliveries, others, remarks, next } = explanation
  const { eventKey, userId, tenantId, eventAt, eventId } = found
  const about = userId === undefined ? '' : ` about ${userId}`
  const record = place === undefined ? 'gone' : `${place}, written ${timeText(found.writtenAt)}`
  return [
    ...indented(`${eventKey}${about}, of tenant ${tenantId}`, 0, columns),
    ...indented(`happened  ${timeText(eventAt)}`, 2, columns),
    ...indented(`event id  ${eventId}`, 2, columns),
    ...indented(`record    ${record}`, 2, columns),
    ...deliveries.flatMap((delivery) => ['', ...deliveryLines(delivery, columns)]),
    ...otherLines(others, columns),
    ...remarks.flatMap((remark) => ['', ...indented(remark, 2, columns)]),
    ...next.map((command) => `  After you have corrected the hook: ${command}`),
  ]
}

function deliveryLines(delivery: ExplainedDelivery, columns: number): readonly Line[] {
  const { hookId, deliveryId, url, words, state, endpoint, waits, runs, next } = delivery
  const [first = '', ...rest] = indented(`Hook ${hookId}: ${words}`, 2, columns)
  return [
    [coloured(state, first)],
    ...rest,
    ...indented(`delivery  ${deliveryId}`, 4, columns),
    ...(url === null ? [] : indented(`url       ${url}`, 4, columns)),
    ...(endpoint === null ? [] : indented(`endpoint  ${endpoint}`, 4, columns)),
    ...runs.flatMap((run) => runLines(run, runs.length > 1, columns)),
    ...waits.flatMap(({ place, attempt, startsAt }) =>
      indented(
        `waits     in ${place}, attempt ${attempt} from ${timeText(startsAt)} on`,
        4,
        columns,
      ),
    ),
    // Whole, so that they can be copied.
    ...next.map((command) => `    next      ${command}`),
  ]
}

const attemptIndent = '    '

function runLines(run: RunStory, isOneOfSeveral: boolean, columns: number): readonly Line[] {
  const { results, trigger, leftOut } = run
  const isPlain = trigger === 'event' && !isOneOfSeveral
  const table = fitted(attemptColumns, columns - attemptIndent.length)
  return [
    ...(isPlain ? [] : indented(`run       ${run.run} (${trigger})`, 4, columns)),
    ...headingsOf(table).map((line) => attemptIndent + line),
    ...results.flatMap((result) => attemptLines(result, table, columns)),
    ...(leftOut > 0 ? [`    ${leftOut} results after the first are not shown`] : []),
  ]
}

function attemptLines(result: DeliveryResult, table: Layout, columns: number): readonly Line[] {
  const { attemptedAt, outcome, attempt, maxAttempts, errorMessage } = result
  const phase = (at: number | null) => durationText(at ?? undefined)
  const rows = rowOf(table, [
    shortTime(attemptedAt),
    coloured(outcome, [outcome, whatCame(result)].join(' ').trimEnd()),
    attempt === null ? '-' : `${attempt}/${maxAttempts ?? '-'}`,
    ...[result.queuedMs, result.connectMs, result.firstByteMs, result.totalMs].map(phase),
  ])
  const lines = rows.map((row) => [attemptIndent, ...(typeof row === 'string' ? [row] : row)])
  if (errorMessage === null) return lines
  return [...lines, `      ${cut(errorMessage, columns - 6)}`]
}

function otherLines(others: readonly ExplainedHook[], columns: number): readonly Line[] {
  if (others.length === 0) return []
  const shown = others.slice(0, mostOthers)
  const left = others.length - shown.length
  return [
    '',
    '  Not called:',
    ...shown.flatMap(({ hookId, words, isChangedSince }) => {
      const since = isChangedSince ? ' (its record was written after the event)' : ''
      return indented(`${hookId}: ${words}${since}`, 4, columns)
    }),
    ...(left > 0 ? [`    and ${left} more: --json shows all`] : []),
  ]
}

/** One paragraph, whose further lines are indented by two more. */
function indented(text: string, indent: number, columns: number): readonly string[] {
  const width = Math.max(20, columns - indent - 2)
  return paragraph(text, width).map(
    (line, index) => `${' '.repeat(index === 0 ? indent : indent + 2)}${line}`,
  )
}

export function explanationJson(explanation: Explanation) {
  const { found, place, deliveries, others, remarks, next } = explanation
  const { eventKey, eventId, tenantId, eventAt, writtenAt, userId } = found
  return {
    ...{ eventId, event: eventKey, tenantId, userId: userId ?? null, eventAt },
    record: place ?? null,
    writtenAt: place === undefined ? null : writtenAt,
    deliveries: deliveries.map(({ runs, ...delivery }) => ({
      ...delivery,
      runs: runs.map(({ run, trigger, results, leftOut }) => ({ run, trigger, results, leftOut })),
    })),
    ...{ others, remarks, next },
  }
}
