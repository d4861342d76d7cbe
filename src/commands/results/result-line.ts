/** One line for people about a result. */
import { roughWait } from '../../core/model/durations.ts'
import { eventKeys } from '../../core/event/event-keys.ts'
import type { EpochMs } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { fitted, headingsOf, rowOf, type Column, type Layout } from '../columns.ts'
import type { Line, LinePart } from '../line.ts'

interface ResultColumn extends Column {
  /** @param now how long it is until what is still to come */
  readonly cell: (result: DeliveryResult, now: EpochMs) => string
}

/** A column that is as wide as this, and shown whatever the width. */
function fixed(heading: string, max: number, cell: ResultColumn['cell']): ResultColumn {
  return { heading, min: max, max, rank: 0, cell }
}

function optional(rank: number, column: ResultColumn, min = column.min): ResultColumn {
  return { ...column, rank, min }
}

const attempt = ({ attempt: number, maxAttempts }: DeliveryResult, between: string) =>
  number === null ? '-' : `${number}${between}${maxAttempts ?? '-'}`
const answer = ({ statusCode, errorClass }: DeliveryResult) =>
  String(statusCode ?? errorClass ?? '-')
const took = fixed('TOOK', 8, ({ totalMs }) =>
  totalMs === null ? '-' : `${Math.round(totalMs)} ms`,
)
const trigger = fixed('TRIGGER', 7, (result) => result.trigger)
const hook = fixed('HOOK', 21, ({ hookId }) => (hookId === '' ? '-' : hookId))
const delivery = fixed('DELIVERY', 26, ({ deliveryId }) => deliveryId)
const next = fixed('NEXT', 60, followUp)
const eventWidth = Math.max(...eventKeys.map((key) => key.length))

/** A column from this width on, shown whatever the width, and never cut. */
function wrapped(min: number, column: ResultColumn): ResultColumn {
  return { ...column, min, isWrapped: true }
}

/** Where lines are read by programs, and on demand: everything, in full. Longer cells push the others aside. */
const wideColumns: readonly ResultColumn[] = [
  fixed('TIME', 24, ({ attemptedAt }) => new Date(attemptedAt).toISOString()),
  fixed('OUTCOME', 11, ({ outcome }) => outcome),
  fixed('ANSWER', 8, answer),
  fixed('ATTEMPT', 8, (result) => attempt(result, ' of ')),
  trigger,
  fixed('TENANT', 10, ({ tenantId }) => tenantId),
  hook,
  fixed('EVENT', eventWidth, ({ eventKey }) => eventKey),
  delivery,
  took,
  fixed('EVENT ID', 36, ({ eventId }) => eventId),
  next,
]

/** In a terminal. Those of rank 0 take 80 columns, with ids of Logto in full. */
const terminalColumns: readonly ResultColumn[] = [
  fixed('TIME', 14, ({ attemptedAt }) => shortTime(attemptedAt)),
  wrapped(
    13,
    fixed('OUTCOME', 16, (result) => [result.outcome, whatCame(result)].join(' ').trimEnd()),
  ),
  fixed('TRY', 5, (result) => attempt(result, '/')),
  trigger,
  wrapped(hook.min, hook),
  wrapped(
    10,
    fixed('EVENT', 18, ({ eventKey }) => eventKey),
  ),
  optional(1, delivery),
  optional(2, took),
  optional(
    3,
    fixed('TENANT', 21, ({ tenantId }) => tenantId),
    8,
  ),
  optional(4, { ...next, max: 200 }, 20),
]

/** Lines of a stream share columns before it is known what comes. */
export class ResultTable {
  readonly headings: readonly string[]
  readonly #columns: readonly ResultColumn[]
  readonly #layout: Layout

  /** @param columns of the terminal; `undefined`: everything is shown in full */
  constructor(columns: number | undefined) {
    this.#columns = columns === undefined ? wideColumns : terminalColumns
    this.#layout = fitted(this.#columns, columns)
    this.headings = headingsOf(this.#layout)
  }

  /** @param now what is still to come is told by how long from now */
  lines(result: DeliveryResult, now: EpochMs): readonly Line[] {
    const cells = this.#columns.map(({ heading, cell }) => {
      const text = cell(result, now)
      return heading === 'OUTCOME' ? coloured(result.outcome, text) : text
    })
    return rowOf(this.#layout, cells)
  }
}

/** UTC, without the year: `11-26 09:02:11`. */
export function shortTime(at: EpochMs): string {
  return new Date(at).toISOString().slice(5, 19).replace('T', ' ')
}

/** UTC, to the second: `2026-11-26T09:02:11Z`. */
export function timeText(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 19).concat('Z')
}

/** What ended an attempt; of an end without one, why. */
export function whatCame({ statusCode, errorClass, reason }: DeliveryResult): string {
  const answered = errorClass === null || errorClass === 'http' ? statusCode : errorClass
  return String(answered ?? errorClass ?? reason ?? '')
}

function followUp(result: DeliveryResult, now: EpochMs): string {
  const { nextDueAt, reason, errorMessage, unmatchedHooks } = result
  const parts: string[] = []
  if (nextDueAt !== null) parts.push(dueWords(nextDueAt, now))
  if (reason !== null) parts.push(reason)
  for (const hook of unmatchedHooks ?? []) parts.push(`${hook.hookId} ${hook.reason}`)
  if (errorMessage !== null) parts.push(errorMessage)
  return parts.join(', ')
}

/** A time, and how long it is until then if it is still to come. */
export function dueWords(dueAt: EpochMs, now: EpochMs): string {
  const wait = dueAt > now ? ` (in ${roughWait(dueAt - now)})` : ''
  return `${new Date(dueAt).toISOString()}${wait}`
}

const colours = {
  delivered: 'green',
  retrying: 'yellow',
  deferred: 'yellow',
  interrupted: 'yellow',
  dead: 'red',
  expired: 'red',
  discarded: 'gray',
  unmatched: 'gray',
} as const

export function coloured(outcome: string, text: string): LinePart {
  const style = Object.entries(colours).find(([name]) => name === outcome)?.[1]
  return style === undefined ? text : { text, style }
}
