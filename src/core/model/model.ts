/**
 * Glossary. One word per thing, here, in the documents, in log lines and in metric names.
 *
 * - **event**: one auth event, the value of a record on an event topic.
 * - **hook**: one customer's webhook: where to call, for which events, signed with which key.
 * - **endpoint**: the URL of a hook, seen as something that answers or fails.
 * - **delivery**: one event for one hook. Its id is the same in every attempt, replay and crash repeat.
 * - **run**: one life of a delivery: one sending of the event, or one replay, resend or test request.
 * - **attempt**: one HTTP call of a run. **hop**: one writing of a run to a retry tier, or as a split record.
 * - **deferral**: putting off an attempt on a tier, without counting one, since the lane cannot take it in time.
 * - **split record**: a record of the topic of requests that continues a run, due at once.
 * - **tier**: a retry topic; how long its records wait is a property of the topic.
 * - **verdict**: what follows from an attempt: delivered, retry, dead, …
 * - **lane**: the queue, concurrency, rate limit and breaker of one hook.
 * - **report**: what one process writes to the topic of endpoint health about an endpoint.
 * - **breaker**: what stops the calls of a lane whose endpoint fails: closed, open or half-open.
 * - **ledger**: which offsets of a partition are complete, and so what may be committed.
 * - **epoch**: one uninterrupted ownership of a partition by this process.
 * - **rejection**: an event that is not valid, and why.
 * - **frame**: the zero byte and the schema's id that a registry's client puts before a value.
 * - **suspended**: a hook whose newest record is not valid: nothing is sent for it.
 */
import type { ErrorClass, RejectionReason, Trigger } from './record-values.ts'

export {
  blames,
  deathReasons,
  errorClasses,
  outcomes,
  triggers,
  type Blame,
  type ErrorClass,
  type Outcome,
  type Reason,
  type RejectionReason,
  type Trigger,
} from './record-values.ts'

/** Milliseconds since 1970, UTC. Comes from the clock port, never from the platform. */
export type EpochMs = number
/** Milliseconds of a clock that never jumps. Only differences mean something. */
export type MonotonicMs = number

export type HookId = string
export type TenantId = string
/** `dlv_` and 22 characters of base64url; see {@link ./identity.ts}. */
export type DeliveryId = string

/** The tenant of an event or hook that names none. */
export const defaultTenant: TenantId = 'default'

/** Where a record stands in Kafka. Offsets are plain numbers: 2^53 of them outlast any topic. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Names are compared as Kafka has them: exact. A header may have no value. */
export type KafkaHeader = readonly [name: string, value: Buffer | null]

/** The headers of a record in their order. A repeated one keeps all of its values. A list is one form of it. */
export interface KafkaHeaders extends Iterable<KafkaHeader> {
  readonly length: number
}

/** A record as it was read. */
export interface InboundRecord extends RecordPlace {
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers: KafkaHeaders
  /** Broker append time or producer's time, whichever the topic keeps. */
  readonly timestamp: EpochMs
}

/** A record to be written. */
export interface OutboundRecord {
  readonly topic: string
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: KafkaHeaders
}

// --- events ------------------------------------------------------------------------------------------

/** An auth event that passed validation. `body` is what was produced, outer white space trimmed. */
export interface AuthEvent {
  /** The event key, such as `PostSignIn` or `User.Data.Updated`. */
  readonly event: string
  /** The payload's own `createdAt`. Informative only: no rule depends on it. */
  readonly createdAt: EpochMs
  readonly tenantId: TenantId
  readonly eventId: string
  /** `ce_source` when the id is `ce_id`, else empty. Part of the delivery id. */
  readonly eventSource: string
  /** W3C trace context of the producer, if it sent one. */
  readonly traceparent: string | undefined
  /** JSON text of the payload, a non-empty object without `hookId`. Shared by all deliveries of the event: never changed. */
  readonly body: Buffer
  /** The record's headers without `hooktide-*`, passed on to tier and dead-letter records. */
  readonly headers: KafkaHeaders
  /** Where the event was first read; a retry keeps it. */
  readonly source: RecordPlace
}

/** Why a record on an event, request or retry topic cannot be handled. */
export interface Rejection {
  readonly reason: RejectionReason
  /** The field or header that is wrong; empty when the value as a whole is. */
  readonly field: string
  /** One sentence for people. Never contains the value. */
  readonly message: string
}

// --- hooks -------------------------------------------------------------------------------------------

export interface SigningKey {
  readonly key: string
  /** A previous key signs until then; the newest has none. */
  readonly expiresAt: EpochMs | undefined
}

/** A hook that may be called. */
export interface Hook {
  readonly id: HookId
  readonly tenantId: TenantId
  readonly name: string
  /** Logto's deprecated single event, used only when `events` is empty. */
  readonly event: string | undefined
  readonly events: readonly string[]
  readonly url: string
  /** Custom headers as configured. */
  readonly headers: Readonly<Record<string, string>>
  /** Newest key; empty means unsigned, as in Logto. */
  readonly signingKey: string
  readonly previousSigningKeys: readonly SigningKey[]
  readonly enabled: boolean
  /** `undefined`: the processor's default. */
  readonly timeoutMs: number | undefined
  readonly maxRetries: number | undefined
  readonly concurrency: number | undefined
  /** Calls that may start within a second, per process. May be a fraction. `undefined`: as many as there are. */
  readonly ratePerSecond: number | undefined
  /** Whether results may keep what the endpoint answers. `undefined`: as the processor's settings say. */
  readonly keepResponse: boolean | undefined
  /** A CEL expression that an event must fulfil; see `filter.ts`. `undefined`: every event that the hook is for. */
  readonly filter: string | undefined
  /** `<partition>-<offset>` of the hook record in use. */
  readonly configVersion: string
}

/** A hook whose newest record is not valid. What could be read of it decides where its deliveries go. */
export interface SuspendedHook {
  readonly id: HookId
  readonly tenantId: TenantId | undefined
  readonly event: string | undefined
  readonly events: readonly string[]
  readonly enabled: boolean
  readonly problems: readonly FieldProblem[]
  readonly configVersion: string
}

export interface FieldProblem {
  /** Dotted path, such as `config.url` or `delivery.previousSigningKeys[0].expiresAt`; empty for the whole. */
  readonly field: string
  readonly message: string
}

export type TableEntry =
  | { readonly kind: 'active'; readonly hook: Hook }
  | {
      readonly kind: 'suspended'
      /** The rest of it is told where it is read, and not kept. */
      readonly hook: Pick<SuspendedHook, 'id' | 'tenantId' | 'enabled' | 'configVersion'>
    }

// --- deliveries --------------------------------------------------------------------------------------

/** One run of a delivery, as far as it has come. This is what tier, request and dead-letter headers carry. */
export interface Run {
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  /**
   * Its name: the place of the record that began it, of the event itself or of the request for a replay, resend or test,
   * as `<topic>/<partition>/<offset>`. Runs that a former version began go on as `0` and `<partition>-<offset>`.
   */
  readonly run: string
  readonly trigger: Trigger
  /** Attempts made so far in this run; the next one is `attempt + 1`. */
  readonly attempt: number
  /** How often this run was written to a tier, or as a split record. */
  readonly hop: number
  /** How often this run was deferred. */
  readonly deferrals: number
  readonly firstHandledAt: EpochMs
  /** When the next attempt is due. */
  readonly dueAt: EpochMs
  /** How much earlier than `dueAt` the attempt may start: a part of the jitter in its wait, 0 after `Retry-After`. */
  readonly earlyMs: number
  readonly event: AuthEvent
}

/** What happened to one HTTP call. Times are measured by the monotonic clock. */
export type AttemptResult =
  | {
      readonly kind: 'response'
      readonly status: number
      /** Parsed `Retry-After`, as a wait counted from the response; `undefined` when absent or unreadable. */
      readonly retryAfterMs: number | undefined
      /** First 4 KiB of the body, decoded as UTF-8 with replacement. */
      readonly body: string
      readonly phases: Phases
    }
  | {
      readonly kind: 'error'
      readonly errorClass: Exclude<ErrorClass, 'http'>
      /** Short, without URL credentials, query or secrets. */
      readonly message: string
      /** Status line already received before the failure, if any. */
      readonly status: number | undefined
      readonly phases: Phases
    }
  | { readonly kind: 'aborted'; readonly phases: Phases }
  | { readonly kind: 'invalid-url'; readonly message: string; readonly phases: Phases }

/** Milliseconds from the start of the call; `null` where the call did not get that far. */
export interface Phases {
  /** Until a connection was ready: near 0 on a kept one. */
  readonly connectMs: number | null
  /** Until the response headers were in. */
  readonly firstByteMs: number | null
  readonly totalMs: number
}

/** What follows from an attempt, or from finding that none can be made. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly dueAt: EpochMs; readonly earlyMs: number }
  /** No attempt was made, and none is counted. */
  | {
      readonly kind: 'deferred'
      readonly dueAt: EpochMs
      readonly earlyMs: number
      /** Whether the lane is open or paused, rather than having more work than it can hold. */
      readonly isBlocked: boolean
    }
  | {
      readonly kind: 'dead'
      readonly reason:
        | 'gone'
        | 'invalid-url'
        | 'exhausted'
        | 'endpoint-disabled'
        | 'endpoint-down'
        | 'overflow'
        | 'hook-invalid'
        | 'too-large'
    }
  | {
      readonly kind: 'expired'
      /** Whether its next attempt was due before: it is ours that it was not made. */
      readonly isLate: boolean
    }
  | { readonly kind: 'discarded'; readonly reason: 'hook-deleted' | 'hook-disabled' }
  | { readonly kind: 'interrupted' }

// --- topics and tiers --------------------------------------------------------------------------------

export interface Topics {
  readonly events: readonly string[]
  readonly hooks: string
  readonly results: string
  readonly requests: string
  readonly deadLetters: string
  readonly rejected: string
  readonly endpoints: string
  /** Tiers are `<retryPrefix><delay>`, such as `auth.webhook.retry.30s`. */
  readonly retryPrefix: string
}

export interface Tier {
  readonly topic: string
  readonly delayMs: number
}
