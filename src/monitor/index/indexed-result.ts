/** What the index keeps of a result. Anyone who may write to the topic chooses its values: each is checked and bounded. */
import type { DeliveryResult } from '../../core/model/records.ts'
import { isJsonObject } from '../../core/text/json-text.ts'
import type { EpochMs } from '../../core/model/model.ts'

/** A hook that an event did not go to, and why. */
export interface RefusingHook {
  readonly hookId: string
  readonly reason: string
}

/** A result whose values are checked and bounded. */
export type IndexedResult = Omit<DeliveryResult, 'unmatchedHooks'> & {
  /** Of an event that went to no hook, where such events are recorded. */
  readonly unmatchedHooks: readonly RefusingHook[] | null
}

/** Names of things: the model allows no longer ones. */
const maxName = 512
const maxRefusing = 50
const maxText = 2_048
/** Results have the first 4 KiB, each byte of which may be a character of three bytes. */
const maxBody = 12_288

/** @param now nothing happened later: a clock that was ahead must not keep a row in the window for ever */
export function indexedResult(value: object, now: EpochMs): IndexedResult {
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const name = (field: string) => text(fields[field], maxName) ?? ''
  const nameOrNull = (field: string) => text(fields[field], maxName)
  const number = (field: string) => finite(fields[field])
  return {
    deliveryId: name('deliveryId'),
    run: name('run'),
    hookId: name('hookId'),
    tenantId: name('tenantId'),
    eventId: name('eventId'),
    eventKey: name('eventKey'),
    configVersion: nameOrNull('configVersion'),
    attempt: number('attempt'),
    maxAttempts: number('maxAttempts'),
    trigger: name('trigger'),
    outcome: name('outcome'),
    reason: nameOrNull('reason'),
    final: fields['final'] === true,
    statusCode: number('statusCode'),
    errorClass: nameOrNull('errorClass'),
    errorMessage: text(fields['errorMessage'], maxText),
    blame: nameOrNull('blame'),
    url: text(fields['url'], maxText),
    queuedMs: number('queuedMs'),
    connectMs: number('connectMs'),
    firstByteMs: number('firstByteMs'),
    totalMs: number('totalMs'),
    responseBody: text(fields['responseBody'], maxBody),
    nextDueAt: number('nextDueAt'),
    sourceTopic: name('sourceTopic'),
    sourcePartition: number('sourcePartition') ?? -1,
    sourceOffset: number('sourceOffset') ?? -1,
    eventAt: number('eventAt') ?? 0,
    attemptedAt: Math.min(number('attemptedAt') ?? 0, now),
    instance: name('instance'),
    userId: nameOrNull('userId'),
    sourceKey: nameOrNull('sourceKey'),
    unmatchedHooks: refusingHooks(fields['unmatchedHooks']),
  }
}

function refusingHooks(value: unknown): readonly RefusingHook[] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  return value
    .slice(0, maxRefusing)
    .filter(isJsonObject)
    .map(({ hookId, reason }) => ({
      hookId: text(hookId, maxName) ?? '',
      reason: text(reason, maxName) ?? '',
    }))
}

function text(value: unknown, most: number): string | null {
  return typeof value === 'string' ? value.slice(0, most) : null
}

function finite(value: unknown): number | null {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : null
}

/** Whether a request was made, to whatever end. One that the process gave up is made again and counts then. */
export function isCall({ attempt, outcome }: Pick<IndexedResult, 'attempt' | 'outcome'>): boolean {
  return attempt !== null && outcome !== 'interrupted'
}
