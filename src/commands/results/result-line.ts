/** Filters results, and formats one as a line for people. */
import { roughWait } from '../../core/model/durations.ts'
import { eventKeys } from '../../core/event/event-keys.ts'
import type { EpochMs } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { printable } from '../../core/text/printable-text.ts'
import type { Line, LinePart } from '../line.ts'

type TextField = 'hookId' | 'tenantId' | 'deliveryId' | 'eventId' | 'eventKey' | 'outcome'

/** By option: the field of the result that must equal its value. */
export const filterFields: Readonly<Record<string, TextField>> = {
  hook: 'hookId',
  tenant: 'tenantId',
  delivery: 'deliveryId',
  'event-id': 'eventId',
  event: 'eventKey',
  outcome: 'outcome',
}

export interface ResultFilter {
  readonly equals: readonly (readonly [field: TextField, value: string])[]
  readonly isFinalOnly: boolean
}

export function isWanted(result: DeliveryResult, { equals, isFinalOnly }: ResultFilter): boolean {
  if (isFinalOnly && !result.final) return false
  return equals.every(([field, value]) => result[field] === value)
}

/** Whether a value has the fields of a result that are shown. Anyone may write to the topic. */
export function isResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null) return false
  const fields: Partial<Record<string, unknown>> = { ...value }
  return (
    Object.values(filterFields).every((field) => typeof fields[field] === 'string') &&
    isTime(fields['attemptedAt']) &&
    (fields['nextDueAt'] === null || isTime(fields['nextDueAt'])) &&
    (fields['totalMs'] === null || typeof fields['totalMs'] === 'number')
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}

/** Columns and their widths. They are fixed before the first result is known: a longer cell moves those after it. */
const columns = [
  ['TIME', 24],
  ['OUTCOME', 11],
  ['ANSWER', 8],
  ['ATTEMPT', 7],
  ['TENANT', 10],
  ['HOOK', 21],
  ['EVENT', Math.max(...eventKeys.map((key) => key.length))],
  ['DELIVERY', 26],
  ['TOOK', 8],
  ['EVENT ID', 36],
] as const

/** The heading of the table. */
export const resultHeading = [...columns.map(([name, width]) => name.padEnd(width)), 'NEXT'].join(
  '  ',
)

/** One line of the table under {@link resultHeading}. @param now times to come are also shown as waits from now */
export function resultLine(result: DeliveryResult, now: EpochMs): Line {
  const { outcome, attempt, maxAttempts, totalMs } = result
  const cells = [
    new Date(result.attemptedAt).toISOString(),
    outcome,
    String(result.statusCode ?? result.errorClass ?? '-'),
    attempt === null ? '-' : `${attempt} of ${maxAttempts ?? '-'}`,
    result.tenantId,
    result.hookId === '' ? '-' : result.hookId,
    result.eventKey,
    result.deliveryId,
    totalMs === null ? '-' : `${Math.round(totalMs)} ms`,
    result.eventId,
  ]
  // Measured as printed: escaping makes text longer.
  const padded = cells.map((cell, index) => `${printable(cell).padEnd(columns[index]?.[1] ?? 0)}  `)
  const rest = `${padded.slice(outcomeColumn + 1).join('')}${followUp(result, now)}`.trimEnd()
  return [...padded.slice(0, outcomeColumn), coloured(outcome, padded[outcomeColumn] ?? ''), rest]
}

const outcomeColumn = columns.findIndex(([name]) => name === 'OUTCOME')

function followUp(
  { nextDueAt, reason, errorMessage, unmatchedHooks }: DeliveryResult,
  now: EpochMs,
): string {
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

function coloured(outcome: string, text: string): LinePart {
  const style = Object.entries(colours).find(([name]) => name === outcome)?.[1]
  return style === undefined ? text : { text, style }
}
