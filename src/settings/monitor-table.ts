/** Settings of `hooktide monitor`, a part of the table. */
import { parseDuration } from '../core/model/durations.ts'
import { Fault, filePath, integer, text, type Parser } from './parsers.ts'
import { secretOf, setting } from './setting.ts'

const [leastWindowMs, mostWindowMs] = [60_000, 30 * 86_400_000]

const monitorWindow: Parser<number> = (value) => {
  const windowMs = parseDuration(value)
  const fits = windowMs !== undefined && windowMs >= leastWindowMs && windowMs <= mostWindowMs
  return fits ? windowMs : new Fault('must be a time from 1m to 30d, such as 24h')
}

/** What a caller has to know is not to be guessed, and goes into a header. The fault has nothing of it. */
const monitorToken: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  if (/^[\x21-\x7e]{16,512}$/.test(value)) return value
  return new Fault('must have 16 to 512 letters, digits and signs of ASCII, without white space')
}

/** Names without port, as callers write them. */
const monitorHosts: Parser<readonly string[]> = (value) => {
  const names = value.split(',').map((name) => name.trim().toLowerCase())
  const given = names.filter((name) => name !== '')
  const isName = (name: string) => /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])$/.test(name)
  return given.every(isName)
    ? given
    : new Fault('must be names of hosts without port, comma-separated')
}

export const monitorTable = {
  monitorPort: setting(
    'HOOKTIDE_MONITOR_PORT',
    '9402',
    integer(0, 65_535),
    'Port of the page and the API of hooktide monitor; 0 picks a free one.',
  ),
  monitorHost: setting(
    'HOOKTIDE_MONITOR_HOST',
    '127.0.0.1',
    text,
    'Address that port listens on. One that others can reach needs a token.',
  ),
  monitorToken: secretOf(
    'HOOKTIDE_MONITOR_TOKEN',
    monitorToken,
    'Token that page and API ask for: 16 characters or more.',
  ),
  monitorHosts: setting(
    'HOOKTIDE_MONITOR_HOSTS',
    '',
    monitorHosts,
    'Further names by which the monitor may be called, comma-separated, as behind a proxy.',
  ),
  monitorWindow: setting(
    'HOOKTIDE_MONITOR_WINDOW',
    '24h',
    monitorWindow,
    'How far back the monitor looks.',
  ),
  monitorStore: setting(
    'HOOKTIDE_MONITOR_STORE',
    '',
    filePath,
    "File of the monitor's index, so that a restart goes on; by default it is read anew.",
  ),
  monitorMaxResults: setting(
    'HOOKTIDE_MONITOR_MAX_RESULTS',
    '1000000',
    integer(1_000, 100_000_000),
    'Results that the index keeps at most: the oldest are dropped.',
  ),
  monitorMaxMib: setting(
    'HOOKTIDE_MONITOR_MAX_MIB',
    '4096',
    integer(64, 1_000_000),
    'MiB that the index takes on disk at most.',
  ),
} as const
