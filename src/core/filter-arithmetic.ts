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
} from './filter-values.ts'

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

export const maxInt = 2n ** 63n - 1n
export const minInt = -(2n ** 63n)
const maxUint = 2n ** 64n - 1n
/** Times from the year 1 to 9999, as the specification has it, and the durations between them, in milliseconds. */
const minTimeMs = -62_135_596_800_000
const maxTimeMs = 253_402_300_799_999
const maxDurationMs = 315_576_000_000_000

export function toInt(value: bigint): Outcome {
  return value < minInt || value > maxInt ? rangeFailure : value
}

export function toUint(value: bigint): Outcome {
  return value < 0n || value > maxUint ? rangeFailure : new Uint(value)
}

export function toTimestamp(ms: number): Outcome {
  return ms >= minTimeMs && ms <= maxTimeMs ? new Timestamp(ms) : rangeFailure
}

export function toDuration(ms: number): Outcome {
  return Math.abs(ms) <= maxDurationMs ? new Duration(ms) : rangeFailure
}

export function negative(value: Value): Outcome {
  if (typeof value === 'number') return -value
  if (typeof value === 'bigint') return toInt(-value)
  return value instanceof Duration ? new Duration(-value.ms) : typeFailure
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
    if (one instanceof Timestamp) return toTimestamp(one.ms + other.ms)
    return one instanceof Duration ? toDuration(one.ms + other.ms) : typeFailure
  }
  const isMoved = one instanceof Duration && other instanceof Timestamp
  return isMoved ? toTimestamp(one.ms + other.ms) : typeFailure
}

function earlier(one: Value, other: Value): Outcome {
  if (one instanceof Timestamp) {
    if (other instanceof Duration) return toTimestamp(one.ms - other.ms)
    return other instanceof Timestamp ? toDuration(one.ms - other.ms) : typeFailure
  }
  const areDurations = one instanceof Duration && other instanceof Duration
  return areDurations ? toDuration(one.ms - other.ms) : typeFailure
}
