/** How the text of each kind of setting is read. A parser returns the value, or a fault that says what is wrong with it. */
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
import { hiddenMark } from '../core/text/hidden-text.ts'
import { isPlainWords } from '../core/text/plain-words.ts'

/** What is wrong with a setting's text: completes the sentence "<variable> …". */
export class Fault {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export type Parser<Value> = (text: string) => Value | Fault

export const text: Parser<string> = (value) => value
export const optionalText: Parser<string | undefined> = (value) =>
  value === '' ? undefined : value

/** Newest first. The fault has nothing of the text. */
export const encryptionKeys: Parser<readonly EncryptionKey[] | undefined> = (value) => {
  if (value === '') return undefined
  const read = parseEncryptionKeys(value)
  return read.kind === 'keys' ? read.keys : new Fault(read.message)
}

/** The path of a file with such keys. One that has the keys themselves would be quoted where it is not found. */
export const encryptionKeysFile: Parser<string | undefined> = (value) =>
  value !== '' && parseEncryptionKeys(value).kind === 'keys'
    ? new Fault('must be the path of a file, and has the text of one')
    : filePath(value)

/** Signing keys of Logto's webhooks, apart by commas. The fault has nothing of them. */
export const signingKeys: Parser<readonly string[] | undefined> = (value) => {
  const keys = splitKeys(value)
  if (keys.length === 0) return undefined
  if (keys.length > maxSigningKeys) return new Fault(`must be at most ${maxSigningKeys} keys`)
  const fault = keys.map(sourceKeyFault).find((one) => one !== undefined)
  return fault === undefined ? keys : new Fault(`has a key that ${fault}`)
}

/** The path of a file with such keys. One that has a key itself would be quoted in the log. */
export const signingKeysFile: Parser<string | undefined> = (value) =>
  /^[\dA-Za-z]{20,}$/.test(value)
    ? new Fault('must be the path of a file, and has the text of one')
    : filePath(value)

/** The path of a file of JSON. */
export const jsonFile: Parser<string | undefined> = (value) =>
  /^[[{]/.test(value)
    ? new Fault('must be the path of a file, and has the text of one')
    : filePath(value)

/** A path of HTTP. */
export const sourcePath: Parser<string> = (value) =>
  isSourcePath(value) ? value : new Fault(`must be ${sourcePathForm}, not "${shown(value)}"`)

export const tenantId: Parser<string> = (value) =>
  isTenantId(value) ? value : new Fault(`must be ${tenantIdForm}`)

const numeric = /^[\d.,:/ [\]-]{1,64}(?:ms|[smhd]|sec(?:onds?)?|min(?:utes?)?|hours?|days?)?$/
const address = /^\[?[\da-f]{0,4}:[\da-f:.]*:[\da-f:.]*\]?(?:[:/]\d{1,5})?$/i

/** Words, numbers, durations and addresses as they are. A secret that was given to the wrong variable is none of these. */
function shown(value: string): string {
  const isHarmless = isPlainWords(value) || numeric.test(value) || address.test(value)
  return isHarmless || value === '' ? value : hiddenMark
}

/** Items between commas; none is a list too. */
function list(value: string): readonly string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Brokers to start from: each needs its port, since none is assumed. */
export const brokerList: Parser<readonly string[]> = (value) => {
  const items = list(value)
  if (items.length === 0) return new Fault('must name at least one')
  if (value.includes('@')) {
    return new Fault(
      'must be host:port pairs without credentials: the login is KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    )
  }
  const odd = items.find((item) => !/^[^\s:]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i.test(item))
  if (odd === undefined) return items
  return new Fault(`must be host:port pairs, and "${shown(withoutLogin(odd))}" is none`)
}

export const flag: Parser<boolean> = (value) => {
  if (/^(true|1|yes)$/i.test(value)) return true
  if (/^(false|0|no|)$/i.test(value)) return false
  return new Fault(
    `must be true or false (1 and 0, yes and no are taken too), not "${shown(value)}"`,
  )
}

/** On, off, or left open. */
export const optionalFlag: Parser<boolean | undefined> = (value) =>
  value === '' ? undefined : flag(value)

export const integer =
  (min: number, max: number): Parser<number> =>
  (value) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    return new Fault(`must be a whole number from ${min} to ${max}, not "${shown(value)}"`)
  }

export const durations: Parser<readonly number[]> = (value) => {
  const parsed: number[] = []
  for (const item of list(value)) {
    const durationMs = parseDuration(item)
    if (durationMs === undefined || durationMs === 0) {
      return new Fault(`must be durations such as 5s,5m,2h, and "${shown(item)}" is none`)
    }
    parsed.push(durationMs)
  }
  return parsed
}

/** Tiers keep their own text, since it becomes part of the topic's name. */
export const tierNames: Parser<readonly { readonly name: string; readonly delayMs: number }[]> = (
  value,
) => {
  const parsed = durations(value)
  if (parsed instanceof Fault) return parsed
  if (parsed.length === 0) return new Fault('must name at least one tier')
  if (new Set(parsed).size < parsed.length) return new Fault('names the same delay twice')
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
      return new Fault(`has a range that is none: ${cidr.message.replaceAll(item, shown(item))}`)
    }
  }
  return items
}

/** Addresses, since who should resolve the name of a name server? IPv6 with a port is in brackets. */
export const nameServers: Parser<readonly string[] | undefined> = (value) => {
  const items = list(value)
  const odd = items.find((item) => !isNameServer(item))
  if (odd !== undefined) {
    return new Fault(
      `must be addresses with or without a port, such as 10.0.0.2 or [fd00::2]:5353, and "${shown(odd)}" is none`,
    )
  }
  return items.length === 0 ? undefined : items
}

function isNameServer(item: string): boolean {
  const [, six, four, port = '53'] = /^(?:\[(.*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(item) ?? []
  const isAddress = isIP(item) !== 0 || isIP(six ?? '') === 6 || isIP(four ?? '') === 4
  return isAddress && !item.includes('%') && Number(port) > 0 && Number(port) <= 65_535
}

export const oneOf =
  <const Choice extends string>(...choices: readonly Choice[]): Parser<Choice> =>
  (value) =>
    choices.find((choice) => choice === value) ??
    new Fault(`must be one of ${choices.join(', ')}, not "${shown(value)}"`)

/** Whichever way its letters are written; not given is a choice too. */
export const optionalOneOf = <const Choice extends string>(
  ...choices: readonly Choice[]
): Parser<Choice | undefined> => {
  const parse = oneOf(...choices)
  return (value) => (value === '' ? undefined : parse(value.toLowerCase()))
}

export const httpUrl: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  const parsed = URL.parse(value)
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
  // Clients take port 0 for no port at all, and would call the default one.
  if (isHttp && parsed.port !== '0') return value
  return new Fault(
    `must be an http or https URL such as http://host.example:8080, not "${withoutLogin(value)}"`,
  )
}

/** Text that is no URL may have a user name and a password all the same, and a key behind its "?" or "#". */
function withoutLogin(value: string): string {
  return value.replace(/([?#]).*/s, '$1…').replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@')
}

/** A file's path. What it holds is given in its place now and then, and would be quoted where it is not found. */
export const filePath: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  if (!/-----BEGIN|[\n\r]/.test(value)) return value
  return new Fault('must be the path of a file, and has the text of one')
}

export const topicName: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  return /^[\w.-]{1,249}$/.test(value)
    ? value
    : new Fault(`must be a topic name: ${nameCharacters}`)
}

const nameCharacters = 'letters, digits, ".", "_" and "-"'

/** Several, apart by commas; none is a list too. */
export const topicNames: Parser<readonly string[]> = (value) => {
  const names = list(value)
  const fault = names.map(topicName).find((name) => name instanceof Fault)
  return fault instanceof Fault ? new Fault(`must be topic names: ${nameCharacters}`) : names
}

/** What names of topics or groups begin with. */
export const namePrefix: Parser<string> = (value) =>
  /^[\w.-]{1,200}$/.test(value) ? value : new Fault(`must be ${nameCharacters}`)
