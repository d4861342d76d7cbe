/**
 * Every setting, in one table: its variable, its flag, its default, how it is read and what it means. `--help` and
 * README print this table; nothing else reads the environment.
 */
import { hostname } from 'node:os'
import {
  brokerList,
  cidrs,
  durations,
  Fault,
  flag,
  httpUrl,
  integer,
  list,
  oneOf,
  optionalFlag,
  optionalOneOf,
  optionalText,
  type Parser,
  text,
  tierNames,
  topicName,
  topicPrefix,
} from './config-values.ts'
import { UserError } from './core/errors.ts'
import { securityFaults } from './kafka-settings.ts'
import type { Tier, Topics } from './core/model.ts'
import { sortedTiers } from './core/schedule.ts'

interface Option<Value> {
  readonly variable: string
  /** Text that is read when neither flag nor variable is given; empty for "not set". */
  readonly default: string
  readonly parse: Parser<Value>
  readonly description: string
  readonly isSecret?: boolean
}

function option<Value>(
  variable: string,
  fallback: string,
  parse: Parser<Value>,
  description: string,
): Option<Value> {
  return { variable, default: fallback, parse, description }
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

const options = {
  brokers: option(
    'KAFKA_BROKERS',
    'localhost:9092',
    brokerList,
    'Brokers to start from, comma-separated host:port.',
  ),
  ssl: option(
    'KAFKA_SSL',
    '',
    optionalFlag,
    'TLS to the brokers; default true when one of the files below is named, else false.',
  ),
  sslCa: option(
    'KAFKA_SSL_CA',
    '',
    optionalText,
    "PEM file with the CAs of the brokers' certificates; default the well-known ones.",
  ),
  sslCert: option(
    'KAFKA_SSL_CERT',
    '',
    optionalText,
    'PEM file with the client certificate, if brokers ask for one.',
  ),
  sslKey: option('KAFKA_SSL_KEY', '', optionalText, 'PEM file with its key.'),
  sslKeyPassphrase: {
    ...option('KAFKA_SSL_KEY_PASSPHRASE', '', optionalText, 'Passphrase of that key.'),
    isSecret: true,
  },
  saslMechanism: option(
    'KAFKA_SASL_MECHANISM',
    '',
    optionalOneOf('plain', 'scram-sha-256', 'scram-sha-512'),
    'Login to the brokers: plain, scram-sha-256 or scram-sha-512. Without it there is none.',
  ),
  saslUsername: option('KAFKA_SASL_USERNAME', '', optionalText, 'User name of that login.'),
  saslPassword: {
    ...option('KAFKA_SASL_PASSWORD', '', optionalText, 'Password of that login.'),
    isSecret: true,
  },
  compression: option(
    'HOOKTIDE_COMPRESSION',
    'none',
    oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
    'Compression of records that are written: none, gzip, snappy, lz4 or zstd. All are read.',
  ),
  registryUrl: option(
    'SCHEMA_REGISTRY_URL',
    '',
    httpUrl,
    'Schema registry (Confluent API). Without it results are plain JSON and framed values are rejected.',
  ),
  registryUsername: option(
    'SCHEMA_REGISTRY_USERNAME',
    '',
    optionalText,
    'User name for the registry.',
  ),
  registryPassword: {
    ...option('SCHEMA_REGISTRY_PASSWORD', '', optionalText, 'Password for the registry.'),
    isSecret: true,
  },
  groupId: option(
    'HOOKTIDE_GROUP_ID',
    'hooktide',
    topicPrefix,
    'Consumer group; `<group>.retry` and `<group>.table.*` belong to it too.',
  ),
  instance: option(
    'HOOKTIDE_INSTANCE',
    '',
    optionalText,
    'Name of this process in results and logs; default host name and process id.',
  ),
  topicPrefix: option('HOOKTIDE_TOPIC_PREFIX', 'auth', topicPrefix, 'Prefix of all topic names.'),
  eventTopics: option(
    'HOOKTIDE_EVENT_TOPICS',
    '',
    list,
    'Topics with auth events; default `<prefix>.events`.',
  ),
  topicHooks: option(
    'HOOKTIDE_TOPIC_HOOKS',
    '',
    topicName,
    'Topic with hooks; default `<prefix>.hooks`.',
  ),
  topicResults: option(
    'HOOKTIDE_TOPIC_RESULTS',
    '',
    topicName,
    'Topic for results; default `<prefix>.webhook.results`.',
  ),
  topicRequests: option(
    'HOOKTIDE_TOPIC_REQUESTS',
    '',
    topicName,
    'Topic with delivery requests; default `<prefix>.webhook.requests`.',
  ),
  topicDeadLetters: option(
    'HOOKTIDE_TOPIC_DEAD_LETTERS',
    '',
    topicName,
    'Topic for dead letters; default `<prefix>.webhook.dead-letters`.',
  ),
  topicRejected: option(
    'HOOKTIDE_TOPIC_REJECTED',
    '',
    topicName,
    'Topic for records that are not valid; default `<prefix>.events.rejected`.',
  ),
  topicEndpoints: option(
    'HOOKTIDE_TOPIC_ENDPOINTS',
    '',
    topicName,
    'Topic with endpoint health; default `<prefix>.webhook.endpoints`.',
  ),
  topicRetryPrefix: option(
    'HOOKTIDE_TOPIC_RETRY_PREFIX',
    '',
    topicName,
    'Prefix of retry tiers; default `<prefix>.webhook.retry.`.',
  ),
  retrySchedule: option(
    'HOOKTIDE_RETRY_SCHEDULE',
    '5s,5m,30m,2h,5h,10h,14h,20h,24h',
    durations,
    'Wait before each retry; jitter of up to 20 % is added.',
  ),
  retryTiers: option(
    'HOOKTIDE_RETRY_TIERS',
    '5s,30s,5m,30m,2h',
    tierNames,
    'Delays of the retry topics. Any wait is made of hops over them.',
  ),
  maxAgeMs: option(
    'HOOKTIDE_MAX_AGE_MS',
    String(5 * dayMs),
    integer(1_000, 365 * dayMs),
    'A run older than this expires.',
  ),
  timeoutMs: option(
    'HOOKTIDE_TIMEOUT_MS',
    '10000',
    integer(100, 60_000),
    'Deadline of a call over connect, headers and body.',
  ),
  allowHttp: option('HOOKTIDE_ALLOW_HTTP', 'false', flag, 'Allow hooks with plain http URLs.'),
  allowCidrs: option(
    'HOOKTIDE_ALLOW_CIDRS',
    '',
    cidrs,
    'Private ranges that hooks may call, such as 10.1.0.0/16.',
  ),
  egressProxy: option(
    'HOOKTIDE_EGRESS_PROXY',
    '',
    httpUrl,
    'Proxy for all webhook calls; it resolves names then.',
  ),
  concurrency: option(
    'HOOKTIDE_CONCURRENCY',
    '16',
    integer(1, 256),
    'Calls at once of a hook that sets no `delivery.concurrency`.',
  ),
  maxInFlight: option(
    'HOOKTIDE_MAX_IN_FLIGHT',
    '4096',
    integer(1, 65_536),
    'Calls at once over all hooks.',
  ),
  maxSlow: option(
    'HOOKTIDE_MAX_SLOW',
    '2048',
    integer(1, 65_536),
    'Calls at once that wait longer than a second.',
  ),
  sessionTimeoutMs: option(
    'HOOKTIDE_SESSION_TIMEOUT_MS',
    '10000',
    integer(6_000, 300_000),
    'Group session time-out; no call starts on older proof of membership.',
  ),
  commitIntervalMs: option(
    'HOOKTIDE_COMMIT_INTERVAL_MS',
    '10',
    integer(1, 60_000),
    'Least time between commits.',
  ),
  shutdownMs: option(
    'HOOKTIDE_SHUTDOWN_MS',
    '20000',
    integer(0, 600_000),
    'How long calls may finish after SIGTERM.',
  ),
  httpPort: option(
    'HOOKTIDE_HTTP_PORT',
    '9400',
    integer(0, 65_535),
    'Port of /healthz, /readyz and /metrics; 0 picks a free one.',
  ),
  httpHost: option('HOOKTIDE_HTTP_HOST', '0.0.0.0', text, 'Address that port listens on.'),
  logLevel: option(
    'HOOKTIDE_LOG_LEVEL',
    'info',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    'Least level that is logged.',
  ),
  logAttemptsPerSecond: option(
    'HOOKTIDE_LOG_ATTEMPTS_PER_SECOND',
    '20',
    integer(0, 1_000_000),
    'Attempts logged one by one up to this rate; above it they are only counted.',
  ),
} as const

type Options = typeof options
export type OptionName = keyof Options
type Parsed<Name extends OptionName> = Exclude<ReturnType<Options[Name]['parse']>, Fault>

type Read = { readonly [Name in OptionName]: Parsed<Name> }

/** All settings, read and checked. Frozen. */
export type Settings = Omit<Read, 'instance'> & {
  readonly instance: string
  readonly topics: Topics
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
}

const optionNames = Object.keys(options) as readonly OptionName[]

/** Options that may be given as flags. Secrets may not: arguments show in the list of processes. */
export const flagNames: readonly OptionName[] = optionNames.filter((name) => !isSecret(name))

/** The flag of an option: `groupId` is `group-id`. */
export function flagOf(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

type Variables = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Partial<Record<OptionName, string>>>

/**
 * Reads all settings: flags over variables over defaults.
 *
 * @param isUsed whether a variable is used: one that is not may have any text, and its default is read then
 * @throws UserError that names every fault at once
 */
export function readSettings(
  environment: Variables,
  flags: Flags = {},
  isUsed: (variable: string) => boolean = () => true,
): Settings {
  const faults: string[] = []
  const values: Partial<Record<OptionName, unknown>> = {}
  for (const name of optionNames) {
    const parsed = readOption(name, environment, flags)
    const { variable, default: fallback, parse } = options[name]
    if (!(parsed instanceof Fault)) values[name] = parsed
    else if (flags[name] !== undefined) faults.push(`--${flagOf(name)} ${parsed.message}`)
    else if (isUsed(variable)) faults.push(`${variable} ${parsed.message}`)
    else values[name] = parse(fallback)
  }
  // Every name of the table has been read with that name's own parser, or there is a fault.
  const read = values as Read
  const isSecurityRead = 'ssl' in values && 'saslMechanism' in values
  if (isSecurityRead && isUsed(options.brokers.variable)) faults.push(...securityFaults(read))
  if (faults.length > 0)
    throw new UserError(`Settings are not usable:\n  ${faults.join('\n  ')}`, 2)
  return completed(read)
}

function readOption(name: OptionName, environment: Variables, flags: Flags): unknown {
  const { variable, default: fallback, parse } = options[name]
  return parse((flags[name] ?? environment[variable] ?? fallback).trim())
}

/** With what follows from several settings together. */
function completed(read: Read): Settings {
  const topics = topicsOf(read)
  const tiers = sortedTiers(
    read.retryTiers.map(({ name, delayMs }) => ({
      topic: `${topics.retryPrefix}${name}`,
      delayMs,
    })),
  )
  return Object.freeze({
    ...read,
    instance: read.instance ?? `${hostname()}-${process.pid}`,
    topics,
    tiers,
  })
}

function topicsOf(read: Read): Topics {
  const prefix = read.topicPrefix
  return {
    events: read.eventTopics.length > 0 ? read.eventTopics : [`${prefix}.events`],
    hooks: read.topicHooks ?? `${prefix}.hooks`,
    results: read.topicResults ?? `${prefix}.webhook.results`,
    requests: read.topicRequests ?? `${prefix}.webhook.requests`,
    deadLetters: read.topicDeadLetters ?? `${prefix}.webhook.dead-letters`,
    rejected: read.topicRejected ?? `${prefix}.events.rejected`,
    endpoints: read.topicEndpoints ?? `${prefix}.webhook.endpoints`,
    retryPrefix: read.topicRetryPrefix ?? `${prefix}.webhook.retry.`,
  }
}

export interface OptionRow {
  readonly variable: string
  /** `undefined` for a secret. */
  readonly flag: string | undefined
  readonly default: string
  readonly description: string
}

/** The table as `--help` and README show it. */
export function optionRows(): readonly OptionRow[] {
  return optionNames.map((name) => {
    const { variable, default: fallback, description } = options[name]
    const flag = isSecret(name) ? undefined : `--${flagOf(name)}`
    return { variable, flag, default: fallback, description }
  })
}

/** What may be logged at start: secrets only as set or not, URLs without credentials. */
export function shownSettings(settings: Settings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    optionNames.map((name) => [
      name,
      isSecret(name) ? settings[name] !== undefined : withoutCredentials(settings[name]),
    ]),
  )
}

function isSecret(name: OptionName): boolean {
  const entry: Option<unknown> = options[name]
  return entry.isSecret === true
}

function withoutCredentials(value: unknown): unknown {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || (url.username === '' && url.password === '')) return value
  url.username = ''
  url.password = ''
  return url.href
}
