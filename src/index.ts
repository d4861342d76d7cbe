/**
 * What the package exports for other programs: the types of all records, for producers of events and readers of results, and
 * the header names and values in them. The schemas are files of the package, such as
 * `hooktide/schemas/delivery-result.avsc`. This module needs nothing of Node and has no side effects on import.
 */
export {
  deathHeaderNames,
  rejectionHeaderNames,
  runHeaderNames,
} from './core/model/header-names.ts'
export {
  blames,
  deathReasons,
  endpointReasons,
  endpointStates,
  errorClasses,
  outcomes,
  refusalReasons,
  rejectionReasons,
  resultOutcomes,
  triggers,
  unmatchedReasons,
  type Blame,
  type EndpointReason,
  type EndpointState,
  type ErrorClass,
  type Outcome,
  type Reason,
  type RefusalReason,
  type RejectionReason,
  type Trigger,
  type UnmatchedReason,
} from './core/model/record-values.ts'
export type {
  AdaptiveMfaResult,
  AdaptiveMfaRule,
  Application,
  AuthEventPayload,
  DeliveryResult,
  EndpointRecord,
  EventKey,
  HookRecord,
  NoticePayload,
  PreviousSigningKey,
  UnmatchedHook,
  User,
} from './core/model/records.ts'
