/** One line for people about a result, and which results they want to see. */
import { styleText } from 'node:util'
import { formatDuration } from '../core/durations.ts'
import type { DeliveryResult } from '../core/records.ts'
import { printable } from './table.ts'

type TextField = 'hookId' | 'tenantId' | 'deliveryId' | 'eventId' | 'eventKey' | 'outcome'

/** Option of the command → field of the result that it must equal. */
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

/** Whether an object read from the topic can be shown as a result at all. */
export function isResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null) return false
  const fields: Partial<Record<string, unknown>> = { ...value }
  return (
    typeof fields['outcome'] === 'string' &&
    typeof fields['hookId'] === 'string' &&
    typeof fields['attemptedAt'] === 'number'
  )
}

/** Time, outcome, answer, attempt, hook, event, duration, and what follows. Coloured only on a terminal that wants it. */
export function resultLine(result: DeliveryResult): string {
  const { attempt, maxAttempts, totalMs } = result
  const answer = result.statusCode ?? result.errorClass ?? '-'
  const cells = [
    new Date(result.attemptedAt).toISOString(),
    coloured(result.outcome, result.outcome.padEnd(11)),
    String(answer).padEnd(8),
    `${attempt ?? '-'}/${maxAttempts ?? '-'}`.padEnd(5),
    result.hookId.padEnd(21),
    result.eventKey.padEnd(20),
    (totalMs === null ? '-' : `${Math.round(totalMs)} ms`).padStart(8),
    followUp(result),
  ]
  return cells.join('  ').trimEnd()
}

function followUp({ nextDueAt, reason, attemptedAt, errorMessage }: DeliveryResult): string {
  const parts: string[] = []
  if (nextDueAt !== null) {
    const waitMs = Math.max(0, Math.round((nextDueAt - attemptedAt) / 1_000) * 1_000)
    parts.push(`next ${new Date(nextDueAt).toISOString()} (in ${formatDuration(waitMs)})`)
  }
  if (reason !== null) parts.push(reason)
  if (errorMessage !== null) parts.push(errorMessage)
  return printable(parts.join(', '))
}

const colours = {
  delivered: 'green',
  retrying: 'yellow',
  deferred: 'yellow',
  interrupted: 'yellow',
  dead: 'red',
  expired: 'red',
  discarded: 'gray',
} as const

function coloured(outcome: string, text: string): string {
  const colour = Object.entries(colours).find(([name]) => name === outcome)?.[1]
  // `styleText` itself looks whether standard output is a terminal, and at NO_COLOR.
  return colour === undefined ? printable(text) : styleText(colour, text)
}
