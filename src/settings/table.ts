/**
 * Every setting, in one table: its variable, its flag, its default, how it is read, what it means, and what of it may be
 * shown. `--help` and docs/configuration.md print this table.
 */
import { resultBodies } from '../core/run/kept-answer.ts'
import { hiddenMark } from '../core/text/hidden-text.ts'
import {
  brokerList,
  cidrs,
  durations,
  encryptionKeys,
  encryptionKeysFile,
  filePath,
  flag,
  httpUrl,
  integer,
  namePrefix,
  nameServers,
  oneOf,
  optionalFlag,
  optionalOneOf,
  optionalText,
  text,
  tierNames,
  topicName,
  topicNames,
} from './parsers.ts'
import { ingestTable } from './ingest-table.ts'
import { isSet, secret, secretOf, setting, type Setting } from './setting.ts'

/**
 * A URL, which may have a login, and a key in its query. As a flag it may not.
 *
 * @param instead variables that take the login from the URL
 */
function url(
  variable: string,
  description: string,
  instead: readonly string[] = [],
): Setting<string | undefined> {
  const variables = [variable, ...(instead.length > 0 ? [instead.join(' and ')] : [])].join(', or ')
  return {
    ...setting(variable, '', httpUrl, description),
    show: (value) => (typeof value === 'string' ? urlWithoutLogin(value) : value),
    flagFault: (text) =>
      /[@?#]/.test(text)
        ? `must have no credentials and no query, since arguments show in the list of processes: set ${variables}`
        : undefined,
  }
}

function urlWithoutLogin(text: string): string {
  const parsed = URL.parse(text)
  return parsed === null ? hiddenMark : `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

export const settingTable = {
  brokers: setting(
    'KAFKA_BROKERS',
    'localhost:9092',
    brokerList,
    'Brokers to start from, comma-separated host:port.',
  ),
  ssl: setting(
    'KAFKA_SSL',
    '',
    optionalFlag,
    'TLS to the brokers; default true when one of the files below is named, else false.',
  ),
  sslCa: setting(
    'KAFKA_SSL_CA',
    '',
    filePath,
    "PEM file with the CAs of the brokers' certificates; default the well-known ones.",
  ),
  sslCert: setting(
    'KAFKA_SSL_CERT',
    '',
    filePath,
    'PEM file with the client certificate, if brokers ask for one.',
  ),
  sslKey: setting('KAFKA_SSL_KEY', '', filePath, 'PEM file with its key.'),
  sslKeyPassphrase: secret('KAFKA_SSL_KEY_PASSPHRASE', 'Passphrase of that key.'),
  saslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    '',
    optionalOneOf('plain', 'scram-sha-256', 'scram-sha-512'),
    'Login to the brokers: plain, scram-sha-256 or scram-sha-512. Without it there is none.',
  ),
  saslUsername: setting('KAFKA_SASL_USERNAME', '', optionalText, 'User name of that login.'),
  saslPassword: secret('KAFKA_SASL_PASSWORD', 'Password of that login.'),
  compression: setting(
    'HOOKTIDE_COMPRESSION',
    'none',
    oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
    'Compression of records that are written: none, gzip, snappy, lz4 or zstd. All are read.',
  ),
  registryUrl: url(
    'SCHEMA_REGISTRY_URL',
    'Schema registry (Confluent API). Without it results are plain JSON and framed values are rejected.',
    ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
  ),
  registryUsername: {
    ...setting('SCHEMA_REGISTRY_USERNAME', '', optionalText, 'User name for the registry.'),
    // Some registries take the id of an API key, or a token.
    show: isSet,
  },
  registryPassword: secret('SCHEMA_REGISTRY_PASSWORD', 'Password for the registry.'),
  groupId: setting(
    'HOOKTIDE_GROUP_ID',
    'hooktide',
    namePrefix,
    'Consumer group; `<group>.retry` belongs to it too.',
  ),
  instance: setting(
    'HOOKTIDE_INSTANCE',
    '',
    optionalText,
    'Name of this process in results and logs; default host name and process id.',
  ),
  topicPrefix: setting('HOOKTIDE_TOPIC_PREFIX', 'auth', namePrefix, 'Prefix of all topic names.'),
  eventTopics: setting(
    'HOOKTIDE_EVENT_TOPICS',
    '',
    topicNames,
    'Topics with auth events; default `<prefix>.events`.',
  ),
  topicHooks: setting(
    'HOOKTIDE_TOPIC_HOOKS',
    '',
    topicName,
    'Topic with hooks; default `<prefix>.hooks`.',
  ),
  topicResults: setting(
    'HOOKTIDE_TOPIC_RESULTS',
    '',
    topicName,
    'Topic for results; default `<prefix>.webhook.results`.',
  ),
  topicRequests: setting(
    'HOOKTIDE_TOPIC_REQUESTS',
    '',
    topicName,
    'Topic with delivery requests; default `<prefix>.webhook.requests`.',
  ),
  topicDeadLetters: setting(
    'HOOKTIDE_TOPIC_DEAD_LETTERS',
    '',
    topicName,
    'Topic for dead letters; default `<prefix>.webhook.dead-letters`.',
  ),
  topicRejected: setting(
    'HOOKTIDE_TOPIC_REJECTED',
    '',
    topicName,
    'Topic for records that are not valid; default `<prefix>.events.rejected`.',
  ),
  topicEndpoints: setting(
    'HOOKTIDE_TOPIC_ENDPOINTS',
    '',
    topicName,
    'Topic for endpoint health; default `<prefix>.webhook.endpoints`.',
  ),
  topicRetryPrefix: setting(
    'HOOKTIDE_TOPIC_RETRY_PREFIX',
    '',
    topicName,
    'Prefix of retry tiers; default `<prefix>.webhook.retry.`.',
  ),
  retrySchedule: setting(
    'HOOKTIDE_RETRY_SCHEDULE',
    '5s,5m,30m,2h,5h,10h,14h,20h,24h',
    durations,
    'Wait before each retry; jitter of up to 20 % is added.',
  ),
  retryTiers: setting(
    'HOOKTIDE_RETRY_TIERS',
    '1s,5s,30s,5m,30m,2h',
    tierNames,
    'Delays of the retry topics. Any wait is made of hops over them.',
  ),
  maxAgeMs: setting(
    'HOOKTIDE_MAX_AGE_MS',
    String(5 * dayMs),
    integer(1_000, 365 * dayMs),
    'A run older than this expires.',
  ),
  timeoutMs: setting(
    'HOOKTIDE_TIMEOUT_MS',
    '10000',
    integer(100, 60_000),
    'Deadline of a call over connect, headers and body.',
  ),
  allowHttp: setting('HOOKTIDE_ALLOW_HTTP', 'false', flag, 'Allow hooks with plain http URLs.'),
  allowCidrs: setting(
    'HOOKTIDE_ALLOW_CIDRS',
    '',
    cidrs,
    'Private ranges that hooks may call, such as 10.1.0.0/16.',
  ),
  egressProxy: url('HOOKTIDE_EGRESS_PROXY', 'Proxy for all webhook calls; it resolves names then.'),
  nameServers: setting(
    'HOOKTIDE_NAME_SERVERS',
    '',
    nameServers,
    "Name servers for endpoints, such as 10.0.0.2,[fd00::2]:5353; default the system's.",
  ),
  encryptionKeys: secretOf(
    'HOOKTIDE_ENCRYPTION_KEYS',
    encryptionKeys,
    'Keys that secrets of hooks are encrypted with: 32 bytes each as base64 or hex, the newest first, comma-separated.',
  ),
  encryptionKeysFile: setting(
    'HOOKTIDE_ENCRYPTION_KEYS_FILE',
    '',
    encryptionKeysFile,
    'File with these keys instead, one a line.',
  ),
  resultBodies: setting(
    'HOOKTIDE_RESULT_BODIES',
    'failures',
    oneOf(...resultBodies),
    'Answers whose bodies results keep, without secrets: failures, always or never.',
  ),
  concurrency: setting(
    'HOOKTIDE_CONCURRENCY',
    '16',
    integer(1, 256),
    'Calls at once of a hook that sets no `delivery.concurrency`.',
  ),
  maxInFlight: setting(
    'HOOKTIDE_MAX_IN_FLIGHT',
    '4096',
    integer(1, 65_536),
    'Calls at once over all hooks.',
  ),
  disableAfterMs: setting(
    'HOOKTIDE_DISABLE_AFTER_MS',
    String(5 * dayMs),
    integer(1_000, 365 * dayMs),
    'An endpoint that has failed for so long without a success is disabled.',
  ),
  maxDeferredPerHook: setting(
    'HOOKTIDE_MAX_DEFERRED_PER_HOOK',
    '1000000',
    integer(0, 1_000_000_000),
    'Deliveries of one hook that this process lets wait by deferral.',
  ),
  maxDeferredPerTenant: setting(
    'HOOKTIDE_MAX_DEFERRED_PER_TENANT',
    '10000000',
    integer(0, 1_000_000_000),
    'The same of one tenant.',
  ),
  sessionTimeoutMs: setting(
    'HOOKTIDE_SESSION_TIMEOUT_MS',
    '10000',
    integer(6_000, 300_000),
    'Group session time-out; no call starts on older proof of membership.',
  ),
  commitIntervalMs: setting(
    'HOOKTIDE_COMMIT_INTERVAL_MS',
    '10',
    integer(1, 60_000),
    'Least time between commits.',
  ),
  shutdownMs: setting(
    'HOOKTIDE_SHUTDOWN_MS',
    '20000',
    integer(0, 600_000),
    'How long calls may finish after SIGTERM.',
  ),
  httpPort: setting(
    'HOOKTIDE_HTTP_PORT',
    '9400',
    integer(0, 65_535),
    'Port of /healthz, /readyz and /metrics; 0 picks a free one.',
  ),
  httpHost: setting('HOOKTIDE_HTTP_HOST', '0.0.0.0', text, 'Address that port listens on.'),
  ...ingestTable,
  logLevel: setting(
    'HOOKTIDE_LOG_LEVEL',
    'info',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    'Least level that is logged: trace, debug, info, warn, error or silent.',
  ),
  logFormat: setting(
    'HOOKTIDE_LOG_FORMAT',
    'auto',
    oneOf('auto', 'json', 'pretty'),
    'Lines of the log: `json`, `pretty` for people, or `auto`, which is pretty at a terminal alone.',
  ),
  logAttemptsPerSecond: setting(
    'HOOKTIDE_LOG_ATTEMPTS_PER_SECOND',
    '20',
    integer(0, 1_000_000),
    'Attempts logged one by one up to this rate; above it they are only counted.',
  ),
} as const

export type SettingName = keyof typeof settingTable

export const settingNames = Object.keys(settingTable) as readonly SettingName[]

/** Settings that may be given as flags. */
export const flagNames: readonly SettingName[] = settingNames.filter(
  (name) => !settingTable[name].isSecret,
)

/** Secrets: they may not. */
export const secretNames: readonly SettingName[] = settingNames.filter(
  (name) => settingTable[name].isSecret,
)

/** The flag of a setting: `groupId` is `group-id`. */
export function flagOf(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

export interface SettingRow {
  readonly variable: string
  /** `undefined` for a secret. */
  readonly flag: string | undefined
  readonly default: string
  readonly description: string
}

/** The table as `--help` and docs/configuration.md show it. */
export function settingRows(): readonly SettingRow[] {
  return settingNames.map((name) => {
    const { variable, default: fallback, description, isSecret } = settingTable[name]
    return {
      variable,
      flag: isSecret ? undefined : `--${flagOf(name)}`,
      default: fallback,
      description,
    }
  })
}
