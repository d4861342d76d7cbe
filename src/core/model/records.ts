/** What records hold as JSON or Avro. Made from schemas/ by test/support/generate-types.ts: change it there. */

/** A hook of the event's tenant and key that the event did not go to. */
export interface UnmatchedHook {
  /** Id of the hook. */
  readonly hookId: string
  /** The reason: hook-disabled, filter-false, filter-failed. */
  readonly reason: string
}

/** The result of one attempt of a webhook delivery, or of a run that ended without an attempt. The record's key is the delivery id. Fields with a list of values are strings, because a later version may add values. */
export interface DeliveryResult {
  /** Identifies one event for one hook. It is the same in every attempt, replay and repeated call, and is sent as webhook-id. */
  readonly deliveryId: string
  /** The run of the delivery: <topic>/<partition>/<offset> of the record that began it, which is the event, or the request for a replay, resend or test. Runs that an earlier version began are named 0 or <partition>-<offset>. */
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
  /** The hook record in use, as <partition>-<offset>. Null if there is none. */
  readonly configVersion: string | null
  /** Number of the attempt in its run, from 1. Null if the run ended without an attempt. */
  readonly attempt: number | null
  /** Maximum number of attempts of the run. Null if it ended without an attempt. */
  readonly maxAttempts: number | null
  /** What began the run: event, replay, resend, test. */
  readonly trigger: string
  /** The outcome: delivered, retrying, deferred, interrupted, dead, discarded, expired, unmatched. An unmatched event went to no hook: it is no delivery, its hookId is empty, and no delivery has its deliveryId. */
  readonly outcome: string
  /** Why the run ended without success: gone, invalid-url, exhausted, max-age, endpoint-disabled, endpoint-down, overflow, hook-invalid, hook-deleted, hook-disabled, too-large. Of an unmatched event: tenant-unknown, event-unknown, not-passed. */
  readonly reason: string | null
  /** Of an unmatched event: hooks of its tenant and key, 50 at most, and why it did not go to each. Null otherwise. */
  readonly unmatchedHooks: readonly UnmatchedHook[] | null
  /** Whether the run has ended. Every run has at least one final record. If there are several, the first one on the topic counts. */
  readonly final: boolean
  /** Status code of the answer, if one came. */
  readonly statusCode: number | null
  /** Class of the attempt's failure: http, timeout, dns, connect, tls, reset, protocol, blocked, proxy, token. */
  readonly errorClass: string | null
  /** A short description of the failure, for people, without secrets of the call. */
  readonly errorMessage: string | null
  /** Who should look at it: endpoint, network, owner, hooktide. Null if nobody needs to, because it was delivered or waits for its turn. */
  readonly blame: string | null
  /** URL of the call, without credentials, query and fragment, and without parts of the path that look like secrets. Null without an attempt. */
  readonly url: string | null
  /** Milliseconds from admission, or release by a retry topic, to the start of the call. */
  readonly queuedMs: number | null
  /** Milliseconds from the start of the call until a connection was ready. */
  readonly connectMs: number | null
  /** Milliseconds from the start of the call until the response headers were received. */
  readonly firstByteMs: number | null
  /** Milliseconds from the start of the call to its end. */
  readonly totalMs: number | null
  /** First 4 KiB of the response's body, without secrets of the call and without the event. Null without a response, or if bodies are not kept. */
  readonly responseBody: string | null
  /** When the next attempt is due, in milliseconds since 1970. Null if there is none. */
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
  /** The process that wrote the record. */
  readonly instance: string
}

/**
 * An event key such as PostSignIn. auth-event.schema.json lists them; later versions of Logto may add keys.
 */
export type EventKey = string

/**
 * Value of a record on the hook topic: Logto's hook object, and hooktide's own fields under delivery. The record's key is the hook's id. A record without a value deletes the hook. Rows of Logto's own hooks table, as change data capture writes them, are accepted too and have no schema here. Fields that are not named here are ignored. In an optional field, null means that it is absent.
 */
export interface HookRecord {
  /**
   * The hook's id, equal to the record's key. It must not begin like JSON. Logto's ids have 21 characters of 0-9a-z.
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
   * Logto's deprecated single event key. It counts only if events is empty.
   */
  readonly event?: EventKey | null
  /**
   * Keys of the events that the hook is called for.
   *
   * @maxItems 256
   */
  readonly events?: readonly EventKey[] | null
  /**
   * The URL to call, and headers to add.
   */
  readonly config: {
    /**
     * The endpoint: an http or https URL without credentials. With any other value, the deliveries of the hook become dead letters with reason invalid-url.
     */
    readonly url: string
    /**
     * Headers to add to every call. If names differ only in case, the last one counts. Headers that carry the signature, or that describe how the message is sent, are left out. Names and values have at most 8,192 bytes together. A value may be encrypted, like signingKey.
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
   * The key that signs every call. Logto's signature uses its text. The signature of Standard Webhooks uses the bytes that it encodes if it is whsec_ and base64, and otherwise its text. If it is empty, calls are not signed. It may be encrypted: hooktide-enc:v1:, the id of the key, a colon, and base64url of 12 bytes IV, AES-256-GCM ciphertext and 16 bytes tag.
   */
  readonly signingKey: string
  /**
   * Whether the hook is called. The default is true.
   */
  readonly enabled?: boolean | null
  /**
   * When the hook was created, in milliseconds since 1970.
   */
  readonly createdAt?: number | null
  /**
   * How hooktide delivers. The defaults are in the processor's settings.
   */
  readonly delivery?: {
    /**
     * Time limit of a call in milliseconds, including connecting and reading the answer.
     */
    readonly timeoutMs?: number | null
    /**
     * Number of retries after the first attempt, at most as many as the schedule has.
     */
    readonly maxRetries?: number | null
    /**
     * Maximum number of concurrent calls by one process.
     */
    readonly concurrency?: number | null
    /**
     * Maximum number of calls a second by one process. It may be a fraction: 0.1 is one call in ten seconds.
     */
    readonly ratePerSecond?: number | null
    /**
     * Whether results may hold response bodies of the endpoint.
     */
    readonly keepResponse?: boolean | null
    /**
     * A CEL expression over event, tenant and headers, such as event.user.id == 'u1'. Only events of which it is true are sent.
     */
    readonly filter?: string | null
    /**
     * Earlier keys, which still sign webhook-signature until they expire.
     *
     * @maxItems 10
     */
    readonly previousSigningKeys?: readonly PreviousSigningKey[] | null
    /**
     * How calls get the access token that they send as Authorization: Bearer, with the client credentials grant of OAuth 2. Without it they send none.
     */
    readonly oauth?: ClientCredentials | null
    /**
     * The client certificate that calls show in TLS. Without it they show none.
     */
    readonly clientCertificate?: ClientCertificate | null
  } | null
  readonly [k: string]: unknown
}

/**
 * An earlier signing key.
 */
export interface PreviousSigningKey {
  /**
   * The key, as it was in signingKey, encrypted or in plain text.
   */
  readonly key: string
  /**
   * When it expires, in milliseconds since 1970.
   */
  readonly expiresAt: number
}

/**
 * A client of an identity provider, and its token endpoint.
 */
export interface ClientCredentials {
  /**
   * The token endpoint: an http or https URL without credentials.
   */
  readonly tokenUrl: string
  /**
   * The client id.
   */
  readonly clientId: string
  /**
   * The client secret. It may be encrypted, as signingKey.
   */
  readonly clientSecret: string
  /**
   * Scopes to request, separated by single spaces.
   */
  readonly scope?: string | null
  /**
   * Further parameters of the request, such as resource or audience.
   */
  readonly parameters?: {
    readonly [k: string]: string
  } | null
  /**
   * How the secret is sent: client_secret_basic in the header, which is the default, or client_secret_post in the form.
   */
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | null
}

/**
 * A client certificate and its private key.
 */
export interface ClientCertificate {
  /**
   * PEM: the certificate of the client, and after it the certificates of its issuers that the endpoint needs.
   */
  readonly certificate: string
  /**
   * PEM: the private key of the certificate, without a passphrase. It may be encrypted, as signingKey.
   */
  readonly privateKey: string
}

/**
 * Value of a record on the topic of endpoint health: the state of a hook's endpoint, as a processor or a command wrote it. The record's key is the hook's id. A record without a value means that the hook was deleted. A hook without a record is healthy. Of two records, the one with the higher enableEpoch counts; with the same enableEpoch, a disabled endpoint stays disabled; otherwise the newer record counts. Times are in milliseconds since 1970. Fields that are not named here are ignored.
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
   * healthy; failing: attempts fail and are still made; open: no attempt is made before until, then one as a probe; paused: the endpoint asked for no calls before until; disabled: nothing is sent until it is enabled. A later version may add values.
   */
  readonly state: string
  /**
   * When this state began.
   */
  readonly since: number
  /**
   * The reason: failures, retry-after, gone (410), failing-for-days, operator, url-changed, recovered. A later version may add values.
   */
  readonly reason: string
  /**
   * For open and paused: when the next attempt may be made.
   */
  readonly until: number | null
  /**
   * Time of the first failed attempt that failures counts; null if there is none.
   */
  readonly failingSince: number | null
  /**
   * Time of the last failed attempt that failures counts; null if there is none.
   */
  readonly lastFailureAt: number | null
  /**
   * Number of failed attempts since the last success. After two days without a failed attempt, the count starts again.
   */
  readonly failures: number
  /**
   * Time of the last recorded success. Successes of a healthy endpoint are not recorded.
   */
  readonly lastSuccessAt: number | null
  /**
   * How often the endpoint was enabled again, by a command or by a hook record with another URL.
   */
  readonly enableEpoch: number
  /**
   * Identifies the URL without showing it: the first 16 hex digits of its SHA-256.
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
 * An event that hooktide writes about one of its hooks: what happened to its endpoint. It is delivered to hooks of the same tenant as every other event, with the receiving hook's hookId added. Times in data are in milliseconds since 1970. A later version may add fields.
 */
export interface NoticePayload {
  /**
   * What happened.
   */
  readonly event: string
  /**
   * When it was found, as RFC 3339 in UTC.
   */
  readonly createdAt: string
  /**
   * The hook, and what happened.
   */
  readonly data: {
    /**
     * The hook that the notice is about.
     */
    readonly hookId: string
    /**
     * Its name.
     */
    readonly hookName: string
    /**
     * Its URL without credentials and query, and without parts of the path that may be secret; null if the URL was changed meanwhile.
     */
    readonly url: string | null
    /**
     * Of an endpoint: its state now. A later version may add values.
     */
    readonly state?: string
    /**
     * Of an endpoint: the reason for its state: failures, gone (410), failing-for-days, operator, url-changed, recovered. A later version may add values.
     */
    readonly reason?: string
    /**
     * When the state began, or when the first of the deliveries was lost.
     */
    readonly since: number
    /**
     * When the next attempt may be made, null if it may be made now or never; or when the last of the deliveries was lost.
     */
    readonly until: number | null
    /**
     * Of an endpoint: failed attempts without a success between them.
     */
    readonly failures?: number
    /**
     * Of an endpoint: the first of these failures; null if there is none.
     */
    readonly failingSince?: number | null
    /**
     * Of an endpoint: the last failed attempt; null if none is known.
     */
    readonly lastFailureAt?: number | null
    /**
     * Of an endpoint: the last successful attempt that was recorded; null if none is known.
     */
    readonly lastSuccessAt?: number | null
    /**
     * Of lost deliveries: how many one process gave up from since to until.
     */
    readonly count?: number
    /**
     * Of lost deliveries: how many for each reason. A later version may add reasons.
     */
    readonly reasons?: {
      /**
       * All retries failed.
       */
      readonly exhausted?: number
      /**
       * Too old.
       */
      readonly 'max-age'?: number
      /**
       * The endpoint was open or paused for too long, or for too many.
       */
      readonly 'endpoint-down'?: number
      /**
       * Too many were deferred.
       */
      readonly overflow?: number
      /**
       * A topic accepts no record of the size.
       */
      readonly 'too-large'?: number
      readonly [k: string]: unknown
    }
    readonly [k: string]: unknown
  }
  readonly [k: string]: unknown
}

/**
 * Value of a record on an event topic: the payload of Logto's webhooks without hookId, which each delivery adds. Event keys and fields that are not named here are accepted and passed on. Consumers should treat absent and null fields the same.
 */
export type AuthEventPayload = {
  /**
   * The event key. Keys that Logto adds later are accepted.
   */
  readonly event: string
  /**
   * When the payload was built: an RFC 3339 date-time. hooktide does not use it.
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
   * Data and exception events of an interaction, and Grant.LimitExceeded: id of the application, empty if the request named none.
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
   * Organization.Membership.Updated: users who joined, at most 5,000. Absent if there are none.
   */
  readonly addedUserIds?: readonly string[]
  /**
   * Organization.Membership.Updated: users who left, at most 5,000. Absent if there are none.
   */
  readonly removedUserIds?: readonly string[]
  /**
   * Organization.Membership.Updated: applications that joined, at most 5,000. Absent if there are none.
   */
  readonly addedApplicationIds?: readonly string[]
  /**
   * Organization.Membership.Updated: applications that left, at most 5,000. Absent if there are none.
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
   * Custom data that the developer stores with the user.
   */
  readonly customData?: {
    readonly [k: string]: unknown
  } | null
  /**
   * Social identities by connector target, each with userId and the details from the provider.
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
