/** What counts as a result: anyone may write to the topic. */
import type { DeliveryResult } from '../../core/model/records.ts'

type Field = keyof DeliveryResult

const texts: readonly Field[] = [
  ...(['deliveryId', 'run', 'eventId', 'eventKey', 'hookId', 'tenantId'] as const),
  ...(['trigger', 'outcome'] as const),
]
const nullableTexts: readonly Field[] = ['reason', 'errorClass', 'errorMessage', 'blame', 'url']
const nullableNumbers: readonly Field[] = [
  ...(['attempt', 'maxAttempts', 'statusCode'] as const),
  ...(['queuedMs', 'connectMs', 'firstByteMs', 'totalMs'] as const),
]

/** Whether what was read from the topic can be shown and counted as a result at all. */
export function isResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null) return false
  const fields: Partial<Record<string, unknown>> = { ...value }
  return (
    texts.every((field) => typeof fields[field] === 'string') &&
    nullableTexts.every((field) => isNullOr(fields[field], 'string')) &&
    nullableNumbers.every((field) => isNullOr(fields[field], 'number')) &&
    isTime(fields['attemptedAt']) &&
    isTime(fields['eventAt']) &&
    (fields['nextDueAt'] === null || isTime(fields['nextDueAt']))
  )
}

function isNullOr(value: unknown, type: 'string' | 'number'): boolean {
  return value === null || typeof value === type
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}
