/** The `Retry-After` response header: seconds or an HTTP date (RFC 9110, sections 10.2.3 and 5.6.7). */
import { daysSince1970 } from '../../core/text/calendar.ts'
import type { EpochMs } from '../../core/model/model.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${months.join('|')})`
const time = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const dateForms: readonly RegExp[] = [
  // Sun, 06 Nov 1994 08:49:37 GMT, the preferred form
  new RegExp(
    `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${month} (?<year>\\d{4}) ${time} GMT$`,
  ),
  // Sunday, 06-Nov-94 08:49:37 GMT, RFC 850
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${month}-(?<year>\\d{2}) ${time} GMT$`,
  ),
  // Sun Nov  6 08:49:37 1994, C's asctime
  new RegExp(
    `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`,
  ),
]

const dayMs = 86_400_000
const fiftyYearsMs = 50 * 365.25 * dayMs

/**
 * @returns how long to wait, in milliseconds from `now`; 0 for a time that has passed; `undefined` when absent or
 *   unreadable. It has no upper bound; the verdict has one
 */
export function parseRetryAfter(value: string | undefined, now: EpochMs): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^-?\d+$/.test(text)) {
    return Math.min(Math.max(Number(text), 0) * 1000, Number.MAX_SAFE_INTEGER)
  }
  const at = parseHttpDate(text, now)
  return at === undefined ? undefined : Math.max(at - now, 0)
}

function parseHttpDate(text: string, now: EpochMs): EpochMs | undefined {
  for (const form of dateForms) {
    const groups = form.exec(text)?.groups
    if (groups === undefined) continue
    const timeOfDay = timeOfDayMs(groups)
    const monthIndex = months.indexOf(groups['month'] ?? '')
    const day = Number(groups['day'])
    const year = groups['year'] ?? ''
    if (timeOfDay === undefined) return undefined
    if (year.length === 4) return dateMs(Number(year), monthIndex, day, timeOfDay)
    return latestNotFarAhead(Number(year), now, (full) => dateMs(full, monthIndex, day, timeOfDay))
  }
  return undefined
}

function timeOfDayMs(groups: Readonly<Record<string, string>>): number | undefined {
  const [hour, minute, second] = [groups['hour'], groups['minute'], groups['second']].map(Number)
  if (hour === undefined || minute === undefined || second === undefined) return undefined
  // 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  return ((hour * 60 + minute) * 60 + second) * 1000
}

/** A two-digit year that would be more than 50 years ahead means the past (RFC 9110, section 5.6.7). */
function latestNotFarAhead(
  twoDigits: number,
  now: EpochMs,
  at: (year: number) => EpochMs | undefined,
): EpochMs | undefined {
  let latest: EpochMs | undefined
  for (let year = 1900 + twoDigits; ; year += 100) {
    const candidate = at(year)
    const start = dateMs(year, 0, 1, 0) ?? 0
    if ((candidate ?? start) > now + fiftyYearsMs) return latest
    latest = candidate
  }
}

function dateMs(
  year: number,
  monthIndex: number,
  day: number,
  timeOfDay: number,
): EpochMs | undefined {
  const days = daysSince1970(year, monthIndex + 1, day)
  return days === undefined ? undefined : days * dayMs + timeOfDay
}
