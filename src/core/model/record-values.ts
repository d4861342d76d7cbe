/**
 * Values that fields and headers of hooktide's records have: closed in one version, and they may grow in the next. They
 * are part of the package's public types, so nothing of Node's is in this file.
 */

/** What began a run. */
export const triggers = ['event', 'replay', 'resend', 'test'] as const
export type Trigger = (typeof triggers)[number]

/** What became of an attempt, or of a run that ended without one. */
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
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** Who has to look at it. */
export const blames = ['endpoint', 'network', 'owner', 'hooktide'] as const
export type Blame = (typeof blames)[number]

/** How an endpoint does, as its hook's record on the topic of endpoint health says. */
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

/** Why a record went to the rejected topic: `hooktide-reason` there. */
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
