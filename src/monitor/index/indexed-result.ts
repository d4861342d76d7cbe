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

/** The longest that HOOKTIDE_MAX_AGE_MS may be: no attempt is due later. */
const maxRunAgeMs = 365 * 86_400_000

/** @param now nothing happened later: a clock that was ahead must not keep a row in the window for ever */
export function indexedResult(value: object, now: EpochMs): IndexedResult {
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const name = (field: string) => text(fields[field], maxName) ?? ''
  const nameOrNull = (field: string) => text(fields[field], maxName)
  const duration = (field: string) => positive(fields[field])
  const whole = (field: string, most?: number) =>
    Number.isInteger(fields[field]) ? positive(fields[field], most) : null
  const moment = (field: string) => {
    const at = positive(fields[field])
    return at === null ? null : Math.floor(at)
  }
  const attemptedAt = Math.min(moment('attemptedAt') ?? 0, now)
  const nextDueAt = moment('nextDueAt')
  return {
    deliveryId: name('deliveryId'),
    run: name('run'),
    hookId: name('hookId'),
    tenantId: name('tenantId'),
    eventId: name('eventId'),
    eventKey: name('eventKey'),
    configVersion: nameOrNull('configVersion'),
    attempt: whole('attempt'),
    maxAttempts: whole('maxAttempts'),
    trigger: name('trigger'),
    outcome: name('outcome'),
    reason: nameOrNull('reason'),
    final: fields['final'] === true,
    statusCode: whole('statusCode', 999),
    errorClass: nameOrNull('errorClass'),
    errorMessage: text(fields['errorMessage'], maxText),
    blame: nameOrNull('blame'),
    url: text(fields['url'], maxText),
    queuedMs: duration('queuedMs'),
    connectMs: duration('connectMs'),
    firstByteMs: duration('firstByteMs'),
    totalMs: duration('totalMs'),
    responseBody: text(fields['responseBody'], maxBody),
    nextDueAt: nextDueAt === null ? null : Math.min(nextDueAt, attemptedAt + maxRunAgeMs),
    sourceTopic: name('sourceTopic'),
    sourcePartition: whole('sourcePartition') ?? -1,
    sourceOffset: whole('sourceOffset') ?? -1,
    eventAt: Math.min(moment('eventAt') ?? 0, now),
    attemptedAt,
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

/** `null` for anything else. Clocks that were put back make negative durations. */
function positive(value: unknown, most: number = Number.MAX_SAFE_INTEGER): number | null {
  return typeof value === 'number' && value >= 0 && value <= most ? value : null
}

/** Whether a request was made, to whatever end. One that the process gave up is made again and counts then. */
export function isCall({ attempt, outcome }: Pick<IndexedResult, 'attempt' | 'outcome'>): boolean {
  return attempt !== null && outcome !== 'interrupted'
}
