/** Parsers for the values of settings. A parser returns the value, or a {@link Fault}. */
import { isIP } from 'node:net'
import { parseCidr } from '../edge/http/destination.ts'
import { parseEncryptionKeys, type EncryptionKey } from '../core/hook/encrypted-text.ts'
import {
  isSourcePath,
  maxSigningKeys,
  sourceKeyFault,
  sourcePathForm,
  splitKeys,
} from '../core/ingest/source.ts'
import { isTenantId, tenantIdForm } from '../core/model/identity.ts'
import { parseDuration } from '../core/model/durations.ts'
import { ownTokenParameters } from '../core/oauth/token-request.ts'
import { hiddenMark } from '../core/text/hidden-text.ts'
import { isPlainWords } from '../core/text/plain-words.ts'

/** What is wrong with a value. The message completes the sentence "<variable> …". */
export class Fault {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

const contentOfFile = 'must be the path of a file, but has the content of one'

export interface Parser<Value> {
  (text: string): Value | Fault
  /** All values that it takes, if they are few. Shells offer them. */
  readonly choices?: readonly string[]
}

export const text: Parser<string> = (value) => value
export const optionalText: Parser<string | undefined> = (value) =>
  value === '' ? undefined : value

/** Encryption keys, newest first. The fault never quotes the value. */
export const encryptionKeys: Parser<readonly EncryptionKey[] | undefined> = (value) => {
  if (value === '') return undefined
  const read = parseEncryptionKeys(value)
  return read.kind === 'keys' ? read.keys : new Fault(read.message)
}

/** The path of a key file. Keys in place of a path are refused: the error about a missing file would quote them. */
export const encryptionKeysFile: Parser<string | undefined> = (value) =>
  value !== '' && parseEncryptionKeys(value).kind === 'keys'
    ? new Fault(contentOfFile)
    : filePath(value)

/** Signing keys of Logto's webhooks, separated by commas. The fault never quotes them. */
export const signingKeys: Parser<readonly string[] | undefined> = (value) => {
  const keys = splitKeys(value)
  if (keys.length === 0) return undefined
  if (keys.length > maxSigningKeys) return new Fault(`must be at most ${maxSigningKeys} keys`)
  const fault = keys.map(sourceKeyFault).find((one) => one !== undefined)
  return fault === undefined ? keys : new Fault(`has a key that ${fault}`)
}

/** The path of a key file. A key in place of a path is refused: the error about a missing file would quote it. */
export const signingKeysFile: Parser<string | undefined> = (value) =>
  /^[\dA-Za-z]{20,}$/.test(value) ? new Fault(contentOfFile) : filePath(value)

/** The path of a JSON file. JSON in place of a path is refused: it may contain keys. */
export const jsonFile: Parser<string | undefined> = (value) =>
  /^[[{]/.test(value) ? new Fault(contentOfFile) : filePath(value)

/** The path of a URL. */
export const sourcePath: Parser<string> = (value) =>
  isSourcePath(value) ? value : new Fault(`must be ${sourcePathForm}, not "${quotable(value)}"`)

export const tenantId: Parser<string> = (value) =>
  isTenantId(value) ? value : new Fault(`must be ${tenantIdForm}`)

const numeric = /^[\d.,:/ [\]-]{1,64}(?:ms|[smhd]|sec(?:onds?)?|min(?:utes?)?|hours?|days?)?$/
const address = /^\[?[\da-f]{0,4}:[\da-f:.]*:[\da-f:.]*\]?(?:[:/]\d{1,5})?$/i

/** The value if it is a word, number, duration or address, else a mark: it may be a secret in the wrong variable. */
function quotable(value: string): string {
  const isHarmless = isPlainWords(value) || numeric.test(value) || address.test(value)
  return isHarmless || value === '' ? value : hiddenMark
}

/** The items of a comma-separated list, which may be empty. */
function list(value: string): readonly string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Brokers as host:port. The port is required: there is no default. */
export const brokerList: Parser<readonly string[]> = (value) => {
  const items = list(value)
  if (items.length === 0) return new Fault('must name at least one')
  if (value.includes('@')) {
    return new Fault(
      'must be host:port pairs without credentials: set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD for a login',
    )
  }
  const odd = items.find((item) => !/^[^\s:]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i.test(item))
  if (odd === undefined) return items
  return new Fault(`must be host:port pairs, and "${quotable(withoutLogin(odd))}" is not one`)
}

const booleanChoices = { choices: ['true', 'false'] } as const

export const boolean: Parser<boolean> = Object.assign((value: string) => {
  if (/^(true|1|yes)$/i.test(value)) return true
  if (/^(false|0|no|)$/i.test(value)) return false
  return new Fault(`must be true or false (or 1 or 0, yes or no), not "${quotable(value)}"`)
}, booleanChoices)

export const optionalBoolean: Parser<boolean | undefined> = Object.assign(
  (value: string) => (value === '' ? undefined : boolean(value)),
  booleanChoices,
)

export const integer =
  (min: number, max: number): Parser<number> =>
  (value) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    return new Fault(`must be a whole number from ${min} to ${max}, not "${quotable(value)}"`)
  }

export const durations: Parser<readonly number[]> = (value) => {
  const parsed: number[] = []
  for (const item of list(value)) {
    const durationMs = parseDuration(item)
    if (durationMs === undefined || durationMs === 0) {
      return new Fault(`must be durations such as 5s,5m,2h, and "${quotable(item)}" is not one`)
    }
    parsed.push(durationMs)
  }
  return parsed
}

/** Durations with their text, which becomes part of the tier's topic name. */
export const tierNames: Parser<readonly { readonly name: string; readonly delayMs: number }[]> = (
  value,
) => {
  const parsed = durations(value)
  if (parsed instanceof Fault) return parsed
  if (parsed.length === 0) return new Fault('must name at least one tier')
  if (new Set(parsed).size < parsed.length) return new Fault('has the same delay twice')
  const names = value.split(',').map((item) => item.trim())
  return names.flatMap((name) => {
    const delayMs = parseDuration(name)
    return delayMs === undefined ? [] : [{ name, delayMs }]
  })
}

export const cidrs: Parser<readonly string[]> = (value) => {
  const items = list(value)
  for (const item of items) {
    const cidr = parseCidr(item)
    if (cidr.kind === 'problem') {
      return new Fault(`has an invalid range: ${cidr.message.replaceAll(item, quotable(item))}`)
    }
  }
  return items
}

/** Addresses and not names: the name of a name server could not be resolved. IPv6 with a port needs brackets. */
export const nameServers: Parser<readonly string[] | undefined> = (value) => {
  const items = list(value)
  const odd = items.find((item) => !isNameServer(item))
  if (odd !== undefined) {
    return new Fault(
      `must be addresses with or without a port, such as 10.0.0.2 or [fd00::2]:5353, and "${quotable(odd)}" is not one`,
    )
  }
  return items.length === 0 ? undefined : items
}

function isNameServer(item: string): boolean {
  const [, six, four, port = '53'] = /^(?:\[(.*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(item) ?? []
  const isAddress = isIP(item) !== 0 || isIP(six ?? '') === 6 || isIP(four ?? '') === 4
  return isAddress && !item.includes('%') && Number(port) > 0 && Number(port) <= 65_535
}

export const oneOf = <const Choice extends string>(...choices: readonly Choice[]): Parser<Choice> =>
  Object.assign(
    (value: string) =>
      choices.find((choice) => choice === value) ??
      new Fault(`must be one of ${choices.join(', ')}, not "${quotable(value)}"`),
    { choices },
  )

/** Upper and lower case count as the same. An empty value means not set. */
export const optionalOneOf = <const Choice extends string>(
  ...choices: readonly Choice[]
): Parser<Choice | undefined> => {
  const parse = oneOf(...choices)
  return Object.assign((value: string) => (value === '' ? undefined : parse(value.toLowerCase())), {
    choices,
  })
}

export const httpUrl: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  const parsed = URL.parse(value)
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
  // Clients treat port 0 as no port, and would call the default port.
  if (isHttp && parsed.port !== '0') return value
  return new Fault(
    `must be an http or https URL such as http://host.example:8080, not "${withoutLogin(value)}"`,
  )
}

/** HTTPS is required, because the client secret is sent there. */
export const tokenEndpoint: Parser<string | undefined> = (value) => {
  const parsed = httpUrl(value)
  if (parsed === undefined || parsed instanceof Fault) return parsed
  const { protocol, hostname, username, password, hash } = new URL(parsed)
  if (username !== '' || password !== '' || hash !== '') {
    return new Fault('must have neither credentials nor a fragment: client and secret are settings')
  }
  if (protocol === 'https:' || loopbackHost.test(hostname)) return parsed
  return new Fault('must be an https URL; http is taken for localhost, 127.0.0.1 and [::1] alone')
}

const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Parameters written as in a query. */
export const tokenParameters: Parser<Readonly<Record<string, string>> | undefined> = (value) => {
  if (value === '') return undefined
  const entries = [...new URLSearchParams(value)]
  const own = entries.find(([name]) => name === '' || ownTokenParameters.has(name))
  if (own !== undefined) {
    return new Fault(
      `must be parameters as in a query, such as audience=kafka, without ${[...ownTokenParameters].join(', ')}`,
    )
  }
  const names = entries.map(([name]) => name)
  if (new Set(names).size < names.length) return new Fault('names the same parameter twice')
  return Object.fromEntries(entries)
}

/** Hides a login, and whatever follows "?" or "#". The text need not be a valid URL. */
function withoutLogin(value: string): string {
  return value.replace(/([?#]).*/s, '$1…').replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@')
}

/** The path of a file. The content of a PEM file in its place is refused: the error about a missing file would quote it. */
export const filePath: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  if (!/-----BEGIN|[\n\r]/.test(value)) return value
  return new Fault(contentOfFile)
}

export const topicName: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  return /^[\w.-]{1,249}$/.test(value)
    ? value
    : new Fault(`must be a topic name: ${nameCharacters}`)
}

const nameCharacters = 'letters, digits, ".", "_" and "-"'

/** A comma-separated list of topic names, which may be empty. */
export const topicNames: Parser<readonly string[]> = (value) => {
  const names = list(value)
  const fault = names.map(topicName).find((name) => name instanceof Fault)
  return fault instanceof Fault ? new Fault(`must be topic names: ${nameCharacters}`) : names
}

/** A prefix of topic or group names. */
export const namePrefix: Parser<string> = (value) =>
  /^[\w.-]{1,200}$/.test(value) ? value : new Fault(`must be ${nameCharacters}`)
