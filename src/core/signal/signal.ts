/**
 * Signals: what the stages emit when something happens. For each kind, `edge/telemetry` has the log line in
 * `signal-log.ts` and the metric in `metrics.ts`. A signal never has a body, a secret, a signature or a full URL.
 */
import type { FilterFault } from '../filter/filter.ts'
import type {
  Blame,
  DeliveryId,
  EpochMs,
  ErrorClass,
  FieldProblem,
  HookId,
  Outcome,
  Reason,
  InboundRecord,
  RecordPlace,
  RejectionReason,
  TenantId,
  Trigger,
} from '../model/model.ts'
import type { EndpointState } from '../model/record-values.ts'

/** A place and nothing else: all of a signal is logged, so this type excludes whole records, which have content. */
type Place = RecordPlace & {
  readonly [Member in Exclude<keyof InboundRecord, keyof RecordPlace>]?: never
}

export type Signal =
  | { readonly kind: 'event.unmatched' }
  /** A hook's filter cannot be evaluated for an event. The event is not sent to the hook. */
  | { readonly kind: 'filter.failed'; readonly hookId: HookId; readonly fault: FilterFault }
  | {
      readonly kind: 'record.rejected'
      readonly source: Place
      readonly reason: RejectionReason
      readonly field: string
      readonly message: string
    }
  | DeliveryRecorded
  | { readonly kind: 'run.hopped'; readonly tier: string }
  /** A deferral of a run. Only the first deferral of a run has a result as well. */
  | { readonly kind: 'run.deferred'; readonly tier: string }
  /** A delivery of a half-done event was written as a split record. */
  | { readonly kind: 'run.split' }
  /** Lanes that had deferred deliveries could have made calls for this time in sum, and made none. */
  | { readonly kind: 'lanes.idle'; readonly laneMs: number }
  /** A call found its kept connection closed, and uses a new one. */
  | { readonly kind: 'connection.stale' }
  | { readonly kind: 'run.repeated'; readonly deliveryId: DeliveryId }
  /** A valid record or a tombstone of the hook topic was applied after the table had been loaded. */
  | {
      readonly kind: 'hook.changed'
      readonly hookId: HookId
      readonly configVersion: string
      readonly change: 'set' | 'deleted'
    }
  | {
      readonly kind: 'hook.suspended'
      readonly hookId: HookId
      readonly configVersion: string
      readonly problems: readonly FieldProblem[]
    }
  | {
      readonly kind: 'hook.unusable'
      readonly source: Place
      readonly problem: FieldProblem
    }
  /** The state of an endpoint changed, found by this process or by another. */
  | EndpointChanged
  | {
      readonly kind: 'endpoint.unusable'
      readonly source: Place
      readonly problem: FieldProblem
    }
  /** What happened to an endpoint was written as an event (docs/notices.md). */
  | { readonly kind: 'notice.written'; readonly event: string; readonly hookId: HookId }
  | {
      readonly kind: 'notice.left-out'
      readonly event: string
      readonly hookId: HookId
      readonly cause: NoticeCause
    }
  | { readonly kind: 'table.loaded'; readonly hooks: number; readonly suspended: number }
  | {
      readonly kind: 'group.assigned'
      readonly group: string
      readonly kept: number
      readonly gained: number
      readonly lost: number
    }
  | { readonly kind: 'group.draining'; readonly group: string; readonly inFlight: number }
  | {
      readonly kind: 'commit.acknowledged'
      readonly group: string
      readonly partitions: number
      readonly latencyMs: number
    }
  | {
      readonly kind: 'commit.failed'
      readonly group: string
      readonly outcome: 'stale' | 'unavailable'
    }
  /**
   * Commits of assigned partitions have metadata that hooktide did not write for them. It is ignored, so records above
   * the committed offset that were complete are delivered again.
   */
  | {
      readonly kind: 'commit.foreign'
      readonly group: string
      readonly count: number
      /** The first of them, as `<topic>/<partition>`. */
      readonly partitions: readonly string[]
      /** The consequence, for people. */
      readonly message: string
    }
  /** A lookup of an endpoint's host name ended. */
  | {
      readonly kind: 'name.asked'
      readonly host: string
      readonly outcome: NameOutcome
      readonly tookMs: number
    }
  /** An address was used after its time to live, because no name server answered. */
  | { readonly kind: 'name.stale'; readonly host: string }
  /** The first `name.stale` of a name. `more`: further such names since the last signal of this kind. */
  | { readonly kind: 'name.unanswered'; readonly host: string; readonly more: number }
  /** Name servers answer for the name again. `more`: further such names since the last signal of this kind. */
  | {
      readonly kind: 'name.recovered'
      readonly host: string
      readonly staleMs: number
      readonly more: number
    }
  | { readonly kind: 'calls.stopped'; readonly cause: StopCause }
  | { readonly kind: 'calls.resumed' }

/** The outcomes of a lookup of a name; see `edge/names/answer.ts`. */
export const nameOutcomes = ['addresses', 'no-name', 'refused', 'silent'] as const
export type NameOutcome = (typeof nameOutcomes)[number]

export const stopCauses = [
  'rebalance',
  'membership-unproven',
  'results-pending',
  'proxy-away',
  'stopping',
] as const
/** Why no call may start. */
export type StopCause = (typeof stopCauses)[number]

/**
 * Why a notice is left out: there were too many notices of its tenant, or of all tenants, within a minute, Kafka has not
 * acknowledged those before it, or the notice is larger than the event topic accepts.
 */
export type NoticeCause = 'tenant-rate' | 'total-rate' | 'unacknowledged' | 'too-large'

export interface EndpointChanged {
  readonly kind: 'endpoint.changed' | 'endpoint.disabled'
  readonly hookId: HookId
  readonly tenantId: TenantId
  readonly from: EndpointState
  readonly to: EndpointState
  readonly reason: string
  /** When the next attempt may be made, if the endpoint is open or paused. */
  readonly until: EpochMs | null
  /** The process that found the change; `cli` for a command. Other processes log it too. */
  readonly writtenBy: string
}

/** An attempt ended, or a run ended without one. */
export interface DeliveryRecorded {
  readonly kind: 'delivery.recorded'
  readonly deliveryId: DeliveryId
  readonly run: string
  readonly trigger: Trigger
  readonly event: string
  readonly hookId: HookId
  readonly tenantId: TenantId
  readonly outcome: Outcome
  readonly reason: Reason | undefined
  readonly attempt: number | undefined
  readonly maxAttempts: number | undefined
  readonly status: number | undefined
  readonly errorClass: ErrorClass | undefined
  readonly blame: Blame | undefined
  readonly totalMs: number | undefined
  /** From the timestamp of the event's record to the start of the first attempt; `undefined` for other attempts. */
  readonly sinceEventMs: number | undefined
  readonly nextDueAt: EpochMs | undefined
  readonly source: Place
}

export type Emit = (signal: Signal) => void
