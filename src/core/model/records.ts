/** What records hold as JSON or Avro. Made from schemas/ by test/support/generate-types.ts: change it there. */

/** What happened to one attempt of a webhook delivery, or how a run ended without one. The record's key is the delivery id. Lists of values named here are closed in one version of hooktide and may grow in the next, so they are strings. */
export interface DeliveryResult {
  /** Names one event for one hook: the same in every attempt, replay and crash repeat, and sent as webhook-id. */
  readonly deliveryId: string
  /** Which life of the delivery: <topic>/<partition>/<offset> of the record that began it, of the event itself or of the request for a replay, resend or test. Runs that a former version began are 0 and <partition>-<offset>. */
  readonly run: string
  /** Id of the event: its event-id or ce_id header, else <topic>-<partition>-<offset>-<timestamp>. */
  readonly eventId: string
  /** The payload's event, such as PostSignIn. */
  readonly eventKey: string
  /** Id of the hook. */
  readonly hookId: string
  /** Tenant of the event. */
  readonly tenantId: string
  /** Id of the user whom the event is about, or of its role, organization or scope where it names no user. Null when it names none, and in records of former versions. */
  readonly userId: string | null
  /** Hook record in use, as <partition>-<offset>. Null when the hook is not there. */
  readonly configVersion: string | null
  /** Number of the attempt in its run, from 1. Null when the run ended without one. */
  readonly attempt: number | null
  /** Attempts the run may make in all. Null when it ended without one. */
  readonly maxAttempts: number | null
  /** What began the run: event, replay, resend, test. */
  readonly trigger: string
  /** What became of it: delivered, retrying, deferred, interrupted, dead, discarded, expired. */
  readonly outcome: string
  /** Why the run ended without success: gone, invalid-url, exhausted, max-age, endpoint-disabled, endpoint-down, overflow, hook-invalid, hook-deleted, hook-disabled, too-large. */
  readonly reason: string | null
  /** Whether the run is over. Every run has at least one final record; of several the first in log order counts. */
  readonly final: boolean
  /** Status code of the answer, if one came. */
  readonly statusCode: number | null
  /** Kind of the attempt's failure: http, timeout, dns, connect, tls, reset, protocol, blocked, proxy. */
  readonly errorClass: string | null
  /** The failure in short, for people. Without what was secret in the call. */
  readonly errorMessage: string | null
  /** Who has to look at it: endpoint, network, owner, hooktide. Null when nobody has to: it was delivered, or waits for its turn. */
  readonly blame: string | null
  /** Where the call went, without credentials, query, fragment, and parts of the path that look like secrets. Null without an attempt. */
  readonly url: string | null
  /** Milliseconds from admission, or release by a retry topic, to the start of the call. */
  readonly queuedMs: number | null
  /** Milliseconds from the start of the call until a connection was ready. */
  readonly connectMs: number | null
  /** Milliseconds from the start of the call until the response headers were in. */
  readonly firstByteMs: number | null
  /** Milliseconds from the start of the call to its end. */
  readonly totalMs: number | null
  /** First 4 KiB of the response's body, without what was secret in the call and without the event. Null without a response, and where bodies are not kept. */
  readonly responseBody: string | null
  /** When the next attempt is due, in milliseconds since 1970. Null when there will be none. */
  readonly nextDueAt: number | null
  /** Topic of the record that was handled: an event topic, the request topic, or a retry topic. */
  readonly sourceTopic: string
  /** Partition of that record. */
  readonly sourcePartition: number
  /** Offset of that record. */
  readonly sourceOffset: number
  /** Key of the event's own record, whichever record was handled. Null when it has none, when it is no text or has over 512 characters, and in records of former versions. */
  readonly sourceKey: string | null
  /** The payload's createdAt, in milliseconds since 1970. */
  readonly eventAt: number
  /** When the attempt began, or the run ended without one, in milliseconds since 1970. */
  readonly attemptedAt: number
  /** The process that made the record. */
  readonly instance: string
}

/**
 * An event key such as PostSignIn; the list of them is in auth-event.schema.json and grows.
 */
export type EventKey = string

/**
 * Value of a record on the hook topic: Logto's hook object, and what hooktide adds under delivery. The record's key is the hook's id; a record without a value deletes the hook. Rows of Logto's own hooks table, as change data capture writes them, are read beside it and have no schema here. Fields that are not named here are ignored. Where a field is optional, null means that it is absent.
 */
export interface HookRecord {
  /**
   * The hook's id, equal to the record's key. It does not begin as JSON does. Logto's have 21 characters of 0-9a-z.
   */
  readonly id: string
  /**
   * The tenant whose events the hook is for; "default" when absent.
   */
  readonly tenantId?: string | null
  /**
   * For people.
   */
  readonly name?: string | null
  /**
   * Logto's deprecated single event key; counts only when events is empty.
   */
  readonly event?: EventKey | null
  /**
   * Keys of the events that the hook is called for.
   *
   * @maxItems 256
   */
  readonly events?: readonly EventKey[] | null
  /**
   * Where to call, and with which headers.
   */
  readonly config: {
    /**
     * The endpoint. It must be an http or https URL without credentials, or the hook's deliveries die as invalid-url.
     */
    readonly url: string
    /**
     * Headers to add to every call. Names differing only in case are one header, and the last counts. Headers that carry the signature, or say how the message travels, are left out. Names and values have at most 8,192 bytes together. A value may be encrypted, as signingKey.
     */
    readonly headers?: {
      readonly [k: string]: string
    } | null
    /**
     * Kept and ignored; see delivery.maxRetries.
     */
    readonly retries?: unknown
    readonly [k: string]: unknown
  }
  /**
   * Signs every call: its text for Logto's signature; for Standard Webhooks also its text, or the bytes it encodes when it is whsec_ and base64. Calls are not signed when it is empty. It may be encrypted: hooktide-enc:v1:, the id of the key, a colon, and base64url of 12 bytes IV, AES-256-GCM ciphertext and 16 bytes tag.
   */
  readonly signingKey: string
  /**
   * Whether the hook is called; true when absent.
   */
  readonly enabled?: boolean | null
  /**
   * When the hook was made, in milliseconds since 1970.
   */
  readonly createdAt?: number | null
  /**
   * How hooktide delivers. What is absent is as the processor's settings say.
   */
  readonly delivery?: {
    /**
     * Milliseconds that one call may take, connecting and reading the answer included.
     */
    readonly timeoutMs?: number | null
    /**
     * Retries after the first attempt, where the schedule has as many.
     */
    readonly maxRetries?: number | null
    /**
     * Most calls at once by one process.
     */
    readonly concurrency?: number | null
    /**
     * Most calls a second by one process. May be a fraction: 0.1 is one call in ten seconds.
     */
    readonly ratePerSecond?: number | null
    /**
     * Whether results may hold what the endpoint answers. With false they never do.
     */
    readonly keepResponse?: boolean | null
    /**
     * A CEL expression over event, tenant and headers, such as event.user.id == 'u1'. Only events of which it is true are sent.
     */
    readonly filter?: string | null
    /**
     * Keys that the current one replaced, and that still sign webhook-signature until they expire.
     *
     * @maxItems 10
     */
    readonly previousSigningKeys?: readonly PreviousSigningKey[] | null
  } | null
  readonly [k: string]: unknown
}

/**
 * A signing key that was replaced.
 */
export interface PreviousSigningKey {
  /**
   * The key, as it was in signingKey, encrypted or not.
   */
  readonly key: string
  /**
   * From when it signs no more, in milliseconds since 1970.
   */
  readonly expiresAt: number
}

/**
 * Value of a record on the topic of endpoint health: what a processor, or somebody by command, last said of a hook's endpoint. The record's key is the hook's id; a record without a value says that the hook is gone. A hook without a record is healthy. Of two records the one with the higher enableEpoch counts; with the same, a disabled endpoint stays disabled, and else the newer record counts. Times are epoch milliseconds. Fields that are not named here are ignored.
 */
export interface EndpointRecord {
  /**
   * The hook's id, equal to the record's key.
   */
  readonly hookId: string
  /**
   * The hook's tenant.
   */
  readonly tenantId: string
  /**
   * healthy; failing: attempts fail and are still made; open: none is made before until, then one as a probe; paused: the endpoint asked for time until then; disabled: nothing is sent until it is enabled. The list may grow.
   */
  readonly state: string
  /**
   * When it came into this state.
   */
  readonly since: number
  /**
   * Why: failures, retry-after, gone (410), failing-for-days, operator, url-changed, recovered. The list may grow.
   */
  readonly reason: string
  /**
   * Of open and paused: when the next attempt may be made.
   */
  readonly until: number | null
  /**
   * The first failed attempt that failures counts; null when there is none.
   */
  readonly failingSince: number | null
  /**
   * The last one that failures counts; null when there is none.
   */
  readonly lastFailureAt: number | null
  /**
   * Failed attempts since the last success, as far as they were counted: after two days without one the count begins anew.
   */
  readonly failures: number
  /**
   * The last success that was noted; those of an endpoint that does well are not.
   */
  readonly lastSuccessAt: number | null
  /**
   * How often the endpoint was given a new beginning, by command or by a hook record with another URL.
   */
  readonly enableEpoch: number
  /**
   * Tells one URL from another without showing it: the first 16 hex digits of its SHA-256.
   */
  readonly endpoint: string
  /**
   * Partition and offset of the hook record that had this URL.
   */
  readonly configVersion: string
  /**
   * Who wrote the record: the name of a process, or of a command.
   */
  readonly instance: string
  /**
   * When it was written.
   */
  readonly at: number
  readonly [k: string]: unknown
}

/**
 * Value of a record on an event topic: the payload of Logto's webhooks without hookId, which each delivery adds. Event keys and fields that are not named here are accepted and passed on. Consumers should take absent and null as the same.
 */
export type AuthEventPayload = {
  /**
   * The event key. Keys that Logto adds later are accepted.
   */
  readonly event: string
  /**
   * When the payload was built: an RFC 3339 date-time. Informative: nothing hooktide does depends on it.
   */
  readonly createdAt: string
  /**
   * Not part of an event: each delivery adds its own.
   */
  readonly hookId?: never
  /**
   * User-Agent header of the request that caused the event.
   */
  readonly userAgent?: string | null
  readonly application?: Application | null
  /**
   * Client id of an unregistered client, in place of application and applicationId.
   */
  readonly cimdClientId?: string | null
  /**
   * Interaction events, and others that an interaction caused: SignIn, Register or ForgotPassword.
   */
  readonly interactionEvent?: string | null
  /**
   * The same events: id of the interaction.
   */
  readonly sessionId?: string | null
  /**
   * Interaction events and Grant.LimitExceeded: the user.
   */
  readonly userId?: string | null
  /**
   * Interaction events: address of the person. Other events have ip.
   */
  readonly userIp?: string | null
  readonly user?: User | null
  readonly adaptiveMfaResult?: AdaptiveMfaResult | null
  /**
   * Data and exception events: address that the request came from.
   */
  readonly ip?: string | null
  /**
   * Data and exception events of an interaction, and Grant.LimitExceeded: id of the application, empty when the request named none.
   */
  readonly applicationId?: string | null
  /**
   * Data events of the Management API: path of the request.
   */
  readonly path?: string | null
  /**
   * The same events: method of the request.
   */
  readonly method?: string | null
  /**
   * The same events: status of the answer.
   */
  readonly status?: number | null
  /**
   * The same events: parameters of the route.
   */
  readonly params?: {
    readonly [k: string]: string
  } | null
  /**
   * The same events: template of the route, such as /roles/:id/scopes.
   */
  readonly matchedRoute?: string | null
  /**
   * Data events: what was created, changed or deleted. Absent for most deletions.
   */
  readonly data?: unknown
  /**
   * Role.Scopes.Updated at the creation of a role: the role.
   */
  readonly roleId?: string | null
  /**
   * Organization.Membership.Updated: the organization.
   */
  readonly organizationId?: string | null
  /**
   * Organization.Membership.Updated: users who joined, at most 5,000. Absent when there are none.
   */
  readonly addedUserIds?: readonly string[]
  /**
   * Organization.Membership.Updated: users who left, at most 5,000. Absent when there are none.
   */
  readonly removedUserIds?: readonly string[]
  /**
   * Organization.Membership.Updated: applications that joined, at most 5,000. Absent when there are none.
   */
  readonly addedApplicationIds?: readonly string[]
  /**
   * Organization.Membership.Updated: applications that left, at most 5,000. Absent when there are none.
   */
  readonly removedApplicationIds?: readonly string[]
  /**
   * OrganizationRole.Scopes.Updated at the creation of an organization role: the organization role.
   */
  readonly organizationRoleId?: string | null
  /**
   * Identifier.Lockout: kind of the identifier: username, email, phone or userId.
   */
  readonly type?: string | null
  /**
   * Identifier.Lockout: the identifier.
   */
  readonly value?: string | null
  /**
   * Message.RateLimited: what was prevented: VerificationCodeSend.
   */
  readonly action?: string | null
  /**
   * Message.RateLimited: email address or phone number.
   */
  readonly recipient?: string | null
  /**
   * Grant.LimitExceeded: grants that were revoked.
   */
  readonly revokedGrantIds?: readonly string[]
  /**
   * Grant.LimitExceeded: the application's limit.
   */
  readonly maxAllowedGrants?: number | null
  /**
   * Grant.LimitExceeded: grants before the revocation.
   */
  readonly preRevocationActiveGrantCount?: number | null
  readonly [k: string]: unknown
}

/**
 * The client that the request came from.
 */
export interface Application {
  /**
   * The application's id.
   */
  readonly id?: string
  /**
   * Native, SPA, Traditional, MachineToMachine, Protected or SAML.
   */
  readonly type?: string
  /**
   * The application's name.
   */
  readonly name?: string
  /**
   * The application's description.
   */
  readonly description?: string | null
  readonly [k: string]: unknown
}

/**
 * A user. Fields that are not set are null.
 */
export interface User {
  /**
   * The user's id: 12 characters of 0-9a-z in Logto.
   */
  readonly id?: string
  /**
   * Name to sign in with.
   */
  readonly username?: string | null
  /**
   * Verified email address.
   */
  readonly primaryEmail?: string | null
  /**
   * Verified phone number: digits without a plus sign.
   */
  readonly primaryPhone?: string | null
  /**
   * Full name.
   */
  readonly name?: string | null
  /**
   * URL of a picture.
   */
  readonly avatar?: string | null
  /**
   * Whatever the developer keeps with the user.
   */
  readonly customData?: {
    readonly [k: string]: unknown
  } | null
  /**
   * Social identities by connector target, each with userId and what the provider told.
   */
  readonly identities?: {
    readonly [k: string]: unknown
  } | null
  /**
   * Further standard claims, such as givenName and locale.
   */
  readonly profile?: {
    readonly [k: string]: unknown
  } | null
  /**
   * Time of the last sign-in, in milliseconds since 1970.
   */
  readonly lastSignInAt?: number | null
  /**
   * Time of creation, in milliseconds since 1970.
   */
  readonly createdAt?: number | null
  /**
   * Time of the last change, in milliseconds since 1970.
   */
  readonly updatedAt?: number | null
  /**
   * The application that the user registered with.
   */
  readonly applicationId?: string | null
  /**
   * The unregistered client that the user registered with.
   */
  readonly cimdClientId?: string | null
  /**
   * Whether the user may not sign in.
   */
  readonly isSuspended?: boolean | null
  /**
   * Whether a password is set. Only in data events from the Management API.
   */
  readonly hasPassword?: boolean | null
  readonly [k: string]: unknown
}

/**
 * Why a second factor was asked for.
 */
export interface AdaptiveMfaResult {
  /**
   * Always true.
   */
  readonly requiresMfa?: boolean | null
  /**
   * The rules that asked for it.
   */
  readonly triggeredRules?: readonly AdaptiveMfaRule[]
  readonly [k: string]: unknown
}

/**
 * One rule that asked for a second factor.
 */
export interface AdaptiveMfaRule {
  /**
   * new_country, geo_velocity, long_inactivity or untrusted_ip.
   */
  readonly rule?: string
  /**
   * What the rule found: countries and times, distance and speed, days of inactivity, or signals of the address.
   */
  readonly details?: {
    readonly [k: string]: unknown
  }
  readonly [k: string]: unknown
}
