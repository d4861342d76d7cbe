/** Creates the KafkaJS clients of the project, and classifies their errors. */
import './patches.ts'
import './leaders.ts'
import './cluster-metadata.ts'
import './batches.ts'
import './fetch.ts'
import './produce-request.ts'
import type { logCreator, RetryOptions } from 'kafkajs'
import { Kafka, logLevel } from './kafkajs.ts'
import { asError } from '../../core/model/errors.ts'
import {
  type ConnectionFault,
  noSecurity,
  saslOptions,
  type SecuritySettings,
  socketFactory,
} from './security.ts'

export interface KafkaSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Default: neither TLS nor a login. */
  readonly security?: SecuritySettings
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type KafkaLog = (
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void

/** A `service` survives a broker that is away for half an hour. A `command` soon reports that it cannot be reached. */
export type Patience = 'service' | 'command'

const retries: Record<Patience, RetryOptions> = {
  service: { retries: 1000, initialRetryTime: 100, maxRetryTime: 2000 },
  command: { retries: 4, initialRetryTime: 100, maxRetryTime: 1000 },
}

/**
 * Each consumer, producer and admin gets a client of its own: KafkaJS shares committed offsets within one.
 *
 * @param onFault gets the reason why a connection failed, if it is known
 */
export function createKafka(
  settings: KafkaSettings,
  log: KafkaLog,
  patience: Patience,
  onFault: (fault: ConnectionFault) => void = () => undefined,
): Kafka {
  const { security = noSecurity } = settings
  const sasl = saslOptions(security, log, onFault)
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: 3000,
    requestTimeout: 15_000,
    retry: retries[patience],
    logLevel: logLevel.INFO,
    logCreator: bridgeTo(log),
    socketFactory: socketFactory(security, onFault),
    ...(sasl === undefined ? {} : { sasl }),
  })
}

/** Namespaces that log each failed request, connection and login at ERROR, although these are retried or thrown. */
const noisyNamespaces = /^(?:Connection|BrokerPool|Producer|Runner|SaslAuthenticator.*)$/

function bridgeTo(log: KafkaLog): logCreator {
  return () =>
    ({ namespace, level, log: entry }) => {
      // KAFKAJS_LOG_LEVEL may enable more, such as the answers of brokers.
      if (level > logLevel.INFO) return
      const { message, timestamp: _, logger: __, ...fields } = entry
      // The client's own lines have none, although its types require one.
      const isNoise = noisyNamespaces.test(namespace)
      const isLoud = level === logLevel.ERROR && !isNoise
      log(isLoud ? 'warn' : 'debug', `kafkajs: ${message}`, { ...fields, namespace })
    }
}

/** The thrown value and its causes, the outermost first. KafkaJS wraps the original error. */
export function* causesOf(thrown: unknown): Generator<Error> {
  let error: unknown = thrown
  for (let depth = 0; error instanceof Error && depth < 8; depth += 1) {
    yield error
    error = error.cause
  }
}

/** The Kafka error name, such as `MESSAGE_TOO_LARGE`, of an error or of what caused it. */
export function errorType(thrown: unknown): string | undefined {
  for (const error of causesOf(thrown)) {
    if ('type' in error && typeof error.type === 'string') return error.type
  }
  return undefined
}

/** KafkaJS marks these as not retriable, but a node that hangs causes them. */
const passingNames = new Set(['KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout'])

/** False if a retry cannot help: wrong credentials, missing rights, a bug. */
export function isRetriable(thrown: unknown): boolean {
  const innermost = [...causesOf(thrown)].at(-1)
  if (innermost === undefined || innermost instanceof TypeError) return false
  if (innermost instanceof RangeError || innermost instanceof ReferenceError) return false
  if (passingNames.has(innermost.name)) return true
  return !('retriable' in innermost) || innermost.retriable !== false
}

/** Whether the failure of Kafka or the network may pass: a node is away or hangs, or a leader moves. */
export function isPassing(thrown: unknown): boolean {
  return [...causesOf(thrown)].some((error) => 'retriable' in error) && isRetriable(thrown)
}

export function messageOf(thrown: unknown): string {
  return asError(thrown).message
}
