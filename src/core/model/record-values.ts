/**
 * Values of fields and headers in hooktide's records. A version has a closed list of each, and the next one may add to it.
 * They are part of the package's public types, so this file uses no types of Node.
 */

/** Why a run was begun. */
export const triggers = ['event', 'replay', 'resend', 'test'] as const
export type Trigger = (typeof triggers)[number]

/** The outcome of an attempt, or of a run that ended without one. */
export const outcomes = [
  'delivered',
  'retrying',
  'deferred',
  'interrupted',
  'dead',
  'discarded',
  'expired',
] as const
export type Outcome = (typeof outcomes)[number]

/** The outcomes of results: of an attempt or a run, and of an event that went to no hook. */
export const resultOutcomes = [...outcomes, 'unmatched'] as const

/**
 * Why an event went to no hook: none is of its tenant, none of its tenant is for its key, or there are some, of which each has
 * a reason of its own.
 */
export const unmatchedReasons = ['tenant-unknown', 'event-unknown', 'not-passed'] as const
export type UnmatchedReason = (typeof unmatchedReasons)[number]

/** Why an event did not go to a hook of its tenant and key. */
export const refusalReasons = ['hook-disabled', 'filter-false', 'filter-failed'] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** Why a run ended without success. */
export const deathReasons = [
  'gone',
  'invalid-url',
  'exhausted',
  'max-age',
  'endpoint-disabled',
  'endpoint-down',
  'overflow',
  'hook-invalid',
  'hook-deleted',
  'hook-disabled',
  'too-large',
] as const
export type Reason = (typeof deathReasons)[number]

/** How an attempt failed. */
export const errorClasses = [
  'http',
  'timeout',
  'dns',
  'connect',
  'tls',
  'reset',
  'protocol',
  'blocked',
  'proxy',
  'token',
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** Who has to act on a failure. */
export const blames = ['endpoint', 'network', 'owner', 'hooktide'] as const
export type Blame = (typeof blames)[number]

/** The state of an endpoint in its hook's record on the topic of endpoint health. */
export const endpointStates = ['healthy', 'failing', 'open', 'paused', 'disabled'] as const
export type EndpointState = (typeof endpointStates)[number]

/** Why an endpoint is in its state. */
export const endpointReasons = [
  'failures',
  'retry-after',
  'gone',
  'failing-for-days',
  'operator',
  'url-changed',
  'recovered',
] as const
export type EndpointReason = (typeof endpointReasons)[number]

/** Why a record was rejected: the header `hooktide-reason` of records on the rejected topic. */
export const rejectionReasons = [
  'empty-value',
  'invalid-utf8',
  'byte-order-mark',
  'invalid-json',
  'not-an-object',
  'too-deep',
  'duplicate-key',
  'reserved-field',
  'missing-field',
  'mistyped-field',
  'invalid-header',
  'truncated-frame',
  'no-registry',
  'unknown-schema',
  'unusable-schema',
  'invalid-avro',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]
