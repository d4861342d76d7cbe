/**
 * The files that configure how a machine resolves names: resolv.conf(5) and hosts(5). Each is parsed in one pass over its
 * lines, so that the time grows with its length only.
 */
import type { NameAddress } from './answer.ts'

/** Which full names are tried, and how long and how often name servers are asked. */
export interface SearchRules {
  /** Domains without the dot at the end. The empty one is the root. */
  readonly search: readonly string[]
  /** A name with fewer dots is first tried within the search domains. */
  readonly ndots: number
  /** How long a name server may take before the next one is asked. */
  readonly timeoutMs: number
  /** How often each name server is asked. */
  readonly attempts: number
}

/** Shorter than the five seconds of glibc, since a call waits. */
const defaultTimeoutMs = 1_000
const defaultAttempts = 3
/** Short enough to ask three name servers, as many as resolv.conf may have, within the default time-out of a call. */
const maxTimeoutMs = 2_500
/** RFC 1035 section 2.3.4, as text without the dot at the end. */
const maxNameLength = 253
const maxLabelLength = 63
const maxSearchDomains = 32

/**
 * Parses resolv.conf as glibc does: the last line of `search` and `domain` counts. Without one, the domain of the host name
 * is searched. The options are bounded as in the manual, except `timeout`.
 */
export function parseResolvConf(text: string, hostname: string): SearchRules {
  let search: readonly string[] | undefined
  const options: Options = { ndots: 1, timeout: undefined, attempts: undefined }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.split(/[ \t\r]+/)
    if (keyword === 'search') search = values
    else if (keyword === 'domain') search = values.slice(0, 1)
    else if (keyword === 'options') for (const value of values) readOption(value, options)
  }
  search ??= hostname.includes('.') ? [hostname.slice(hostname.indexOf('.') + 1)] : []
  const { ndots, timeout, attempts } = options
  return {
    search: search
      .filter((domain) => domain !== '')
      .slice(0, maxSearchDomains)
      .map((domain) => domain.toLowerCase().replace(/\.$/, '')),
    ndots: Math.min(ndots, 15),
    timeoutMs:
      timeout === undefined
        ? defaultTimeoutMs
        : Math.min(Math.max(timeout, 1) * 1_000, maxTimeoutMs),
    attempts: attempts === undefined ? defaultAttempts : Math.min(Math.max(attempts, 1), 5),
  }
}

interface Options {
  ndots: number
  timeout: number | undefined
  attempts: number | undefined
}

function readOption(value: string, options: Options): void {
  const [, name, digits] = /^(ndots|timeout|attempts):(\d{1,9})$/.exec(value) ?? []
  if (name === 'ndots' || name === 'timeout' || name === 'attempts') options[name] = Number(digits)
}

/** Whether name servers can be asked for such a name. */
export function isLookupName(name: string): boolean {
  const relative = name.endsWith('.') ? name.slice(0, -1) : name
  if (relative === '' || relative.length > maxNameLength) return false
  return relative.split('.').every((label) => label !== '' && label.length <= maxLabelLength)
}

/**
 * The full names to ask for, in this order, until one has an address. The system's resolver does the same. A name that ends
 * in a dot is already a full name.
 */
export function candidatesOf(name: string, { search, ndots }: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const dots = name.split('.').length - 1
  const within = search.map((domain) => (domain === '' ? name : `${name}.${domain}`))
  const all = dots >= ndots ? [name, ...within] : [...within, name]
  return [...new Set(all)].filter(isLookupName)
}

/** RFC 6761 section 6.4: such names never exist. */
export function isInvalid(name: string): boolean {
  return /(^|\.)invalid\.?$/.test(name)
}

/** RFC 6761 section 6.3: these names always mean this machine. Name servers are not asked. */
function isLocalhost(name: string): boolean {
  return /(^|\.)localhost\.?$/.test(name)
}

const loopback: readonly NameAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

export type Hosts = ReadonlyMap<string, readonly NameAddress[]>

const maxAddressesOfHost = 8

/** @param familyOf returns 4 or 6 for the text of an address, 0 for any other text */
export function parseHosts(text: string, familyOf: (text: string) => number): Hosts {
  const hosts = new Map<string, NameAddress[]>()
  for (const line of text.split('\n')) {
    const comment = line.indexOf('#')
    const [address = '', ...names] = (comment === -1 ? line : line.slice(0, comment))
      .trim()
      .split(/\s+/)
    const family = familyOf(address)
    if (family !== 4 && family !== 6) continue
    for (const name of names) addHost(hosts, name, { address, family })
  }
  return hosts
}

function addHost(hosts: Map<string, NameAddress[]>, written: string, address: NameAddress): void {
  const name = written.toLowerCase().replace(/\.$/, '')
  const known = hosts.get(name)
  if (known === undefined) hosts.set(name, [address])
  else if (
    known.length < maxAddressesOfHost &&
    !known.some((one) => one.address === address.address)
  )
    known.push(address)
}

/** The addresses that the hosts file has for a name, or loopback; `undefined` when name servers have to be asked. */
export function localAddressesOf(name: string, hosts: Hosts): readonly NameAddress[] | undefined {
  return hosts.get(name.replace(/\.$/, '')) ?? (isLocalhost(name) ? loopback : undefined)
}
