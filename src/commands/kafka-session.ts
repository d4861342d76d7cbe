/** Connections of commands to Kafka. Each is opened for one task, closed after it, and has a time limit. */
import type { Settings } from '../settings/settings.ts'
import { securityOf } from '../settings/security.ts'
import { InterruptedError, TooLargeError, UserError } from '../core/model/errors.ts'
import type { InboundRecord, OutboundRecord } from '../core/model/model.ts'
import { topicRight, type Right } from '../edge/kafka/needed-rights.ts'
import { connectAdmin, type KafkaAdmin } from '../edge/kafka/admin.ts'
import type { KafkaLog, KafkaSettings } from '../edge/kafka/client.ts'
import { readTopic, type ReadOptions } from '../edge/kafka/reader.ts'
import { rightRefusals, RightsError, unreachable } from '../edge/kafka/refusals.ts'
import { missingRights } from '../edge/kafka/rights.ts'
import { checkFiles } from '../edge/kafka/security.ts'
import { createSink } from '../edge/kafka/sink.ts'
import { within } from '../edge/waiting.ts'
import type { CommandContext } from './command.ts'
import { outputClosed } from './output-closed.ts'

/** Longer than a broker that is up takes, and short enough for a person who waits. */
const brokerTimeoutMs = 10_000

/** Drops the log of the Kafka client: commands report failures themselves. */
export const quiet: KafkaLog = () => undefined

const knownSettings = new WeakMap<Settings, KafkaSettings>()

/**
 * Returns the same object for the same settings, so that all clients of a process share one login.
 *
 * @throws {UserError} when a file with certificates, keys or a secret cannot be read or used
 */
export function kafkaSettingsOf(settings: Settings): KafkaSettings {
  const known = knownSettings.get(settings)
  if (known !== undefined) return known
  const security = securityOf(settings)
  checkFiles(security)
  const kafka = { brokers: settings.brokers, clientId: 'hooktide', security }
  knownSettings.set(settings, kafka)
  return kafka
}

type Session = Pick<CommandContext, 'settings' | 'signal'>

/**
 * All records of a topic, up to its current end.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 * @throws InterruptedError when a signal ends the command meanwhile
 */
export async function* readToEnd(
  session: Session,
  topic: string,
  from: Range['from'] = 'earliest',
): AsyncGenerator<readonly InboundRecord[]> {
  yield* readRange(session, topic, { from })
  if (session.signal.aborted) throw new InterruptedError()
}

type Range = Pick<ReadOptions, 'from' | 'isByTime' | 'onRemoved'>

/**
 * As {@link readToEnd}, but without an error when a signal ends the command: then only a part of the records is read.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 */
export function readRange(
  { settings, signal }: Session,
  topic: string,
  range: Range,
): AsyncGenerator<readonly InboundRecord[]> {
  const kafka = kafkaSettingsOf(settings)
  return readTopic({ settings: kafka, topic, ...range, isFollowing: false, signal, log: quiet })
}

/**
 * As {@link readRange} for an answer to print. A part of it must not pass for the whole, unless its reader took no more.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 * @throws InterruptedError when a signal ends the command meanwhile
 */
export async function* readAnswer(
  session: Session,
  topic: string,
  range: Range,
): AsyncGenerator<readonly InboundRecord[]> {
  const { signal } = session
  yield* readRange(session, topic, range)
  if (signal.aborted && signal.reason !== outputClosed) throw new InterruptedError()
}

/** @throws UserError when no broker answers in time */
export async function withAdmin<Result>(
  settings: Settings,
  work: (admin: KafkaAdmin) => Promise<Result>,
): Promise<Result> {
  const connecting = connectAdmin(kafkaSettingsOf(settings), quiet)
  const admin = await within(connecting, brokerTimeoutMs, undefined)
  if (admin === undefined) throw unreachable(kafkaSettingsOf(settings), 'no answer in time')
  try {
    return await work(admin)
  } finally {
    await within(admin.stop(), 1_000, undefined)
  }
}

/** @throws UserError if the topic does not exist: a sink would wait until it does */
export async function refuseMissing(admin: KafkaAdmin, topic: string): Promise<void> {
  if ((await admin.partitionsToWrite(topic)) !== undefined) return
  throw new UserError(`Topic ${topic} does not exist: run "hooktide init".`)
}

/** @throws UserError that lists the missing rights: a sink would wait until they are granted */
export async function refuseWithoutRights(
  kafka: KafkaSettings,
  wanted: readonly Right[],
): Promise<void> {
  const missing = await within(missingRights(kafka, quiet, wanted), brokerTimeoutMs, undefined)
  if (missing === undefined) throw unreachable(kafka, 'no answer in time')
  if (missing.length > 0) throw new RightsError(rightRefusals(kafka, missing))
}

/**
 * Writes records, and waits until all in-sync replicas have acknowledged them.
 *
 * @throws UserError when that takes too long, or when a record is too large; all others are written then
 */
export async function writeAll(
  settings: Settings,
  records: readonly OutboundRecord[],
): Promise<void> {
  const kafka = kafkaSettingsOf(settings)
  const topics = new Set(records.map(({ topic }) => topic))
  await refuseWithoutRights(
    kafka,
    [...topics].map((topic) => topicRight('Write', topic)),
  )
  const sink = createSink({ settings: kafka, compression: settings.compression, log: quiet })
  try {
    const isWritten = await within(
      sink.write(records).then(() => true),
      brokerTimeoutMs + records.length,
      false,
    )
    if (!isWritten) {
      throw new UserError(
        `Kafka has not acknowledged all of ${records.length} record(s) in time: some may have been written. ` +
          'Check that all in-sync replicas are up, and run the command again.',
      )
    }
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error
    const message = `${error.message}: raise its max.message.bytes, or make the records smaller.`
    throw new UserError(message, 1, { cause: error })
  } finally {
    await within(sink.stop(), 1_000, undefined)
  }
}
