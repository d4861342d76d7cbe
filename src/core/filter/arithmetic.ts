/** Arithmetic of CEL: 64 bits for `int` and `uint`, no mixing of types, and no result beyond a range. */
import {
  Bytes,
  Duration,
  isList,
  overBudget,
  rangeFailure,
  textPerUnit,
  Timestamp,
  typeFailure,
  Uint,
  type Meter,
  type Outcome,
  type Value,
} from './values.ts'

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

export const maxInt = 2n ** 63n - 1n
export const minInt = -(2n ** 63n)
const maxUint = 2n ** 64n - 1n
/** Times from the year 1 to 9999; durations of 64 bits, 292 years. In nanoseconds, as the specification's own tests have it. */
const minTimeNs = -62_135_596_800_000_000_000n
const maxTimeNs = 253_402_300_799_999_999_999n

export function toInt(value: bigint): Outcome {
  return value < minInt || value > maxInt ? rangeFailure : value
}

export function toUint(value: bigint): Outcome {
  return value < 0n || value > maxUint ? rangeFailure : new Uint(value)
}

export function toTimestamp(ns: bigint): Outcome {
  return ns < minTimeNs || ns > maxTimeNs ? rangeFailure : new Timestamp(ns)
}

export function toDuration(ns: bigint): Outcome {
  return ns < minInt || ns > maxInt ? rangeFailure : new Duration(ns)
}

export function negative(value: Value): Outcome {
  if (typeof value === 'number') return -value
  return typeof value === 'bigint' ? toInt(-value) : typeFailure
}

export function calculate(
  operator: ArithmeticOperator,
  one: Value,
  other: Value,
  meter: Meter,
): Outcome {
  if (typeof one === 'bigint' && typeof other === 'bigint') {
    const result = whole(operator, one, other)
    return typeof result === 'bigint' ? toInt(result) : result
  }
  if (typeof one === 'number' && typeof other === 'number') return fractional(operator, one, other)
  if (one instanceof Uint && other instanceof Uint) {
    const result = whole(operator, one.value, other.value)
    return typeof result === 'bigint' ? toUint(result) : result
  }
  if (operator === '+') return joined(one, other, meter) ?? time(operator, one, other)
  return time(operator, one, other)
}

function whole(operator: ArithmeticOperator, one: bigint, other: bigint): bigint | Outcome {
  switch (operator) {
    case '+':
      return one + other
    case '-':
      return one - other
    case '*':
      return one * other
    case '/':
      return other === 0n ? rangeFailure : one / other
    case '%':
      return other === 0n ? rangeFailure : one % other
  }
}

function fractional(operator: ArithmeticOperator, one: number, other: number): Outcome {
  switch (operator) {
    case '+':
      return one + other
    case '-':
      return one - other
    case '*':
      return one * other
    case '/':
      return one / other
    // There is none for doubles.
    case '%':
      return typeFailure
  }
}

function joined(one: Value, other: Value, meter: Meter): Outcome | undefined {
  if (typeof one === 'string' && typeof other === 'string') {
    return meter.spend((one.length + other.length) / textPerUnit) ? one + other : overBudget
  }
  if (isList(one) && isList(other)) {
    return meter.spend(one.length + other.length) ? [...one, ...other] : overBudget
  }
  if (one instanceof Bytes && other instanceof Bytes) {
    const { bytes } = one
    if (!meter.spend((bytes.length + other.bytes.length) / textPerUnit)) return overBudget
    return new Bytes(Buffer.concat([bytes, other.bytes]))
  }
  return undefined
}

function time(operator: ArithmeticOperator, one: Value, other: Value): Outcome {
  if (operator === '+') return later(one, other)
  return operator === '-' ? earlier(one, other) : typeFailure
}

function later(one: Value, other: Value): Outcome {
  if (other instanceof Duration) {
    if (one instanceof Timestamp) return toTimestamp(one.ns + other.ns)
    return one instanceof Duration ? toDuration(one.ns + other.ns) : typeFailure
  }
  const isMoved = one instanceof Duration && other instanceof Timestamp
  return isMoved ? toTimestamp(one.ns + other.ns) : typeFailure
}

function earlier(one: Value, other: Value): Outcome {
  if (one instanceof Timestamp) {
    if (other instanceof Duration) return toTimestamp(one.ns - other.ns)
    return other instanceof Timestamp ? toDuration(one.ns - other.ns) : typeFailure
  }
  const areDurations = one instanceof Duration && other instanceof Duration
  return areDurations ? toDuration(one.ns - other.ns) : typeFailure
}
