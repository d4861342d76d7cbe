/** Numbers and times for people. */

const numbers = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

export function number(value) {
  return value === null || value === undefined ? '–' : numbers.format(value)
}

export function compact(value) {
  if (value === null || value === undefined) return '–'
  return value < 10_000 ? numbers.format(value) : short.format(value)
}

/** Share of calls that were delivered. Never rounded up to all of them. */
export function share(delivered, calls) {
  if (calls === 0) return '–'
  const percent = (delivered / calls) * 100
  if (percent === 100) return '100 %'
  return `${(Math.floor(percent * 100) / 100).toFixed(percent >= 99 ? 2 : 1)} %`
}

/** As Logto's console marks it. */
export function shareLevel(delivered, calls) {
  if (calls === 0) return ''
  const part = delivered / calls
  return part < 0.9 ? 'bad' : part < 0.99 ? 'warn' : 'good'
}

export function duration(ms) {
  if (ms === null || ms === undefined) return '–'
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

export function time(at) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return '–'
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`
}

/** Hour and minute; at midnight the day. */
export function clockTime(at) {
  const date = new Date(at)
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
  return isMidnight ? day.format(date) : minute.format(date)
}

export function iso(at) {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

/** How far a moment is away. */
export function away(at, now = Date.now()) {
  const ms = at - now
  return ms >= 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}

/** JSON with indents, or the text as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}
