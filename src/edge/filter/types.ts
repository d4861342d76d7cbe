/**
 * What can be known of types before an event is there: enough to tell a slip of the pen, such as `tenant > 5`, from an
 * expression. Of lists and maps the types of what is in them are known one level deep, so that no expression makes this
 * grow; deeper, and wherever a payload is asked, a type is `dyn`, which fits everything.
 */
import type {
  ArithmeticOperator,
  Comparison,
  FilterFunction,
  Kind,
} from '../../core/filter/filter.ts'

export type StaticKind = Kind | 'dyn'

export interface StaticType {
  readonly kind: StaticKind
  /** Of the keys of a map. */
  readonly keys: StaticKind
  /** Of the items of a list, or the values of a map. */
  readonly items: StaticKind
}

export function typeOf(kind: StaticKind): StaticType {
  return { kind, keys: 'dyn', items: 'dyn' }
}

export function listOf(items: StaticKind): StaticType {
  return { kind: 'list', keys: 'dyn', items }
}

export function mapOf(keys: StaticKind, items: StaticKind): StaticType {
  return { kind: 'map', keys, items }
}

/** The one type that all have; `dyn` when they differ, or there are none. */
export function commonKind(kinds: readonly StaticKind[]): StaticKind {
  const [first = 'dyn'] = kinds
  return kinds.every((kind) => kind === first) ? first : 'dyn'
}

/** Of what may be one or the other. */
export function eitherOf(one: StaticType, other: StaticType): StaticType {
  return {
    kind: commonKind([one.kind, other.kind]),
    keys: commonKind([one.keys, other.keys]),
    items: commonKind([one.items, other.items]),
  }
}

export function mayBe(kind: StaticKind, ...kinds: readonly Kind[]): boolean {
  return kind === 'dyn' || kinds.includes(kind)
}

export function isNumeric(kind: StaticKind): boolean {
  return mayBe(kind, 'int', 'uint', 'double')
}

/** Numbers of all types are compared as such; other values of two types are never equal. */
export function mayEqual(one: StaticKind, other: StaticKind): boolean {
  return one === 'dyn' || mayBe(other, one) || (isNumeric(one) && isNumeric(other))
}

const ordered: readonly Kind[] = [
  'bool',
  'bytes',
  'double',
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
  'int',
  'string',
  'uint',
]

export function mayCompare(operator: Comparison, one: StaticKind, other: StaticKind): boolean {
  if (!mayEqual(one, other)) return false
  if (operator === '==' || operator === '!=') return true
  return mayBe(one, ...ordered) && mayBe(other, ...ordered)
}

type Calculation = readonly [operators: string, left: Kind, right: Kind, result: Kind]

const calculations: readonly Calculation[] = [
  ['+-*/%', 'int', 'int', 'int'],
  ['+-*/%', 'uint', 'uint', 'uint'],
  ['+-*/', 'double', 'double', 'double'],
  ['+', 'string', 'string', 'string'],
  ['+', 'bytes', 'bytes', 'bytes'],
  ['+', 'list', 'list', 'list'],
  ['+', 'google.protobuf.Timestamp', 'google.protobuf.Duration', 'google.protobuf.Timestamp'],
  ['+', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'google.protobuf.Timestamp'],
  ['+-', 'google.protobuf.Duration', 'google.protobuf.Duration', 'google.protobuf.Duration'],
  ['-', 'google.protobuf.Timestamp', 'google.protobuf.Timestamp', 'google.protobuf.Duration'],
  ['-', 'google.protobuf.Timestamp', 'google.protobuf.Duration', 'google.protobuf.Timestamp'],
]

/** `undefined` where nothing comes of it, whatever is only known later. */
export function resultOf(
  operator: ArithmeticOperator,
  one: StaticKind,
  other: StaticKind,
): StaticKind | undefined {
  const results = calculations
    .filter(
      ([operators, left, right]) =>
        operators.includes(operator) && mayBe(one, left) && mayBe(other, right),
    )
    .map(([, , , result]) => result)
  return results.length === 0 ? undefined : commonKind(results)
}

export function mayTake(
  { takes }: Pick<FilterFunction, 'takes'>,
  kinds: readonly StaticKind[],
): boolean {
  return takes.every((taken, index) => taken === 'any' || mayBe(kinds[index] ?? 'dyn', ...taken))
}
