/** Calendar times as text, without the platform's clock: core is pure. */
import type { EpochMs } from './model.ts'

const dateTimeForm =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d):(\d\d))$/

/**
 * An RFC 3339 date-time as milliseconds, finer fractions cut off; `undefined` when the text has another form or denotes
 * no real time, such as 30 February. A leap second counts as the second after it.
 */
export function parseDateTime(text: string): EpochMs | undefined {
  const parts = dateTimeForm.exec(text)
  if (parts === null) return undefined
  const days = daysSince1970(Number(parts[1]), Number(parts[2]), Number(parts[3]))
  const minutes = minutesOfDay(parts[4], parts[5])
  const offset = offsetMinutes(parts[8], parts[9])
  if (days === undefined || minutes === undefined || offset === undefined) return undefined
  const utcMinutes = minutes - offset
  const second = Number(parts[6])
  if (second > 60 || (second === 60 && !isLastOfDay(utcMinutes))) return undefined
  const ms = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'))
  return ((days * 1_440 + utcMinutes) * 60 + second) * 1_000 + ms
}

function minutesOfDay(hour: string | undefined, minute: string | undefined): number | undefined {
  const isReal = Number(hour) <= 23 && Number(minute) <= 59
  return isReal ? Number(hour) * 60 + Number(minute) : undefined
}

function offsetMinutes(hour: string | undefined, minute: string | undefined): number | undefined {
  if (hour === undefined) return 0
  const size = minutesOfDay(hour.slice(1), minute)
  return size === undefined || hour.startsWith('+') ? size : -size
}

/** Leap seconds are put at the end of a UTC day. */
function isLastOfDay(utcMinutes: number): boolean {
  return (utcMinutes + 1_440) % 1_440 === 1_439
}

/** Days from 1 January 1970 to a date of the Gregorian calendar, months from 1; `undefined` when there is no such day. */
export function daysSince1970(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  // Years that begin in March: the leap day is their last, and whole months come before every date.
  const fromMarch = (month + 9) % 12
  const past = month < 3 ? year - 1 : year
  const leapDays = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400)
  return past * 365 + leapDays + Math.floor((fromMarch * 153 + 2) / 5) + day - 719_469
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return isLeap ? 29 : 28
}
