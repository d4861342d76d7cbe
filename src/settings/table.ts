/**
 * The table of all settings: variable, default, parser, description, and what the log may show. `--help` and
 * docs/configuration.md are made from this table. To add a setting, add a row.
 */
import { resultBodies } from '../core/run/kept-answer.ts'
import { hiddenMark } from '../core/text/hidden-text.ts'
import {
  boolean,
  brokerList,
  cidrs,
  durations,
  encryptionKeys,
  encryptionKeysFile,
  filePath,
  httpUrl,
  integer,
  namePrefix,
  nameServers,
  oneOf,
  optionalBoolean,
  optionalOneOf,
  optionalText,
  text,
  tierNames,
  topicName,
  topicNames,
} from './parsers.ts'
import { ingestTable } from './ingest-table.ts'
import { monitorTable } from './monitor-table.ts'
import { isSet, secret, secretOf, setting, type Setting } from './setting.ts'
import { tokenLoginTable } from './token-login-table.ts'

/**
 * A URL, which may hold a login, or a key in its query. Such a URL is refused as a flag.
 *
 * @param instead variables for the login of the URL
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
        ? `must have no credentials and no query, since arguments are visible in the process list: set ${variables}`
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
    'Bootstrap brokers as host:port, separated by commas.',
  ),
  ssl: setting(
    'KAFKA_SSL',
    '',
    optionalBoolean,
    'Whether to use TLS to the brokers. The default is true if one of the three files below is set, else false.',
  ),
  sslCa: setting(
    'KAFKA_SSL_CA',
    '',
    filePath,
    "PEM file with the CAs of the brokers' certificates. The default is the CAs that Node trusts.",
  ),
  sslCert: setting(
    'KAFKA_SSL_CERT',
    '',
    filePath,
    'PEM file with the client certificate, if the brokers require one.',
  ),
  sslKey: setting(
    'KAFKA_SSL_KEY',
    '',
    filePath,
    'PEM file with the key of the client certificate.',
  ),
  sslKeyPassphrase: secret('KAFKA_SSL_KEY_PASSPHRASE', 'Passphrase of KAFKA_SSL_KEY.'),
  saslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    '',
    optionalOneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'),
    'Login to the brokers: plain, scram-sha-256, scram-sha-512 or oauthbearer. Not set means no login.',
  ),
  saslUsername: setting(
    'KAFKA_SASL_USERNAME',
    '',
    optionalText,
    'User name for the login to the brokers.',
  ),
  saslPassword: secret('KAFKA_SASL_PASSWORD', 'Password for the login to the brokers.'),
  ...tokenLoginTable,
  compression: setting(
    'HOOKTIDE_COMPRESSION',
    'none',
    oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
    'Compression of written records: none, gzip, snappy, lz4 or zstd. All of these can be read.',
  ),
  registryUrl: url(
    'SCHEMA_REGISTRY_URL',
    'Schema registry (Confluent API). Without it, results are plain JSON and framed events are rejected.',
    ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
  ),
  registryUsername: {
    ...setting('SCHEMA_REGISTRY_USERNAME', '', optionalText, 'User name for the registry.'),
    // For some registries this is the id of an API key, or a token.
    show: isSet,
  },
  registryPassword: secret('SCHEMA_REGISTRY_PASSWORD', 'Password for the registry.'),
  groupId: setting(
    'HOOKTIDE_GROUP_ID',
    'hooktide',
    namePrefix,
    'Consumer group for events. The group `<group>.retry` reads the retry topics.',
  ),
  instance: setting(
    'HOOKTIDE_INSTANCE',
    '',
    optionalText,
    'Name of this process in results and logs. The default is host name and process id.',
  ),
  topicPrefix: setting('HOOKTIDE_TOPIC_PREFIX', 'auth', namePrefix, 'Prefix of all topic names.'),
  eventTopics: setting(
    'HOOKTIDE_EVENT_TOPICS',
    '',
    topicNames,
    'Topics with auth events, separated by commas. The default is `<prefix>.events`.',
  ),
  topicHooks: setting(
    'HOOKTIDE_TOPIC_HOOKS',
    '',
    topicName,
    'Topic with hooks. The default is `<prefix>.hooks`.',
  ),
  topicResults: setting(
    'HOOKTIDE_TOPIC_RESULTS',
    '',
    topicName,
    'Topic for results. The default is `<prefix>.webhook.results`.',
  ),
  topicRequests: setting(
    'HOOKTIDE_TOPIC_REQUESTS',
    '',
    topicName,
    'Topic for delivery requests. The default is `<prefix>.webhook.requests`.',
  ),
  topicDeadLetters: setting(
    'HOOKTIDE_TOPIC_DEAD_LETTERS',
    '',
    topicName,
    'Topic for dead letters. The default is `<prefix>.webhook.dead-letters`.',
  ),
  topicRejected: setting(
    'HOOKTIDE_TOPIC_REJECTED',
    '',
    topicName,
    'Topic for rejected records. The default is `<prefix>.events.rejected`.',
  ),
  topicEndpoints: setting(
    'HOOKTIDE_TOPIC_ENDPOINTS',
    '',
    topicName,
    'Topic for endpoint health. The default is `<prefix>.webhook.endpoints`.',
  ),
  topicRetryPrefix: setting(
    'HOOKTIDE_TOPIC_RETRY_PREFIX',
    '',
    topicName,
    'Prefix of retry topics. The default is `<prefix>.webhook.retry.`.',
  ),
  retrySchedule: setting(
    'HOOKTIDE_RETRY_SCHEDULE',
    '5s,5m,30m,2h,5h,10h,14h,20h,24h',
    durations,
    'Wait before each retry. Jitter of up to 20 % is added.',
  ),
  retryTiers: setting(
    'HOOKTIDE_RETRY_TIERS',
    '1s,5s,30s,5m,30m,2h',
    tierNames,
    'Delays of the retry topics (tiers). A longer wait takes several hops.',
  ),
  maxAgeMs: setting(
    'HOOKTIDE_MAX_AGE_MS',
    String(5 * dayMs),
    integer(1_000, 365 * dayMs),
    'Maximum age of a run. An older run expires.',
  ),
  timeoutMs: setting(
    'HOOKTIDE_TIMEOUT_MS',
    '10000',
    integer(100, 60_000),
    'Time limit of a call, from connecting to the end of the body.',
  ),
  allowHttp: setting(
    'HOOKTIDE_ALLOW_HTTP',
    'false',
    boolean,
    'Whether hooks may have plain http URLs.',
  ),
  allowCidrs: setting(
    'HOOKTIDE_ALLOW_CIDRS',
    '',
    cidrs,
    'Private address ranges that hooks may call, such as 10.1.0.0/16, separated by commas.',
  ),
  egressProxy: url(
    'HOOKTIDE_EGRESS_PROXY',
    'HTTP proxy for all webhook calls. The proxy resolves host names then.',
  ),
  nameServers: setting(
    'HOOKTIDE_NAME_SERVERS',
    '',
    nameServers,
    'Name servers for endpoints, such as 10.0.0.2,[fd00::2]:5353. The default is those of the system.',
  ),
  encryptionKeys: secretOf(
    'HOOKTIDE_ENCRYPTION_KEYS',
    encryptionKeys,
    'Keys that encrypt the secrets of hooks: 32 bytes each as base64 or hex, the newest first, separated by commas.',
  ),
  encryptionKeysFile: setting(
    'HOOKTIDE_ENCRYPTION_KEYS_FILE',
    '',
    encryptionKeysFile,
    'File with the encryption keys, one per line, in place of the variable.',
  ),
  resultBodies: setting(
    'HOOKTIDE_RESULT_BODIES',
    'failures',
    oneOf(...resultBodies),
    'Which response bodies results keep, without secrets: failures, always or never.',
  ),
  recordUnmatched: setting(
    'HOOKTIDE_RECORD_UNMATCHED',
    'false',
    boolean,
    'Whether to write a result for each event that goes to no hook, with the reason.',
  ),
  concurrency: setting(
    'HOOKTIDE_CONCURRENCY',
    '16',
    integer(1, 256),
    'Concurrent calls of a hook without `delivery.concurrency`, per process.',
  ),
  maxInFlight: setting(
    'HOOKTIDE_MAX_IN_FLIGHT',
    '4096',
    integer(1, 65_536),
    'Concurrent calls of all hooks together, per process.',
  ),
  disableAfterMs: setting(
    'HOOKTIDE_DISABLE_AFTER_MS',
    String(5 * dayMs),
    integer(1_000, 365 * dayMs),
    'An endpoint that fails for so long without a success is disabled.',
  ),
  notices: setting(
    'HOOKTIDE_NOTICES',
    'false',
    boolean,
    'Whether what happens to an endpoint is written to the first event topic, as an event of its tenant.',
  ),
  maxDeferredPerHook: setting(
    'HOOKTIDE_MAX_DEFERRED_PER_HOOK',
    '1000000',
    integer(0, 1_000_000_000),
    'Deferred deliveries of one hook, per process. Beyond that they become dead letters.',
  ),
  maxDeferredPerTenant: setting(
    'HOOKTIDE_MAX_DEFERRED_PER_TENANT',
    '10000000',
    integer(0, 1_000_000_000),
    'Deferred deliveries of one tenant, per process.',
  ),
  sessionTimeoutMs: setting(
    'HOOKTIDE_SESSION_TIMEOUT_MS',
    '10000',
    integer(6_000, 300_000),
    'Session time-out of the group. No call starts if the last heartbeat is older.',
  ),
  commitIntervalMs: setting(
    'HOOKTIDE_COMMIT_INTERVAL_MS',
    '100',
    integer(1, 60_000),
    'Time between commits. 200 recorded deliveries do not wait for it.',
  ),
  shutdownMs: setting(
    'HOOKTIDE_SHUTDOWN_MS',
    '20000',
    integer(0, 600_000),
    'How long calls may go on after SIGTERM.',
  ),
  httpPort: setting(
    'HOOKTIDE_HTTP_PORT',
    '9400',
    integer(0, 65_535),
    'Port of /healthz, /readyz and /metrics. 0 picks a free port.',
  ),
  httpHost: setting(
    'HOOKTIDE_HTTP_HOST',
    '0.0.0.0',
    text,
    'Address that /healthz, /readyz and /metrics listen on.',
  ),
  ...ingestTable,
  ...monitorTable,
  logLevel: setting(
    'HOOKTIDE_LOG_LEVEL',
    'info',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    'Lowest level that is logged: trace, debug, info, warn, error or silent.',
  ),
  logFormat: setting(
    'HOOKTIDE_LOG_FORMAT',
    'auto',
    oneOf('auto', 'json', 'pretty'),
    'Form of log lines: `json`, `pretty` for people, or `auto`, which is `pretty` at a terminal and else `json`.',
  ),
  logAttemptsPerSecond: setting(
    'HOOKTIDE_LOG_ATTEMPTS_PER_SECOND',
    '20',
    integer(0, 1_000_000),
    'Attempts that are logged one by one, per second. The rest are only counted.',
  ),
} as const

export type SettingName = keyof typeof settingTable

export const settingNames = Object.keys(settingTable) as readonly SettingName[]

/** Settings that may be given as flags. */
export const flagNames: readonly SettingName[] = settingNames.filter(
  (name) => !settingTable[name].isSecret,
)

/** Settings that may not be given as flags. */
export const secretNames: readonly SettingName[] = settingNames.filter(
  (name) => settingTable[name].isSecret,
)

/** The flag of a setting, without dashes: that of `groupId` is `group-id`. */
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

/** The rows that `--help` and docs/configuration.md show. */
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
