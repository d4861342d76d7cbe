/**
 * Functions that filters may use: CEL's standard definitions, as far as they mean something here, and `lowerAscii` and
 * `upperAscii` of its extension for strings. `matches` has a node of its own.
 */
import { toInt, toUint } from './arithmetic.ts'
import {
  duration,
  durationParts,
  durationText,
  secondsOf,
  timeOrDurationPart,
  timePart,
  timeParts,
  timestamp,
  timestampText,
} from './times.ts'
import {
  Bytes,
  Duration,
  isList,
  isMap,
  keysOf,
  kindOf,
  numberOf,
  overBudget,
  rangeFailure,
  textPerUnit,
  Timestamp,
  typeFailure,
  TypeName,
  Uint,
  type Kind,
  type Meter,
  type Outcome,
  type Value,
} from './values.ts'
import { decodeUtf8 } from '../text/json.ts'

export interface FilterFunction {
  /** `f(x)`, `x.f()`, or either of them. */
  readonly style: 'function' | 'method' | 'either'
  /** Of each argument, that of a method's own first, the types that it may have. */
  readonly takes: readonly Kinds[]
  readonly gives: Kind | 'dyn'
  /** Of values of any type: what the reader of an expression cannot know is found out here. */
  readonly apply: (args: readonly Value[], meter: Meter) => Outcome
}

type Kinds = readonly Kind[] | 'any'
type Unary = (value: Value, meter: Meter) => Outcome

function unary(
  style: FilterFunction['style'],
  takes: Kinds,
  gives: FilterFunction['gives'],
  apply: Unary,
): FilterFunction {
  return { style, takes: [takes], gives, apply: ([value = null], meter) => apply(value, meter) }
}

/** A question about a text and a part of it. */
function ofTexts(
  cost: (text: string, part: string) => number,
  ask: (text: string, part: string) => boolean,
): FilterFunction {
  return {
    style: 'method',
    takes: [['string'], ['string']],
    gives: 'bool',
    apply: ([text, part], meter) => {
      if (typeof text !== 'string' || typeof part !== 'string') return typeFailure
      return meter.spend(cost(text, part)) ? ask(text, part) : overBudget
    },
  }
}

const partCost = (_text: string, part: string) => part.length / textPerUnit
/** Looking for a part anywhere can take as long as both are, multiplied. */
const searchCost = (text: string, part: string) =>
  (text.length * (1 + part.length)) / (textPerUnit * 8) + 1

const ofTimes = ['google.protobuf.Timestamp', 'google.protobuf.Duration'] as const
/** What a time or a duration costs to be read or written, or to be taken apart. */
const timeUnits = 8

/** Does what takes a while with times only when it is paid for. */
function timed(apply: Unary): Unary {
  return (value, meter) => (meter.spend(timeUnits) ? apply(value, meter) : overBudget)
}

function partsOf<Name extends string>(
  names: readonly Name[],
  takes: Kinds,
  part: (value: Value, name: Name) => Outcome,
): Readonly<Record<string, FilterFunction>> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      unary(
        'method',
        takes,
        'int',
        timed((value) => part(value, name)),
      ),
    ]),
  )
}

const functions: Readonly<Record<string, FilterFunction>> = {
  size: unary('either', ['string', 'bytes', 'list', 'map'], 'int', size),
  contains: ofTexts(searchCost, (text, part) => text.includes(part)),
  startsWith: ofTexts(partCost, (text, part) => text.startsWith(part)),
  endsWith: ofTexts(partCost, (text, part) => text.endsWith(part)),
  lowerAscii: unary('method', ['string'], 'string', (value, meter) =>
    mapped(value, meter, /[A-Z]+/g, (part) => part.toLowerCase()),
  ),
  upperAscii: unary('method', ['string'], 'string', (value, meter) =>
    mapped(value, meter, /[a-z]+/g, (part) => part.toUpperCase()),
  ),
  dyn: unary('function', 'any', 'dyn', (value) => value),
  type: unary('function', 'any', 'type', (value) => new TypeName(kindOf(value))),
  int: unary(
    'function',
    ['int', 'uint', 'double', 'string', 'google.protobuf.Timestamp'],
    'int',
    int,
  ),
  uint: unary('function', ['uint', 'int', 'double', 'string'], 'uint', uint),
  double: unary('function', ['double', 'int', 'uint', 'string'], 'double', double),
  bool: unary('function', ['bool', 'string'], 'bool', bool),
  string: unary(
    'function',
    ['string', 'bool', 'int', 'uint', 'double', 'bytes', ...ofTimes],
    'string',
    string,
  ),
  bytes: unary('function', ['bytes', 'string'], 'bytes', bytes),
  timestamp: unary(
    'function',
    ['google.protobuf.Timestamp', 'string', 'int'],
    'google.protobuf.Timestamp',
    timed(timestamp),
  ),
  duration: unary(
    'function',
    ['google.protobuf.Duration', 'string'],
    'google.protobuf.Duration',
    timed(duration),
  ),
  ...partsOf(namesOf(timeParts), ['google.protobuf.Timestamp'], timePart),
  ...partsOf(namesOf(durationParts), ofTimes, timeOrDurationPart),
}

function namesOf<Name extends string>(parts: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(parts) as Name[]
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

// --- conversions -------------------------------------------------------------------------------------

function int(value: Value): Outcome {
  if (typeof value === 'bigint') return value
  // At its ends the range is finer than a double: -2^63 may stand for a number beyond it, as 2^63 does.
  if (typeof value === 'number')
    return value === -(2 ** 63) ? rangeFailure : truncated(value, toInt)
  if (typeof value === 'string') return ofDigits(value, /^[-+]?\d{1,19}$/, toInt)
  if (value instanceof Uint) return toInt(value.value)
  return value instanceof Timestamp ? secondsOf(value) : typeFailure
}

function uint(value: Value): Outcome {
  if (value instanceof Uint) return value
  if (typeof value === 'bigint') return toUint(value)
  if (typeof value === 'number') return truncated(value, toUint)
  return typeof value === 'string' ? ofDigits(value, /^\d{1,20}$/, toUint) : typeFailure
}

/** Towards zero. */
function truncated(value: number, to: (whole: bigint) => Outcome): Outcome {
  return Number.isFinite(value) ? to(BigInt(Math.trunc(value))) : rangeFailure
}

function ofDigits(text: string, form: RegExp, to: (whole: bigint) => Outcome): Outcome {
  return form.test(text) ? to(BigInt(text.replace('+', ''))) : rangeFailure
}

const decimalForm = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const infinityForm = /^[-+]?inf(?:inity)?$/i

function double(value: Value, meter: Meter): Outcome {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint) return Number(value.value)
  if (typeof value !== 'string') return typeFailure
  if (!meter.spend(value.length / textPerUnit)) return overBudget
  if (infinityForm.test(value)) return value.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(value)) return NaN
  const number = decimalForm.test(value) ? Number(value) : Infinity
  return Number.isFinite(number) ? number : rangeFailure
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'True', 'TRUE', 't', '1'].map((text) => [text, true] as const),
  ...['false', 'False', 'FALSE', 'f', '0'].map((text) => [text, false] as const),
])

function bool(value: Value): Outcome {
  if (typeof value === 'boolean') return value
  return typeof value === 'string' ? (booleans.get(value) ?? rangeFailure) : typeFailure
}

function string(value: Value, meter: Meter): Outcome {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  const number = numberOf(value)
  if (number !== undefined) return String(number)
  if (value instanceof Bytes) return textOf(value, meter)
  return timeTextOf(value, meter)
}

function timeTextOf(value: Value, meter: Meter): Outcome {
  if (!meter.spend(timeUnits)) return overBudget
  if (value instanceof Timestamp) return timestampText(value)
  return value instanceof Duration ? durationText(value) : typeFailure
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
