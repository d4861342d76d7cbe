/** The door of this room: expressions of CEL over JSON values, evaluated within a bound (README.md). */
export { maxInt, minInt, type ArithmeticOperator } from './arithmetic.ts'
export { evaluate, evaluateFilter, type Bindings } from './evaluation.ts'
export { functionOf, type FilterFunction } from './functions.ts'
export type { Comparison, FilterNode, LoopKind, Pattern } from './nodes.ts'
export {
  Bytes,
  CelMap,
  Failure,
  filterFaults,
  isList,
  kindOf,
  Meter,
  TypeName,
  Uint,
  type FilterFault,
  type JsonMap,
  type Kind,
  type Value,
} from './values.ts'
