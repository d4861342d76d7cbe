/**
 * Values of CEL (Common Expression Language, its language definition of google/cel-spec), and what is true of them
 * without any expression: equality, order, keys. What costs more than a moment is paid for with a {@link Meter}.
 */

export type Value =
  | null
  | boolean
  /** `int`, of 64 bits. */
  | bigint
  /** `double`. Numbers of JSON are of this type. */
  | number
  | string
  | Uint
  | Bytes
  | Timestamp
  | Duration
  | TypeName
  | CelMap
  | readonly Value[]
  | JsonMap

/** An object as JSON has it: its own properties are the entries. */
export interface JsonMap {
  readonly [key: string]: Value
}

export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

export class Bytes {
  readonly bytes: Buffer
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
}

export class Timestamp {
  /** Nanoseconds since the beginning of 1970, UTC. */
  readonly ns: bigint
  constructor(ns: bigint) {
    this.ns = ns
  }
}

export class Duration {
  readonly ns: bigint
  constructor(ns: bigint) {
    this.ns = ns
  }
}

/** Names of types, as the language has them. */
export type Kind =
  | 'bool'
  | 'bytes'
  | 'double'
  | 'google.protobuf.Duration'
  | 'google.protobuf.Timestamp'
  | 'int'
  | 'list'
  | 'map'
  | 'null_type'
  | 'string'
  | 'type'
  | 'uint'

export class TypeName {
  readonly name: Kind
  constructor(name: Kind) {
    this.name = name
  }
}

/** A map that an expression makes: its keys may be of several types. */
export class CelMap {
  readonly #entries = new Map<MapKey, readonly [key: Value, value: Value]>()

  get size(): number {
    return this.#entries.size
  }

  get keys(): readonly Value[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }

  /** `undefined` where there is no such key: a value may be null. */
  get(key: Value): Value | undefined {
    const own = keyOf(key)
    return own === undefined ? undefined : this.#entries.get(own)?.[1]
  }

  /** False when the key is there already, or is none: a `double` can be looked for, and be no key itself. */
  add(key: Value, value: Value): boolean {
    const own = typeof key === 'number' ? undefined : keyOf(key)
    if (own === undefined || this.#entries.has(own)) return false
    this.#entries.set(own, [key, value])
    return true
  }
}

/** Whole numbers are kept as such, so that equal ones of all types are one key. */
type MapKey = string | boolean | bigint

/** Why an expression has no value. A closed list: labels of a metric. */
export const filterFaults = [
  /** A key or a field that is not there. */
  'missing-key',
  /** An operator or function was given what it is not made for. */
  'type',
  /** A number, an index, a time or a conversion out of its range. */
  'range',
  /** More work than one filter may cause. */
  'budget',
  /** It has a value, and that is neither true nor false. */
  'not-boolean',
] as const
export type FilterFault = (typeof filterFaults)[number]

/** Stands where a value would: errors are values here, since `&&` and `||` may do without the side that fails. */
export class Failure {
  readonly fault: FilterFault
  constructor(fault: FilterFault) {
    this.fault = fault
  }
}

export const missingKey = new Failure('missing-key')
export const typeFailure = new Failure('type')
export const rangeFailure = new Failure('range')
export const overBudget = new Failure('budget')

export type Outcome = Value | Failure

/** What is left of the work that a filter may cause. A unit is about what one operator costs. */
export class Meter {
  #left: number

  constructor(units: number) {
    this.#left = units
  }

  get left(): number {
    return Math.max(0, this.#left)
  }

  get isExhausted(): boolean {
    return this.#left < 0
  }

  /** False when that was too much: whoever asked stops. */
  spend(units: number): boolean {
    this.#left -= units
    return this.#left >= 0
  }
}

/** Characters or bytes that are looked at for one unit. */
export const textPerUnit = 32

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function isJsonMap(value: Value): value is JsonMap {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The number that an `int`, `uint` or `double` holds. */
export function numberOf(value: Value): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof Uint ? value.value : undefined
}

/** Finding a text among the keys of a map takes as long as it is, since it is compared with the key that is found. */
export function payForKey(key: Value, meter: Meter): boolean {
  return typeof key !== 'string' || meter.spend(key.length / textPerUnit)
}

/** What a map has under a key, or that it has none. Only own properties of objects count. */
export function entryOf(map: Value, key: Value, meter: Meter): Outcome {
  if (!payForKey(key, meter)) return overBudget
  if (map instanceof CelMap) {
    const value = map.get(key)
    return value === undefined ? missingKey : value
  }
  if (!isJsonMap(map)) return typeFailure
  if (typeof key !== 'string' || !Object.hasOwn(map, key)) return missingKey
  return map[key] ?? null
}

/** Beyond it no `int` or `uint` is equal to a `double`. */
const wholeLimit = 2 ** 64

function keyOf(key: Value): MapKey | undefined {
  if (typeof key === 'string' || typeof key === 'boolean') return key
  const number = numberOf(key)
  if (typeof number !== 'number') return number
  return Number.isInteger(number) && Math.abs(number) < wholeLimit ? BigInt(number) : undefined
}

/** Deeper values are not compared: that would take a stack of their depth. */
const maxDepth = 64

/**
 * Equality as CEL has it between values of any two types: unlike ones are not equal, numbers are compared as such.
 *
 * @returns a failure when comparing takes too much
 */
export function equal(one: Value, other: Value, meter: Meter, depth = 0): boolean | Failure {
  if (depth > maxDepth || !meter.spend(1)) return overBudget
  if (typeof one === 'string' && typeof other === 'string') {
    if (!meter.spend(Math.min(one.length, other.length) / textPerUnit)) return overBudget
    return one === other
  }
  const number = numberOf(one)
  if (number !== undefined) return equalNumbers(number, numberOf(other))
  if (isList(one)) return isList(other) && equalLists(one, other, meter, depth)
  if (isMap(one)) return isMap(other) && equalMaps(one, other, meter, depth)
  return equalScalars(one, other, meter)
}

/** A whole number beside a `double` counts as the nearest `double`, as the specification's conformance tests expect. */
function equalNumbers(one: number | bigint, other: number | bigint | undefined): boolean {
  if (other === undefined || typeof one === typeof other) return one === other
  return Number(one) === Number(other)
}

function equalScalars(one: Value, other: Value, meter: Meter): boolean | Failure {
  if (one instanceof Bytes && other instanceof Bytes) {
    if (!meter.spend(one.bytes.length / textPerUnit)) return overBudget
    return one.bytes.equals(other.bytes)
  }
  if (one instanceof Timestamp && other instanceof Timestamp) return one.ns === other.ns
  if (one instanceof Duration && other instanceof Duration) return one.ns === other.ns
  if (one instanceof TypeName && other instanceof TypeName) return one.name === other.name
  return one === other
}

function equalLists(
  one: readonly Value[],
  other: readonly Value[],
  meter: Meter,
  depth: number,
): boolean | Failure {
  if (one.length !== other.length) return false
  for (const [index, item] of one.entries()) {
    const isEqual = equal(item, other[index] ?? null, meter, depth + 1)
    if (isEqual !== true) return isEqual
  }
  return true
}

export type AnyMap = CelMap | JsonMap

export function isMap(value: Value): value is AnyMap {
  return value instanceof CelMap || isJsonMap(value)
}

/** The keys of a map. The filter that asks pays for their number; `undefined` when its budget is used up. */
export function keysOf(map: AnyMap, meter: Meter): readonly Value[] | undefined {
  const keys = map instanceof CelMap ? map.keys : jsonKeys(map)
  return meter.spend(keys.length / keysPerUnit) ? keys : undefined
}

const keysPerUnit = 4
const manyKeys = 1_000
const listedKeys = new WeakMap<JsonMap, readonly string[]>()

/** The platform lists keys all at once: those of a huge object are listed once, however many filters ask. */
function jsonKeys(map: JsonMap): readonly string[] {
  const listed = listedKeys.get(map)
  if (listed !== undefined) return listed
  const keys = Object.keys(map)
  if (keys.length > manyKeys) listedKeys.set(map, keys)
  return keys
}

function equalMaps(one: AnyMap, other: AnyMap, meter: Meter, depth: number): boolean | Failure {
  const keys = keysOf(one, meter)
  const others = keysOf(other, meter)
  if (keys === undefined || others === undefined) return overBudget
  if (keys.length !== others.length) return false
  for (const key of keys) {
    const here = entryOf(one, key, meter)
    const there = entryOf(other, key, meter)
    if (here === overBudget || there === overBudget) return overBudget
    if (here instanceof Failure || there instanceof Failure) return false
    const isEqual = equal(here, there, meter, depth + 1)
    if (isEqual !== true) return isEqual
  }
  return true
}

/** Negative, zero or positive; `undefined` where there is no order, as with NaN. */
export function order(one: Value, other: Value, meter: Meter): number | undefined | Failure {
  const [left, right] = [numberOf(one), numberOf(other)]
  if (left !== undefined && right !== undefined) return orderNumbers(left, right)
  if (typeof one === 'string' && typeof other === 'string') {
    if (!meter.spend(Math.min(one.length, other.length) / textPerUnit)) return overBudget
    return orderTexts(one, other)
  }
  if (typeof one === 'boolean' && typeof other === 'boolean') return Number(one) - Number(other)
  return orderObjects(one, other, meter)
}

function orderObjects(one: Value, other: Value, meter: Meter): number | undefined | Failure {
  if (one instanceof Timestamp && other instanceof Timestamp) return sign(one.ns, other.ns)
  if (one instanceof Duration && other instanceof Duration) return sign(one.ns, other.ns)
  if (one instanceof Bytes && other instanceof Bytes) {
    if (!meter.spend(one.bytes.length / textPerUnit)) return overBudget
    return one.bytes.compare(other.bytes)
  }
  return typeFailure
}

function orderNumbers(one: number | bigint, other: number | bigint): number | undefined {
  return typeof one === typeof other ? sign(one, other) : sign(Number(one), Number(other))
}

function sign(one: number | bigint, other: number | bigint): number | undefined {
  if (one < other) return -1
  if (one > other) return 1
  // NaN is in no order, not even with itself.
  return one >= other ? 0 : undefined
}

/** By code points: halves of pairs stand below some characters that come before the pair. */
function orderTexts(one: string, other: string): number {
  if (one === other) return 0
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [one.charCodeAt(index), other.charCodeAt(index)]
    if (left !== right) return raised(left) - raised(right)
  }
  return one.length - other.length
}

function raised(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit
}

/** The name of a value's type, as `type()` has it. */
export function kindOf(value: Value): Kind {
  if (value === null) return 'null_type'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'double'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'bigint' ? 'int' : kindOfObject(value)
}

function kindOfObject(value: object): Kind {
  if (Array.isArray(value)) return 'list'
  if (value instanceof Uint) return 'uint'
  if (value instanceof Bytes) return 'bytes'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  return value instanceof TypeName ? 'type' : 'map'
}
