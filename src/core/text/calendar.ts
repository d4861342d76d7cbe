/** Dates and times as text, by the Gregorian calendar, without the platform's `Date`. */

const dateTimeForm =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d):(\d\d))$/

/**
 * An RFC 3339 date-time as milliseconds since 1970. Finer fractions are cut off. `undefined` if the text has another form
 * or no such time exists, such as 30 February. A leap second counts as the second after it.
 */
export function parseDateTime(text: string): number | undefined {
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

/** A leap second is always the last second of a UTC day. */
function isLastOfDay(utcMinutes: number): boolean {
  return (utcMinutes + 1_440) % 1_440 === 1_439
}

/** Days from 1 January 1970 to a date, with months from 1; `undefined` if there is no such day. */
export function daysSince1970(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  // Counted in years that begin in March: then the leap day is the last day of its year.
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

/** The date of a number of days since 1 January 1970, by ISO 8601: a year of more than four digits has a sign. */
export function dateText(days: number): string {
  // Years begin in March here too. Every 400 years have the same number of days.
  const fromMarch = days + 719_468
  const era = Math.floor(fromMarch / 146_097)
  const dayOfEra = fromMarch - era * 146_097
  const leaps =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const pastLeapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const dayOfYear = dayOfEra - (yearOfEra * 365 + pastLeapDays)
  const monthFromMarch = Math.floor((dayOfYear * 5 + 2) / 153)
  const day = dayOfYear - Math.floor((monthFromMarch * 153 + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = era * 400 + yearOfEra + (month < 3 ? 1 : 0)
  return `${yearText(year)}-${digits(month, 2)}-${digits(day, 2)}`
}

/** A time of day. @param units since midnight; a second has 10 to the power of `places` of them */
export function timeText(units: number, places: number): string {
  const unitsPerSecond = 10 ** places
  const seconds = Math.floor(units / unitsPerSecond)
  const fraction = digits(units - seconds * unitsPerSecond, places)
  const hour = Math.floor(seconds / 3_600)
  const minute = Math.floor(seconds / 60) % 60
  return `${digits(hour, 2)}:${digits(minute, 2)}:${digits(seconds % 60, 2)}.${fraction}`
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9_999) return digits(year, 4)
  return `${year < 0 ? '-' : '+'}${digits(Math.abs(year), 6)}`
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0')
}
