/**
 * Functions that filters may use: CEL's standard definitions, as far as they mean something here, and `lowerAscii` and
 * `upperAscii` of its extension for strings. Times are of milliseconds and of UTC. `matches` has a node of its own.
 */
import { dateText, daysSince1970, parseDateTime, timeText } from './calendar.ts'
import { toDuration, toInt, toTimestamp, toUint } from './filter-arithmetic.ts'
import {
  Bytes,
  Duration,
  isList,
  isMap,
  keysOf,
  numberOf,
  overBudget,
  rangeFailure,
  textPerUnit,
  Timestamp,
  typeFailure,
  TypeName,
  typeNameOf,
  Uint,
  type Meter,
  type Outcome,
  type Value,
} from './filter-values.ts'
import { decodeUtf8 } from './json-text.ts'

type Apply = (args: readonly Value[], meter: Meter) => Outcome

/** A function of one argument. Where it is called as a method, that is what it is called on. */
function unary(apply: (value: Value, meter: Meter) => Outcome): FilterFunction {
  return { arity: 1, apply: ([value = null], meter) => apply(value, meter) }
}

/** A question about a text and a part of it. Looking for a part can take as long as both are, multiplied. */
function ofTexts(
  cost: (text: string, part: string) => number,
  ask: (text: string, part: string) => boolean,
): FilterFunction {
  return {
    arity: 2,
    apply: ([text, part], meter) => {
      if (typeof text !== 'string' || typeof part !== 'string') return typeFailure
      return meter.spend(cost(text, part)) ? ask(text, part) : overBudget
    },
  }
}

const partCost = (_text: string, part: string) => part.length / textPerUnit

function ofTime(read: (ms: number) => number): FilterFunction {
  return unary((value) => (value instanceof Timestamp ? BigInt(read(value.ms)) : typeFailure))
}

function ofTimeOrDuration(
  read: (ms: number) => number,
  readDuration: (ms: number) => number,
): FilterFunction {
  return unary((value) => {
    if (value instanceof Duration) return BigInt(Math.trunc(readDuration(value.ms)))
    return value instanceof Timestamp ? BigInt(read(value.ms)) : typeFailure
  })
}

export interface FilterFunction {
  readonly arity: number
  readonly apply: Apply
}

const dayMs = 86_400_000
/** What a time or a duration costs to be read from text. */
const readingUnits = 5
const days = (ms: number) => Math.floor(ms / dayMs)
const sinceMidnight = (ms: number) => ms - days(ms) * dayMs
const datePart = (ms: number, from: number, to: number) =>
  Number(dateText(days(ms)).slice(from, to))

const functions: Readonly<Record<string, FilterFunction>> = {
  size: unary(size),
  contains: ofTexts(
    (text, part) => (text.length * (1 + part.length)) / (textPerUnit * 8) + 1,
    (text, part) => text.includes(part),
  ),
  startsWith: ofTexts(partCost, (text, part) => text.startsWith(part)),
  endsWith: ofTexts(partCost, (text, part) => text.endsWith(part)),
  lowerAscii: unary((value, meter) =>
    mapped(value, meter, /[A-Z]+/g, (part) => part.toLowerCase()),
  ),
  upperAscii: unary((value, meter) =>
    mapped(value, meter, /[a-z]+/g, (part) => part.toUpperCase()),
  ),
  dyn: unary((value) => value),
  type: unary((value) => new TypeName(typeNameOf(value))),
  int: unary(int),
  uint: unary(uint),
  double: unary(double),
  bool: unary(bool),
  string: unary(string),
  bytes: unary(bytes),
  timestamp: unary((value, meter) => (meter.spend(readingUnits) ? timestamp(value) : overBudget)),
  duration: unary((value, meter) => (meter.spend(readingUnits) ? duration(value) : overBudget)),
  getFullYear: ofTime((ms) => datePart(ms, 0, 4)),
  getMonth: ofTime((ms) => datePart(ms, 5, 7) - 1),
  getDate: ofTime((ms) => datePart(ms, 8, 10)),
  getDayOfMonth: ofTime((ms) => datePart(ms, 8, 10) - 1),
  getDayOfYear: ofTime((ms) => days(ms) - (daysSince1970(datePart(ms, 0, 4), 1, 1) ?? 0)),
  // The first day of 1970 was a Thursday; weeks begin with Sunday.
  getDayOfWeek: ofTime((ms) => (((days(ms) + 4) % 7) + 7) % 7),
  getHours: ofTimeOrDuration(
    (ms) => Math.floor(sinceMidnight(ms) / 3_600_000),
    (ms) => ms / 3_600_000,
  ),
  getMinutes: ofTimeOrDuration(
    (ms) => Math.floor(sinceMidnight(ms) / 60_000) % 60,
    (ms) => ms / 60_000,
  ),
  getSeconds: ofTimeOrDuration(
    (ms) => Math.floor(sinceMidnight(ms) / 1_000) % 60,
    (ms) => ms / 1_000,
  ),
  getMilliseconds: ofTimeOrDuration(
    (ms) => sinceMidnight(ms) % 1_000,
    (ms) => ms % 1_000,
  ),
}

export function functionOf(name: string): FilterFunction | undefined {
  return Object.hasOwn(functions, name) ? functions[name] : undefined
}

function size(value: Value, meter: Meter): Outcome {
  if (typeof value === 'string') {
    if (!meter.spend(value.length / textPerUnit)) return overBudget
    let pairs = 0
    for (let index = 0; index < value.length; index += 1) {
      if ((value.codePointAt(index) ?? 0) > 0xffff) pairs += 1
    }
    return BigInt(value.length - pairs)
  }
  if (value instanceof Bytes) return BigInt(value.bytes.length)
  if (isList(value)) return BigInt(value.length)
  if (!isMap(value)) return typeFailure
  const keys = keysOf(value, meter)
  return keys === undefined ? overBudget : BigInt(keys.length)
}

function mapped(value: Value, meter: Meter, of: RegExp, to: (part: string) => string): Outcome {
  if (typeof value !== 'string') return typeFailure
  // Each letter may be a part of its own.
  return meter.spend(value.length / 4) ? value.replace(of, to) : overBudget
}

function int(value: Value): Outcome {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return truncated(value, toInt)
  if (typeof value === 'string') {
    return /^-?\d{1,19}$/.test(value) ? toInt(BigInt(value)) : rangeFailure
  }
  if (value instanceof Uint) return toInt(value.value)
  return value instanceof Timestamp ? BigInt(Math.floor(value.ms / 1_000)) : typeFailure
}

function uint(value: Value): Outcome {
  if (value instanceof Uint) return value
  if (typeof value === 'bigint') return toUint(value)
  if (typeof value === 'number') return truncated(value, toUint)
  if (typeof value !== 'string') return typeFailure
  return /^\d{1,20}$/.test(value) ? toUint(BigInt(value)) : rangeFailure
}

/** Towards zero. */
function truncated(value: number, to: (whole: bigint) => Outcome): Outcome {
  return Number.isFinite(value) ? to(BigInt(Math.trunc(value))) : rangeFailure
}

function double(value: Value): Outcome {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint) return Number(value.value)
  if (typeof value !== 'string') return typeFailure
  return /^[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,4})?$/.test(value)
    ? Number(value)
    : rangeFailure
}

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  t: true,
  '1': true,
  false: false,
  False: false,
  FALSE: false,
  f: false,
  '0': false,
}

function bool(value: Value): Outcome {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return typeFailure
  return Object.hasOwn(booleans, value) ? (booleans[value] ?? rangeFailure) : rangeFailure
}

function string(value: Value, meter: Meter): Outcome {
  if (typeof value === 'string') return value
  if (value instanceof Bytes) return textOf(value, meter)
  if (value instanceof Timestamp) return timestampText(value.ms)
  if (value instanceof Duration) return `${value.ms / 1_000}s`
  const number = numberOf(value)
  if (number !== undefined) return String(number)
  return typeof value === 'boolean' ? String(value) : typeFailure
}

function textOf({ bytes: value }: Bytes, meter: Meter): Outcome {
  if (!meter.spend(value.length / textPerUnit)) return overBudget
  return decodeUtf8(value) ?? rangeFailure
}

function bytes(value: Value, meter: Meter): Outcome {
  if (value instanceof Bytes) return value
  if (typeof value !== 'string') return typeFailure
  return meter.spend(value.length / textPerUnit) ? new Bytes(Buffer.from(value)) : overBudget
}

function timestampText(ms: number): string {
  const time = timeText(sinceMidnight(ms), 3).replace(/\.?0+$/, '')
  return `${dateText(days(ms))}T${time.length < 8 ? timeText(sinceMidnight(ms), 3).slice(0, 8) : time}Z`
}

function timestamp(value: Value): Outcome {
  if (value instanceof Timestamp) return value
  if (typeof value === 'bigint') return toTimestamp(Number(value) * 1_000)
  if (typeof value !== 'string') return typeFailure
  const ms = value.length > 64 ? undefined : parseDateTime(value)
  return ms === undefined ? rangeFailure : toTimestamp(ms)
}

const durationUnits: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
}
const durationForm = /^([-+]?)((?:\d{1,15}(?:\.\d{1,15})?(?:h|ms|m|s|us|ns))+)$/

function duration(value: Value): Outcome {
  if (value instanceof Duration) return value
  if (typeof value !== 'string') return typeFailure
  const [, signText, parts = ''] = (value.length > 100 ? null : durationForm.exec(value)) ?? []
  if (parts === '') return value === '0' ? new Duration(0) : rangeFailure
  let ms = 0
  for (const [, amount, unit = ''] of parts.matchAll(/([\d.]+)([a-z]+)/g)) {
    ms += Number(amount) * (durationUnits[unit] ?? 0)
  }
  return toDuration(signText === '-' ? -ms : ms)
}
