/** What counts as a result: anyone may write to the topic. */
import type { DeliveryResult } from '../../core/model/records.ts'

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => Number.isFinite(value)
const isPosition: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isTime: Check = (value) =>
  typeof value === 'number' && !Number.isNaN(new Date(value).getTime())

function nullable(check: Check): Check {
  return (value) => value === null || check(value)
}

/** Of every field. */
const checks: Readonly<Record<keyof DeliveryResult, Check>> = {
  deliveryId: isText,
  run: isText,
  eventId: isText,
  eventKey: isText,
  hookId: isText,
  tenantId: isText,
  userId: nullable(isText),
  configVersion: nullable(isText),
  attempt: nullable(isNumber),
  maxAttempts: nullable(isNumber),
  trigger: isText,
  outcome: isText,
  reason: nullable(isText),
  unmatchedHooks: nullable(areUnmatchedHooks),
  final: (value) => typeof value === 'boolean',
  statusCode: nullable(isNumber),
  errorClass: nullable(isText),
  errorMessage: nullable(isText),
  blame: nullable(isText),
  url: nullable(isText),
  queuedMs: nullable(isNumber),
  connectMs: nullable(isNumber),
  firstByteMs: nullable(isNumber),
  totalMs: nullable(isNumber),
  responseBody: nullable(isText),
  nextDueAt: nullable(isTime),
  sourceTopic: isText,
  sourcePartition: isPosition,
  sourceOffset: isPosition,
  sourceKey: nullable(isText),
  eventAt: isTime,
  attemptedAt: isTime,
  instance: isText,
}
const fields = Object.entries(checks)

/** Whether what was read from the topic can be shown and counted as a result at all. */
export function isResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null) return false
  const read: Partial<Record<string, unknown>> = { ...value }
  return fields.every(([field, check]) => check(read[field]))
}

function areUnmatchedHooks(value: unknown): boolean {
  return Array.isArray(value) && value.every(isUnmatchedHook)
}

function isUnmatchedHook(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { hookId, reason }: Partial<Record<string, unknown>> = { ...value }
  return isText(hookId) && isText(reason)
}
