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
  rejectionReasons,
  triggers,
  type Blame,
  type EndpointReason,
  type EndpointState,
  type ErrorClass,
  type Outcome,
  type Reason,
  type RejectionReason,
  type Trigger,
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
  User,
} from './core/model/records.ts'
