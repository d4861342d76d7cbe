/**
 * The types of the product. They are named with the words of the glossary in docs/architecture.md. Code, documents, log
 * lines and names of metrics use these words, one for each thing.
 */
import type { ErrorClass, RejectionReason, Trigger } from './record-values.ts'

export {
  blames,
  deathReasons,
  errorClasses,
  outcomes,
  resultOutcomes,
  triggers,
  unmatchedReasons,
  type Blame,
  type ErrorClass,
  type Outcome,
  type RefusalReason,
  type Reason,
  type RejectionReason,
  type Trigger,
  type UnmatchedReason,
} from './record-values.ts'

/** Milliseconds since 1970, UTC, from the clock port. */
export type EpochMs = number
/** Milliseconds of a clock that never jumps. Only differences between two of them have a meaning. */
export type MonotonicMs = number

export type HookId = string
export type TenantId = string
/** `dlv_` and 22 characters of base64url; see {@link ./identity.ts}. */
export type DeliveryId = string

/** The tenant of an event or a hook that names none. */
export const defaultTenant: TenantId = 'default'

/** The place of a record in Kafka. No topic reaches 2^53 offsets, so they are plain numbers. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Names of headers are compared exactly, as in Kafka. A header may have no value. */
export type KafkaHeader = readonly [name: string, value: Buffer | null]

/** The headers of a record in their order. A name may occur several times. A list of headers is one implementation. */
export interface KafkaHeaders extends Iterable<KafkaHeader> {
  readonly length: number
}

/** A record that was read. */
export interface InboundRecord extends RecordPlace {
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers: KafkaHeaders
  /** The broker's append time or the producer's time, as the topic is configured. */
  readonly timestamp: EpochMs
}

/** A record to write. */
export interface OutboundRecord {
  readonly topic: string
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: KafkaHeaders
}

// --- events ------------------------------------------------------------------------------------------

/** W3C Trace Context: where a trace goes on from. Both are valid values of HTTP headers. */
export interface TraceContext {
  readonly traceparent: string
  /** What tracing systems add of their own; `undefined` if there is none. */
  readonly tracestate: string | undefined
}

/** A valid auth event. */
export interface AuthEvent {
  /** The event key, such as `PostSignIn` or `User.Data.Updated`. */
  readonly event: string
  /** The payload's `createdAt`. No rule depends on it. */
  readonly createdAt: EpochMs
  readonly tenantId: TenantId
  readonly eventId: string
  /** `ce_source` if the id is a `ce_id`, else empty. Part of the delivery id. */
  readonly eventSource: string
  /** Id of the user whom the event is about, else of its subject, if it names one. */
  readonly userId: string | undefined
  /** The key of the event's own record as text, if it has one. Retries keep it. */
  readonly sourceKey: string | undefined
  /** The trace context of the producer, if it sent one. */
  readonly trace: TraceContext | undefined
  /**
   * The JSON text that was produced, without white space around it: an object that is not empty and has no `hookId`. All
   * deliveries of the event share it, so it must not be changed.
   */
  readonly body: Buffer
  /** The record's headers without `hooktide-*`. Tier records and dead letters get them too. */
  readonly headers: KafkaHeaders
  /** The place of the event's own record. Retries keep it. */
  readonly source: RecordPlace
}

/** Why a record on an event, request or retry topic cannot be handled. */
export interface Rejection {
  readonly reason: RejectionReason
  /** The field or header that is wrong; empty if the whole value is. */
  readonly field: string
  /** One sentence for people. Never contains the value. */
  readonly message: string
}

// --- hooks -------------------------------------------------------------------------------------------

export interface SigningKey {
  readonly key: string
  /** A previous key signs until then; the newest key has no end. */
  readonly expiresAt: EpochMs | undefined
}

/** What a client needs for the client credentials grant of OAuth 2 (RFC 6749 section 4.4). */
export interface ClientCredentials {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** Scopes, separated by spaces. */
  readonly scope: string | undefined
  /** Further parameters of the request, such as `resource` (RFC 8707) or `audience`. */
  readonly parameters: Readonly<Record<string, string>>
  /** How the secret is sent. The names are from OpenID Connect. */
  readonly authMethod: 'client_secret_basic' | 'client_secret_post'
}

/** A client certificate for TLS, with certificates of its issuers after it if there are any, and its private key. Both are PEM. */
export interface ClientCertificate {
  readonly certificate: string
  readonly privateKey: string
}

/** A hook that may be called. */
export interface Hook {
  readonly id: HookId
  readonly tenantId: TenantId
  readonly name: string
  /** Logto's deprecated single event. It counts only if `events` is empty. */
  readonly event: string | undefined
  readonly events: readonly string[]
  readonly url: string
  /** The custom headers of the hook's record. */
  readonly headers: Readonly<Record<string, string>>
  /** The newest key. If it is empty, calls are not signed, as in Logto. */
  readonly signingKey: string
  readonly previousSigningKeys: readonly SigningKey[]
  readonly enabled: boolean
  /** `undefined` here and below: the processor's default. */
  readonly timeoutMs: number | undefined
  readonly maxRetries: number | undefined
  readonly concurrency: number | undefined
  /** Calls that may start in a second, in each process. May be a fraction. `undefined`: no limit. */
  readonly ratePerSecond: number | undefined
  /** Whether results may keep what the endpoint answers. `undefined`: the processor's setting. */
  readonly keepResponse: boolean | undefined
  /** A CEL expression that must be true of an event (docs/hooks.md, Filters). `undefined`: no further condition. */
  readonly filter: string | undefined
  /** How calls get an access token. `undefined`: they send none. */
  readonly oauth: ClientCredentials | undefined
  /** `undefined`: calls show no certificate. */
  readonly clientCertificate: ClientCertificate | undefined
  /** `<partition>-<offset>` of the hook record in use. */
  readonly configVersion: string
}

/** A hook whose newest record is not valid, with what could be read of it. It still decides which events match. */
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
  /** A dotted path such as `config.url` or `delivery.previousSigningKeys[0].expiresAt`; empty for the whole value. */
  readonly field: string
  readonly message: string
}

export type TableEntry =
  | { readonly kind: 'active'; readonly hook: Hook }
  | {
      readonly kind: 'suspended'
      /** The problems are logged when the record is read, and are not kept. */
      readonly hook: Pick<SuspendedHook, 'id' | 'tenantId' | 'enabled' | 'configVersion'>
    }

// --- deliveries --------------------------------------------------------------------------------------

/** A run and its progress. The headers of tier records, request records and dead letters carry it. */
export interface Run {
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  /**
   * The name of the run: the place of the record that began it, as `<topic>/<partition>/<offset>`. That is the event's
   * record, or the request for a replay, resend or test. Runs of a former version are named `0` or `<partition>-<offset>`.
   */
  readonly run: string
  readonly trigger: Trigger
  /** Attempts made so far in this run. The number of the next one is `attempt + 1`. */
  readonly attempt: number
  /** How often this run was written to a tier, or as a split record. */
  readonly hop: number
  /** How often this run was deferred. */
  readonly deferrals: number
  readonly firstHandledAt: EpochMs
  /** When the next attempt is due. */
  readonly dueAt: EpochMs
  /**
   * How much before `dueAt` the attempt may start. After an attempt this is a part of the wait's jitter, or 0 after
   * `Retry-After`. After a deferral it may be the whole wait: the attempt may start as soon as a tier releases the run.
   */
  readonly earlyMs: number
  /**
   * Whether it is a test whose call is made whatever the state of the endpoint. The answer changes neither that state nor
   * what waits for the endpoint.
   */
  readonly isForced: boolean
  readonly event: AuthEvent
}

/** The result of one HTTP call. Its times are measured with the monotonic clock. */
export type AttemptResult =
  | {
      readonly kind: 'response'
      readonly status: number
      /** The wait of `Retry-After`, counted from the response; `undefined` if it is absent or cannot be read. */
      readonly retryAfterMs: number | undefined
      /** The first 4 KiB of the body, decoded as UTF-8 with replacement characters. */
      readonly body: string
      /** The access token that the call sent. It is masked in what is kept of the answer. */
      readonly accessToken?: string
      readonly phases: Phases
    }
  | {
      readonly kind: 'error'
      readonly errorClass: Exclude<ErrorClass, 'http'>
      /** Short, without secrets and without the URL's credentials and query. */
      readonly message: string
      /** The status, if it was received before the failure. */
      readonly status: number | undefined
      readonly phases: Phases
    }
  | { readonly kind: 'aborted'; readonly phases: Phases }
  | { readonly kind: 'invalid-url'; readonly message: string; readonly phases: Phases }

/** Milliseconds from the start of the call; `null` for a phase that the call did not reach. */
export interface Phases {
  /** Until a connection was ready: near 0 if a kept connection was used. */
  readonly connectMs: number | null
  /** Until the response headers were received. */
  readonly firstByteMs: number | null
  readonly totalMs: number
}

/** What follows from an attempt, or from the finding that none can be made. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly dueAt: EpochMs; readonly earlyMs: number }
  /** No attempt was made, and none counts. */
  | {
      readonly kind: 'deferred'
      readonly dueAt: EpochMs
      readonly earlyMs: number
      /** True if the lane is open or paused; false if it has more work than it can hold. */
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
      /** Whether an attempt was due before the end. Then hooktide is to blame that it was not made. */
      readonly isLate: boolean
    }
  | { readonly kind: 'discarded'; readonly reason: 'hook-deleted' | 'hook-disabled' }
  | { readonly kind: 'interrupted' }

/** What may follow without an attempt. */
export type UnattemptedVerdict = Extract<
  Verdict,
  { readonly kind: 'deferred' | 'dead' | 'expired' | 'discarded' }
>

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
