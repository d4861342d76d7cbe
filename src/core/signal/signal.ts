/**
 * What the stages tell the outside as it happens. `signal-log.ts` and `metrics.ts` of `edge/telemetry` have each kind's log
 * line and its metric, so that the two cannot disagree. Never carries a body, a secret, a signature or a full URL.
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
} from '../model/model.ts'
import type { EndpointState } from '../model/record-values.ts'

/** Where a record stands, and nothing of what it holds: the log has signals as they are. */
type Place = RecordPlace & {
  readonly [Member in Exclude<keyof InboundRecord, keyof RecordPlace>]?: never
}

export type Signal =
  | { readonly kind: 'event.unmatched' }
  /** The filter of a hook has no value for an event, which is not sent to it. */
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
  /** Each deferral of a run; only the first has a result too. */
  | { readonly kind: 'run.deferred'; readonly tier: string }
  /** A delivery of a half-done event goes on from a record of its own. */
  | { readonly kind: 'run.split' }
  /** Lanes could have called and did not, though something of theirs was put off. */
  | { readonly kind: 'lanes.idle'; readonly laneMs: number }
  /** A kept connection had ended when a call came to use it; the call goes on on a new one. */
  | { readonly kind: 'connection.stale' }
  | { readonly kind: 'run.repeated'; readonly deliveryId: DeliveryId }
  /** A valid record of the hook topic, or a tombstone, was applied after the table had been loaded. */
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
  /** The state of an endpoint is another one, whoever found it. */
  | EndpointChanged
  | {
      readonly kind: 'endpoint.unusable'
      readonly source: Place
      readonly problem: FieldProblem
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
   * Commits that a partition goes on from have metadata that this program did not write for them. What it may say is not
   * believed: records that were complete above the committed offset are delivered again rather than lost.
   */
  | {
      readonly kind: 'commit.foreign'
      readonly group: string
      readonly count: number
      /** `<topic>/<partition>`, the first of them. */
      readonly partitions: readonly string[]
      /** What follows from it. */
      readonly message: string
    }
  /** A lookup of an endpoint's host name ended. */
  | {
      readonly kind: 'name.asked'
      readonly host: string
      readonly outcome: NameOutcome
      readonly tookMs: number
    }
  /** An address was used beyond its time to live, since no name server could say. */
  | { readonly kind: 'name.stale'; readonly host: string }
  /** The first such use of a name. `more`: other names of which this was not told since the last time. */
  | { readonly kind: 'name.unanswered'; readonly host: string; readonly more: number }
  /** The end of it. */
  | {
      readonly kind: 'name.recovered'
      readonly host: string
      readonly staleMs: number
      readonly more: number
    }
  | { readonly kind: 'calls.stopped'; readonly cause: StopCause }
  | { readonly kind: 'calls.resumed' }

/** What a lookup of a name can come to; see `edge/names/answer.ts`. */
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

export interface EndpointChanged {
  readonly kind: 'endpoint.changed' | 'endpoint.disabled'
  readonly hookId: HookId
  readonly tenantId: TenantId
  readonly from: EndpointState
  readonly to: EndpointState
  readonly reason: string
  /** Of an open or paused one: when the next attempt may be made. */
  readonly until: EpochMs | null
  /** The process that found it, which need not be the one that logs it; `cli` for a command. */
  readonly writtenBy: string
}

/** An attempt was answered, or a run ended without one. One wide line, and the counts. */
export interface DeliveryRecorded {
  readonly kind: 'delivery.recorded'
  readonly deliveryId: DeliveryId
  readonly run: string
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
  /** From the event record's timestamp to the start of the first attempt; `undefined` for any other attempt. */
  readonly sinceEventMs: number | undefined
  readonly nextDueAt: EpochMs | undefined
  readonly source: Place
}

export type Emit = (signal: Signal) => void
