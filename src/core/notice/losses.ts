/** Deliveries that ended without success because of their age or of a bound, collected by hook until they are told. */
import { noticeKeys } from '../event/event-keys.ts'
import type { EpochMs, HookId, TenantId } from '../model/model.ts'
import type { Reason } from '../model/record-values.ts'
import type { DeliveryRecorded } from '../signal/signal.ts'

/** Why a delivery counts as lost. What is lost because its endpoint is disabled, the notice of that tells. */
export const lossReasons = [
  'exhausted',
  'max-age',
  'endpoint-down',
  'overflow',
  'too-large',
] as const satisfies readonly Reason[]
export type LossReason = (typeof lossReasons)[number]

/** What one hook lost. */
export interface Loss {
  readonly hookId: HookId
  readonly tenantId: TenantId
  /** The first of them, which names the notice: a crash repeat of it has the same. */
  readonly first: Pick<DeliveryRecorded, 'deliveryId' | 'run'>
  readonly since: EpochMs
  readonly until: EpochMs
  readonly counts: Readonly<Partial<Record<LossReason, number>>>
}

/** So long losses of a hook are collected before they are told. */
export const collectMs = 5 * 60_000
/** Hooks whose losses are collected at the same time. The losses of others are not told. */
const maxHooks = 10_000

export class Losses {
  /** In the order of their beginning. */
  readonly #byHook = new Map<HookId, Loss>()

  get isEmpty(): boolean {
    return this.#byHook.size === 0
  }

  /** A test is no loss, and neither is a notice: a notice never causes another. */
  add(recorded: DeliveryRecorded, at: EpochMs): void {
    const { hookId, tenantId, deliveryId, run, event, trigger } = recorded
    const reason = lossReasons.find((one) => one === recorded.reason)
    if (reason === undefined || trigger === 'test' || isNoticeKey(event)) return
    const known = this.#byHook.get(hookId)
    if (known === undefined && this.#byHook.size >= maxHooks) return
    const first = { deliveryId, run }
    const loss: Loss = known ?? { hookId, tenantId, first, since: at, until: at, counts: {} }
    const counts = { ...loss.counts, [reason]: (loss.counts[reason] ?? 0) + 1 }
    this.#byHook.set(hookId, { ...loss, until: at, counts })
  }

  /** Takes what has been collected for long enough, or all. */
  take(now: EpochMs, isAll: boolean): readonly Loss[] {
    const due = [...this.#byHook.values()].filter(
      // A clock that was set back holds nothing up.
      ({ since }) => isAll || now < since || now - since >= collectMs,
    )
    for (const { hookId } of due) this.#byHook.delete(hookId)
    return due
  }
}

function isNoticeKey(event: string): boolean {
  return noticeKeys.some((key) => key === event)
}
