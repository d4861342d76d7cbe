/**
 * What the package offers to other programs: the types of all records, for producers and for readers of the results, and
 * the names and values that go with them. Their schemas are files beside it, such as
 * `hooktide/schemas/delivery-result.avsc`. Nothing here needs Node, nor does anything happen on import.
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
  PreviousSigningKey,
  User,
} from './core/model/records.ts'
