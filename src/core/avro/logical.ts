/**
 * Avro's logical types as JSON: times as RFC 3339 text, decimals as numbers with all of their digits. A logical type that
 * is unknown, or does not fit its type, is ignored, as Avro's specification requires. A time outside the years 0000 to
 * 9999 has no text in RFC 3339, so it stays a number.
 */
import { AvroFault, type AvroCursor } from './cursor.ts'
import { dateText, timeText } from '../text/calendar.ts'
import { isTooDeep, tooDeep, type JsonObject } from '../text/json.ts'

/** Reads one value of a type and gives its JSON text. */
export type Render = (cursor: AvroCursor) => string

/** Decimal places of a second, by the end of a logical type's name. */
const places: ReadonlyMap<string, number> = new Map([
  ['millis', 3],
  ['micros', 6],
  ['nanos', 9],
])
const secondsPerDay = 86_400
/** Days since 1970 of 0000-01-01 and 9999-12-31. */
const firstDay = -719_528
const lastDay = 2_932_896
/** Reading a number takes time that grows with the square of its digits. */
const maxDigits = 1_000

/** How a value of a logical type is rendered; `undefined` if it is rendered as its underlying type. */
export function logicalRender(schema: JsonObject): Render | undefined {
  const { type, logicalType } = schema
  if (typeof logicalType !== 'string') return undefined
  if (logicalType === 'decimal') return decimalRender(schema)
  if (logicalType === 'uuid') return uuidRender(schema)
  if (logicalType === 'json' && type === 'string') return (cursor) => jsonText(cursor.text())
  if (logicalType === 'date' && type === 'int') return (cursor) => dayText(cursor.int())
  return timeRender(type, logicalType)
}

function timeRender(type: unknown, logicalType: string): Render | undefined {
  const [, kind, unit] = /^(timestamp|local-timestamp|time)-(\w+)$/.exec(logicalType) ?? []
  const count = places.get(unit ?? '')
  if (kind === undefined || count === undefined) return undefined
  if (kind === 'time') {
    const isKnown = (type === 'int' && count === 3) || (type === 'long' && count === 6)
    return isKnown ? (cursor) => `"${timeOfDay(cursor.long(), count)}"` : undefined
  }
  if (type !== 'long') return undefined
  const zone = kind === 'timestamp' ? 'Z' : ''
  return (cursor) => dateTimeText(cursor.long(), count, zone)
}

function timeOfDay(units: number | bigint, count: number): string {
  const isTime = units >= 0 && units < secondsPerDay * 10 ** count
  if (!isTime) throw new AvroFault('is not a time of day')
  return timeText(Number(units), count)
}

function hasText(days: number): boolean {
  return days >= firstDay && days <= lastDay
}

function dayText(days: number): string {
  return hasText(days) ? `"${dateText(days)}"` : String(days)
}

/** @param units since 1970; a second has 10 to the power of `count` of them */
function dateTimeText(units: number | bigint, count: number, zone: string): string {
  const perDay = secondsPerDay * 10 ** count
  const { days, rest } =
    typeof units === 'number' ? parted(units, perDay) : partedLarge(units, perDay)
  return hasText(days) ? `"${dateText(days)}T${timeText(rest, count)}${zone}"` : String(units)
}

interface Parted {
  readonly days: number
  /** Units of the last day. */
  readonly rest: number
}

function parted(units: number, perDay: number): Parted {
  const days = Math.floor(units / perDay)
  return { days, rest: units - days * perDay }
}

function partedLarge(units: bigint, perDay: number): Parted {
  const large = BigInt(perDay)
  const rest = ((units % large) + large) % large
  return { days: Number((units - rest) / large), rest: Number(rest) }
}

/**
 * The unscaled number is in two's complement, most significant byte first, in bytes or a fixed type of any size. If it
 * is shorter than that, its sign fills the rest.
 */
function decimalRender({ type, precision, scale = 0, size }: JsonObject): Render | undefined {
  if (!isFixedSize(precision) || !isFixedSize(scale) || precision === 0 || scale > precision) {
    return undefined
  }
  const text = (cursor: AvroCursor, bytes: Buffer) => {
    cursor.spend(scale)
    return decimalText(bytes, precision, scale)
  }
  if (type === 'fixed' && isFixedSize(size)) return (cursor) => text(cursor, cursor.take(size))
  return type === 'bytes' ? (cursor) => text(cursor, cursor.bytes()) : undefined
}

/** @throws AvroFault if the number has more digits than its precision or {@link maxDigits} */
function decimalText(bytes: Buffer, precision: number, scale: number): string {
  const most = Math.min(precision, maxDigits)
  const significant = withoutSignExtension(bytes)
  const isLong = significant.length > Math.ceil((most * Math.log2(10) + 1) / 8)
  // The conversion of a long number takes time that grows with its square.
  const unscaled = isLong ? 0n : numberOf(significant)
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled)
  if (isLong || digits.length > most) throw new AvroFault(`has more than ${most} digits`)
  if (scale === 0) return sign + digits
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}

function numberOf(bytes: Buffer): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x0${bytes.toString('hex')}`))
}

/** Without leading bytes that only repeat the sign. */
function withoutSignExtension(bytes: Buffer): Buffer {
  const fill = (bytes[0] ?? 0) < 0x80 ? 0x00 : 0xff
  let from = 0
  while (bytes[from] === fill && ((bytes[from + 1] ?? ~fill) & 0x80) === (fill & 0x80)) from += 1
  return bytes.subarray(from)
}

/** For 16 bytes, the text form of RFC 9562. A UUID that is a string is rendered as any string. */
function uuidRender({ type, size }: JsonObject): Render | undefined {
  if (type !== 'fixed' || size !== 16) return undefined
  return (cursor) =>
    `"${cursor
      .take(16)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"`
}

/** The JSON that a string holds. With it, a schema can have members of any form. */
function jsonText(text: string): string {
  if (isTooDeep(text)) throw new AvroFault(tooDeep, 'too-deep')
  try {
    JSON.parse(text)
    return text
  } catch {
    throw new AvroFault('is not JSON, as its logical type says')
  }
}

/** A number of JSON. @throws AvroFault for NaN and the infinities */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new AvroFault(`is ${value}, for which JSON has no number`)
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The shortest decimal that reads as the same 32-bit float: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 24) return numberText(value)
  for (let precision = 6; precision < 9; precision += 1) {
    const short = Number(value.toPrecision(precision))
    if (Math.fround(short) === value) return numberText(short)
  }
  return numberText(value)
}

export function isFixedSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}
