/** `hooktide ingest`: the process that receives Logto's webhooks. */
import { unavailable, type AnswerName } from '../../core/ingest/answer.ts'
import { hasFewFiles, ingestBounds, type IngestBounds } from '../../core/ingest/bounds.ts'
import { readySource, type ReadySource } from '../../core/ingest/webhook.ts'
import type { Source } from '../../core/ingest/source.ts'
import type { Answered } from '../../edge/http/webhook-exchange.ts'
import {
  startWebhookServer,
  type WebhookHandler,
  type WebhookServer,
} from '../../edge/http/webhook-server.ts'
import { UserError } from '../../core/model/errors.ts'
import { connectAdmin } from '../../edge/kafka/admin.ts'
import type { KafkaLog, KafkaSettings } from '../../edge/kafka/client.ts'
import { topicRight } from '../../edge/kafka/needed-rights.ts'
import { rightRefusals } from '../../edge/kafka/refusals.ts'
import { missingRights } from '../../edge/kafka/rights.ts'
import { createSink } from '../../edge/kafka/sink.ts'
import { openFilesLimit } from '../../edge/open-files.ts'
import { startStatusServer } from '../../edge/status-server.ts'
import { systemClock } from '../../edge/system-clock.ts'
import { createIngestMetrics, type IngestMetrics } from '../../edge/telemetry/ingest-metrics.ts'
import { createSignalLog, type SignalLog } from '../../edge/telemetry/signal-log.ts'
import type { RecordSink } from '../../ports.ts'
import { rowsOf, type SettingGroup } from '../../settings/names.ts'
import { securityOf, securityWarning } from '../../settings/security.ts'
import { shownSettings, type Settings } from '../../settings/settings.ts'
import { createIngest, type Ingest } from '../../stages/ingest.ts'
import { version } from '../../version.ts'
import type { Command, CommandContext } from '../command.ts'
import { kafkaSettingsOf } from '../kafka-session.ts'
import { whenKafkaAnswers } from '../kafka-wait.ts'
import { watchReadiness } from '../run/readiness-log.ts'
import { sourcesOf } from './sources.ts'

const uses: readonly SettingGroup[] = ['kafka', 'topics', 'ingest', 'process']

export const ingestCommand: Command = {
  name: 'ingest',
  summary: "Receive Logto's webhooks over HTTP and write their events to the event topic.",
  usage: '[options]',
  examples: ['ingest', 'ingest --ingest-port 9000 --log-level debug'],
  options: {},
  uses,
  isLogging: true,
  run,
}

type Log = SignalLog['log']

async function run({ settings, signal, settingWarnings }: CommandContext): Promise<0> {
  const { logLevel: level, logFormat: format, instance } = settings
  const { log } = createSignalLog({
    ...{ level, format, instance },
    clock: systemClock,
    attemptsPerSecond: 0,
  })
  const used = new Set(rowsOf(uses).map(({ variable }) => variable))
  const shown = shownSettings(settings, (variable) => used.has(variable))
  log.info({ version, settings: shown }, 'starting')
  for (const warning of settingWarnings) log.warn(warning)
  const sources = sourcesOf(settings)
  const kafkaLog: KafkaLog = (lineLevel, message, fields) => log[lineLevel](fields, message)
  const sinks = sinksOf(settings, sources, kafkaLog)
  try {
    await serve({ settings, signal, log, sources, sinks, kafkaLog })
    return 0
  } finally {
    await Promise.all([...sinks.values()].map((sink) => sink.stop()))
  }
}

/** By topic. */
function sinksOf(
  settings: Settings,
  sources: readonly Source[],
  log: KafkaLog,
): ReadonlyMap<string, RecordSink> {
  const { compression } = settings
  const kafka = kafkaSettingsOf(settings)
  return new Map(
    topicsOf(sources).map((topic) => {
      const ownLog: KafkaLog = (level, message, fields) => log(level, message, { topic, ...fields })
      return [topic, createSink({ settings: kafka, compression, log: ownLog })]
    }),
  )
}

function topicsOf(sources: readonly Source[]): readonly string[] {
  return [...new Set(sources.map(({ topic }) => topic))]
}

interface Serving {
  readonly settings: Settings
  readonly signal: AbortSignal
  readonly log: Log
  readonly kafkaLog: KafkaLog
  readonly sources: readonly Source[]
  readonly sinks: ReadonlyMap<string, RecordSink>
}

/** Serves until the process is told to stop. */
async function serve(serving: Serving): Promise<void> {
  const { settings, signal, log, sources, sinks } = serving
  const { ingestMaxBodyBytes: maxBodyBytes, ingestAckTimeoutMs: ackTimeoutMs } = settings
  const bounds = boundsFor(sources, log)
  const ingest = createIngest(
    { sinks, clock: systemClock, onWritten: ({ path }) => metrics.countEvent(path) },
    { sources: sources.map(readySource), maxBodyBytes, ackTimeoutMs, bounds },
  )
  const start: Start = { isDone: false, waitsFor: '' }
  const unready = () => (signal.aborted ? ['stopping'] : unreadyBecause(start, ingest))
  let server: WebhookServer | undefined
  const metrics = createIngestMetrics({
    version,
    paths: sources.map(({ path }) => path),
    readings: () => ({
      ...ingest.status(),
      isReady: unready().length === 0,
      connections: server?.connections() ?? 0,
    }),
  })
  const status = await startStatusServer(
    { host: settings.httpHost, port: settings.httpPort },
    {
      unready,
      metrics,
      onFailed: ({ message }) => log.error({ error: message }, 'a status page failed'),
    },
  )
  log.info({ port: status.port }, 'listening')
  const readiness = watchReadiness({ log, unready, signal })
  try {
    const { ingestHost: host, ingestPort: port } = settings
    const handler = handlerOf(ingest, start, log, metrics)
    const { connections: maxConnections } = bounds
    server = await startWebhookServer({ host, port, maxBodyBytes, maxConnections }, handler)
    log.info({ port: server.port, paths: sources.map(({ path }) => path) }, 'receiving webhooks')
    await prepare(serving, start)
    readiness.check()
    await abortOf(signal)
    log.info({ deadlineMs: settings.shutdownMs }, 'stopping')
  } finally {
    await server?.stop(settings.shutdownMs)
    readiness.stop()
    await status.stop()
  }
  const unwritten = ingest.status().pendingRecords
  if (unwritten === 0) log.info('stopped')
  else
    log.warn(
      { unwritten },
      'stopped before Kafka acknowledged all events: none of these was answered with 200',
    )
}

function boundsFor(sources: readonly Source[], log: Log): IngestBounds {
  const openFiles = openFilesLimit()
  const topics = topicsOf(sources).length
  const bounds = ingestBounds(openFiles, topics)
  if (hasFewFiles(openFiles, topics)) {
    const message = 'the limit of open files is low: few webhooks can wait for Kafka at once'
    log.warn({ openFiles, topics, events: bounds.records }, message)
  }
  return bounds
}

/** Progress of the start. */
interface Start {
  isDone: boolean
  /** Why it waits for Kafka; empty if it does not. */
  waitsFor: string
}

function unreadyBecause({ isDone, waitsFor }: Start, ingest: Ingest): readonly string[] {
  if (!isDone) return [waitsFor === '' ? 'starting' : `starting: ${waitsFor}`]
  return ingest.status().troubles
}

/**
 * Waits for Kafka, and checks that events can be written.
 *
 * @throws UserError that lists every problem with its fix
 */
async function prepare({ settings, signal, sources, kafkaLog }: Serving, start: Start) {
  const onAway = (reason: string) => void (start.waitsFor = reason)
  const isRight = await whenKafkaAnswers({ signal, log: kafkaLog, onAway }, async () => {
    await checkTopics(kafkaSettingsOf(settings), kafkaLog, sources)
    return true
  })
  if (isRight !== true) return
  const warning = securityWarning(securityOf(settings))
  if (warning !== undefined) kafkaLog('warn', warning, {})
  start.isDone = true
}

/** Checks rights first: without the right to describe it, a topic seems not to exist. */
async function checkTopics(
  kafka: KafkaSettings,
  log: KafkaLog,
  sources: readonly Source[],
): Promise<void> {
  const topics = topicsOf(sources)
  const rights = topics.map((topic) => topicRight('Write', topic))
  const missing = await missingRights(kafka, log, rights)
  if (missing.length > 0) throw UserError.listing(heading, rightRefusals(kafka, missing))
  const admin = await connectAdmin(kafka, log)
  try {
    const found = await Promise.all(topics.map((topic) => admin.partitionsToWrite(topic)))
    const lacking = topics.filter((_, index) => found[index] === undefined)
    const lines = lacking.map((topic) => `${topic} does not exist: run "hooktide init".`)
    if (lines.length > 0) throw UserError.listing(heading, lines)
  } finally {
    await admin.stop()
  }
}

const heading = 'hooktide ingest cannot start'

function handlerOf(
  ingest: Ingest,
  start: Start,
  log: Log,
  metrics: IngestMetrics,
): WebhookHandler<ReadySource> {
  return {
    judge(head) {
      const judged = ingest.judge(head)
      if (start.isDone || judged.kind === 'answer') return judged
      return {
        kind: 'answer',
        source: judged.source,
        answer: unavailable('hooktide is waiting for Kafka. Send the webhook again later.'),
      }
    },
    handle: (webhook, onWriting) => ingest.handle(webhook, onWriting),
    onAnswered(answered) {
      const { answer, tookMs } = answered
      metrics.countAnswer(answer?.name, tookMs)
      logAnswer(log, answered)
    },
  }
}

/** Log levels. Anybody who reaches the port can cause these lines, so those that scanners cause are `debug`. */
const levels: Readonly<Record<AnswerName, 'debug' | 'warn'>> = {
  accepted: 'debug',
  repeated: 'debug',
  'not-found': 'debug',
  'wrong-method': 'debug',
  malformed: 'debug',
  'head-too-large': 'debug',
  'too-slow': 'debug',
  'expectation-failed': 'debug',
  'not-an-event': 'warn',
  unauthorized: 'warn',
  'too-large': 'warn',
  'not-json': 'warn',
  unavailable: 'warn',
}

function logAnswer(log: Log, { answer, source, event, from, tookMs }: Answered<ReadySource>): void {
  const where = { path: source?.path, tenantId: source?.tenantId, event, from }
  if (answer === undefined) {
    log.debug(where, 'client closed the connection before its answer')
    return
  }
  const { name, status, body } = answer
  const fields = { ...where, answer: name, status, ...body, tookMs: Math.round(tookMs) }
  if (levels[name] === 'debug') log.debug(fields, 'webhook answered')
  else log.warn(fields, 'webhook refused')
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
