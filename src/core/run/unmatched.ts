/** The result of an event that went to no hook, where these are recorded. */
import type { HookTable } from '../hook/table.ts'
import { deliveryIdOf } from '../model/identity.ts'
import type {
  AuthEvent,
  EpochMs,
  HookId,
  OutboundRecord,
  RefusalReason,
  UnmatchedReason,
} from '../model/model.ts'
import type { DeliveryResult, UnmatchedHook } from '../model/records.ts'
import { placeOf } from './delivery-headers.ts'
import type { RecordingRules } from './recording.ts'
import { noAttempt } from './result.ts'

/** Hooks that one record names. */
const maxHooks = 50

export interface Unmatched {
  readonly reason: UnmatchedReason
  /** Those that are named. */
  readonly hooks: readonly UnmatchedHook[]
  /** How many there are beside them. */
  readonly others: number
}

/** The hooks of an event's tenant and key that the event does not go to, as they are found out. */
export class Refusals {
  readonly #hooks: UnmatchedHook[] = []
  #count = 0

  readonly add = (hookId: HookId, reason: RefusalReason): void => {
    this.#count += 1
    if (this.#hooks.length < maxHooks) this.#hooks.push({ hookId, reason })
  }

  /** Why the event went nowhere. @param table one that keeps hooks that are not enabled */
  unmatched(event: AuthEvent, table: HookTable): Unmatched {
    for (const id of table.disabledFor(event)) this.add(id, 'hook-disabled')
    return {
      reason: this.#reason(event, table),
      hooks: this.#hooks,
      others: this.#count - this.#hooks.length,
    }
  }

  #reason({ tenantId }: AuthEvent, table: HookTable): UnmatchedReason {
    if (this.#count > 0) return 'not-passed'
    return table.hasTenant(tenantId) ? 'event-unknown' : 'tenant-unknown'
  }
}

/**
 * The record of an event that went to no hook. Its delivery id is made as others are, of no hook: so it is the same when a
 * crash repeats it, and no delivery has it.
 */
export function unmatchedRecord(
  event: AuthEvent,
  unmatched: Unmatched,
  { topics, instance, encode }: Pick<RecordingRules, 'topics' | 'instance' | 'encode'>,
  now: EpochMs,
): OutboundRecord {
  const { tenantId, eventSource, eventId, source } = event
  const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, '')
  const { reason, hooks, others } = unmatched
  const result: DeliveryResult = {
    ...{ deliveryId, run: placeOf(source), eventId, eventKey: event.event, hookId: '', tenantId },
    ...{ userId: event.userId ?? null, configVersion: null, attempt: null, trigger: 'event' },
    ...{ outcome: 'unmatched', reason, unmatchedHooks: hooks, final: true },
    ...{ errorClass: null, blame: null, ...noAttempt },
    errorMessage: others === 0 ? null : `${others} more hooks are not named`,
    ...{ nextDueAt: null, sourceTopic: source.topic, sourcePartition: source.partition },
    ...{ sourceOffset: source.offset, sourceKey: event.sourceKey ?? null },
    ...{ eventAt: event.createdAt, attemptedAt: now, instance },
  }
  return { topic: topics.results, key: deliveryId, value: encode(result), headers: [] }
}
