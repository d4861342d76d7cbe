/** Times and durations of filters: from text and numbers, to text, and what of them can be asked for. All of UTC. */
import { dateText, daysSince1970, parseDateTime, timeText } from '../text/calendar.ts'
import { toDuration, toTimestamp } from './arithmetic.ts'
import {
  Duration,
  rangeFailure,
  Timestamp,
  typeFailure,
  type Outcome,
  type Value,
} from './values.ts'

const nsPerSecond = 1_000_000_000n
const nsPerMs = 1_000_000n
const dayMs = 86_400_000

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

export function secondsOf({ ns }: Timestamp): bigint {
  return floorDivide(ns, nsPerSecond)
}

// --- from and to text --------------------------------------------------------------------------------

/** Longer texts are no times: none needs more to say what it means. */
const maxTimeLength = 64
const maxDurationLength = 100

export function timestamp(value: Value): Outcome {
  if (value instanceof Timestamp) return value
  if (typeof value === 'bigint') return toTimestamp(value * nsPerSecond)
  if (typeof value !== 'string') return typeFailure
  const ms = value.length > maxTimeLength ? undefined : parseDateTime(value)
  if (ms === undefined) return rangeFailure
  const finer = /\.\d{3}(\d{1,6})/.exec(value)?.[1] ?? ''
  return toTimestamp(BigInt(ms) * nsPerMs + BigInt(finer.padEnd(6, '0')))
}

const durationUnits: Readonly<Record<string, bigint>> = {
  h: 3_600n * nsPerSecond,
  m: 60n * nsPerSecond,
  s: nsPerSecond,
  ms: nsPerMs,
  us: 1_000n,
  // The micro sign, and the Greek letter.
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ns: 1n,
}
const durationForm = /^([-+]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|\u00b5s|\u03bcs|ns))+)$/
const durationPart = /(\d*)(?:\.(\d*))?([a-z\u00b5\u03bc]+)/g

/** Finer than a nanosecond is cut off. */
export function duration(value: Value): Outcome {
  if (value instanceof Duration) return value
  if (typeof value !== 'string') return typeFailure
  if (/^[-+]?0$/.test(value)) return new Duration(0n)
  const form = value.length > maxDurationLength ? null : durationForm.exec(value)
  return form === null ? rangeFailure : toDuration(sumOf(form[2] ?? '', form[1] === '-' ? -1n : 1n))
}

function sumOf(parts: string, sign: bigint): bigint {
  let ns = 0n
  for (const [, whole = '', fraction = '', name = ''] of parts.matchAll(durationPart)) {
    const unit = durationUnits[name] ?? 0n
    ns += BigInt(whole) * unit + (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length)
  }
  return ns * sign
}

export function timestampText({ ns }: Timestamp): string {
  const days = floorDivide(ns, BigInt(dayMs) * nsPerMs)
  const ofDay = Number(ns - days * BigInt(dayMs) * nsPerMs)
  return `${dateText(Number(days))}T${withoutZeros(timeText(ofDay, 9))}Z`
}

export function durationText({ ns }: Duration): string {
  const size = ns < 0n ? -ns : ns
  const fraction = String(size % nsPerSecond).padStart(9, '0')
  return `${ns < 0n ? '-' : ''}${withoutZeros(`${size / nsPerSecond}.${fraction}`)}s`
}

function withoutZeros(number: string): string {
  return number.replace(/\.?0+$/, '')
}

// --- parts -------------------------------------------------------------------------------------------

const daysOf = (ms: number) => Math.floor(ms / dayMs)
const sinceMidnight = (ms: number) => ms - daysOf(ms) * dayMs
const datePart = (ms: number, from: number, to: number) =>
  Number(dateText(daysOf(ms)).slice(from, to))

/** What a time says of itself, by the name of the function that asks. @param ms since the beginning of 1970 */
export const timeParts = {
  getFullYear: (ms) => datePart(ms, 0, 4),
  getMonth: (ms) => datePart(ms, 5, 7) - 1,
  getDate: (ms) => datePart(ms, 8, 10),
  getDayOfMonth: (ms) => datePart(ms, 8, 10) - 1,
  getDayOfYear: (ms) => daysOf(ms) - (daysSince1970(datePart(ms, 0, 4), 1, 1) ?? 0),
  // The first day of 1970 was a Thursday; weeks begin with Sunday.
  getDayOfWeek: (ms) => (((daysOf(ms) + 4) % 7) + 7) % 7,
  getHours: (ms) => Math.floor(sinceMidnight(ms) / 3_600_000),
  getMinutes: (ms) => Math.floor(sinceMidnight(ms) / 60_000) % 60,
  getSeconds: (ms) => Math.floor(sinceMidnight(ms) / 1_000) % 60,
  getMilliseconds: (ms) => sinceMidnight(ms) % 1_000,
} satisfies Readonly<Record<string, (ms: number) => number>>

/** Of a duration: the whole of it in a unit, but for milliseconds, which are what is left of a second. */
export const durationParts = {
  getHours: (ns) => ns / (3_600n * nsPerSecond),
  getMinutes: (ns) => ns / (60n * nsPerSecond),
  getSeconds: (ns) => ns / nsPerSecond,
  getMilliseconds: (ns) => (ns / nsPerMs) % 1_000n,
} satisfies Readonly<Record<string, (ns: bigint) => bigint>>

export function timePart(value: Value, name: keyof typeof timeParts): Outcome {
  if (!(value instanceof Timestamp)) return typeFailure
  return BigInt(timeParts[name](Number(floorDivide(value.ns, nsPerMs))))
}

export function timeOrDurationPart(value: Value, name: keyof typeof durationParts): Outcome {
  return value instanceof Duration ? durationParts[name](value.ns) : timePart(value, name)
}
