/** `hooktide run`: the processor as a process. Creates the real adapters, runs the processor, and stops it in order. */
import type { Settings } from '../../settings/settings.ts'
import { shownSettings } from '../../settings/settings.ts'
import { asError, UserError } from '../../core/model/errors.ts'
import { decryptWith, type Decrypt } from '../../core/hook/encrypted-text.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { connectResultEncoder, jsonResultEncoder } from '../../edge/registry/result-codec.ts'
import { createFilters } from '../../edge/filter/cel.ts'
import { createHttpSender } from '../../edge/http/sender.ts'
import { createNames } from '../../edge/names/names.ts'
import type { KafkaLog } from '../../edge/kafka/client.ts'
import { createGroupSource, usualFetchLimits } from '../../edge/kafka/group-source.ts'
import type { FetchLimits } from '../../edge/kafka/member.ts'
import { createSink } from '../../edge/kafka/sink.ts'
import { createTableSource } from '../../edge/kafka/table-source.ts'
import { RegistryClient } from '../../edge/registry/client.ts'
import { createAbsentRegistry, createSchemaSource } from '../../edge/registry/schema-source.ts'
import { createLoopMeter } from '../../edge/loop-meter.ts'
import { startStatusServer, type StatusServer } from '../../edge/status-server.ts'
import { systemClock } from '../../edge/system-clock.ts'
import { createTelemetry, type Telemetry } from '../../edge/telemetry/telemetry.ts'
import { createTracing } from '../../edge/telemetry/tracing.ts'
import type { HttpSender, RecordSink, ResultEncoder, SchemaSource, Tracing } from '../../ports.ts'
import { allGroups, rowsOf } from '../../settings/names.ts'
import type { Processor } from '../../processor.ts'
import { createProcessor } from '../../topology.ts'
import { version } from '../../version.ts'
import type { Command, CommandContext } from '../command.ts'
import { encryptionKeysOf } from '../hooks/encryption.ts'
import { kafkaSettingsOf } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { watchReadiness } from './readiness-log.ts'
import { prepareRun } from './startup-checks.ts'

/** Sockets kept open without a call, over all hooks (docs/architecture.md). */
const maxIdleSockets = 4_096
/**
 * How long a result waits for others before it is sent. Longer makes the broker work less under load, but a crash repeats
 * the calls whose results were not sent.
 */
const resultLingerMs = 10
/** Of the tiers, where thousands of records may be due at once: a larger answer would delay fresh events. */
const tierFetchLimits = { maxBytes: 192 * 1024, maxBytesPerPartition: 64 * 1024 }
/** If a table cannot be read for so long, its topic is unusable and the process ends. */
const tableTimeoutMs = 10 * 60_000

const usedGroups = allGroups.filter((name) => name !== 'ingest' && name !== 'monitor')
const usedVariables = new Set(rowsOf(usedGroups).map(({ variable }) => variable))

export const runCommand: Command = {
  name: 'run',
  summary: 'Run the processor: consume events, call hooks, write results.',
  usage: '[options]',
  examples: ['run', 'run --log-level debug --http-port 9500'],
  options: {},
  uses: usedGroups,
  isLogging: true,
  run,
}

async function run({ settings, signal, settingWarnings }: CommandContext): Promise<0 | 1> {
  let processor: Processor | undefined
  let waitsFor = ''
  const unready = () => (signal.aborted ? ['stopping'] : unreadyBecause(processor, waitsFor))
  const telemetry = createTelemetry({
    level: settings.logLevel,
    instance: settings.instance,
    format: settings.logFormat,
    clock: systemClock,
    attemptsPerSecond: settings.logAttemptsPerSecond,
    version,
    groups: [settings.groupId, retryGroupOf(settings.groupId)],
    readings: () =>
      processor && {
        ...processor.status(),
        ...processor.depths(),
        isReady: unready().length === 0,
      },
  })
  const { log } = telemetry
  const shown = shownSettings(settings, (variable) => usedVariables.has(variable))
  log.info({ version, settings: shown }, 'starting')
  for (const warning of settingWarnings) log.warn(warning)
  const status = await openStatusPages(settings, telemetry, unready)
  log.info({ port: status.port }, 'listening')
  const tracing = tracingOf(settings, log)
  const failure = Promise.withResolvers<Error>()
  const readiness = watchReadiness({ log, unready, signal })
  try {
    processor = await assemble(settings, telemetry, {
      tracing,
      signal,
      onFailed: failure.resolve,
      onWaiting: (reason) => void (waitsFor = reason),
    })
    if (processor === undefined) return 0
    processor.start().then(readiness.check, (error: unknown) => failure.resolve(asError(error)))
    const end = await Promise.race([failure.promise, abortOf(signal)])
    // Reported as a failed start is: a person has to act.
    if (end instanceof UserError) throw end
    if (end instanceof Error) {
      log.fatal(
        { error: end.message },
        'failed: this process ends so that its supervisor starts another',
      )
      return 1
    }
    await stop(processor, settings, log)
    return 0
  } finally {
    readiness.stop()
    await tracing?.flush()
    await status.stop()
  }
}

async function stop(
  processor: Processor,
  { shutdownMs: deadlineMs }: Settings,
  log: Telemetry['log'],
): Promise<void> {
  log.info({ deadlineMs }, 'stopping')
  const unwritten = await processor.stop(deadlineMs)
  if (unwritten === 0) log.info('stopped')
  else {
    log.warn(
      { unwritten },
      'stopped before Kafka acknowledged all records: the next owner repeats what was not written, calls included',
    )
  }
}

function openStatusPages(
  { httpHost: host, httpPort: port }: Settings,
  { log, metrics }: Telemetry,
  unready: () => readonly string[],
): Promise<StatusServer> {
  const onFailed = ({ message }: Error) => log.error({ error: message }, 'a status page failed')
  return startStatusServer({ host, port }, { unready, metrics, onFailed })
}

interface Assembling {
  readonly tracing: Tracing | undefined
  readonly signal: AbortSignal
  readonly onFailed: (error: Error) => void
  /** Called when the start waits for Kafka or the registry, with the reason, and with an empty reason when it goes on. */
  readonly onWaiting: (reason: string) => void
}

/** Creates the processor; `undefined` if a signal came before all parts were available. */
async function assemble(
  settings: Settings,
  telemetry: Telemetry,
  { tracing, signal, onFailed, onWaiting }: Assembling,
): Promise<Processor | undefined> {
  const { log } = telemetry
  const decrypt = await decryptOf(settings, log)
  const kafkaLog: KafkaLog = (level, message, fields) => log[level](fields, message)
  const kafka = kafkaSettingsOf(settings)
  const plan = await prepareRun({ settings, log: kafkaLog, signal, onAway: onWaiting })
  if (plan === undefined) return undefined
  onWaiting('')
  for (const warning of plan.warnings) log.warn(warning)
  const connecting = encoderOf(settings, log, (message) => {
    onWaiting(message)
    log.warn(message)
  })
  const encoder = await Promise.race([connecting, abortOf(signal)])
  if (encoder === undefined) return undefined
  const { groupId, topics } = settings
  const table = (topic: string, setting: string) =>
    createTableSource({
      settings: kafka,
      topic,
      setting,
      loadTimeoutMs: tableTimeoutMs,
      log: kafkaLog,
    })
  const group = groupsOf(settings, kafkaLog)
  return createProcessor(
    {
      hooks: table(topics.hooks, 'HOOKTIDE_TOPIC_HOOKS'),
      endpoints: table(topics.endpoints, 'HOOKTIDE_TOPIC_ENDPOINTS'),
      schemas: schemasOf(settings, log),
      filters: createFilters(),
      decrypt,
      live: group(groupId, [...topics.events, topics.requests], usualFetchLimits),
      retry: group(retryGroupOf(groupId), plan.tierTopics, tierFetchLimits),
      sink: sinkOf(settings, kafkaLog),
      noticeSink: sinkOf(settings, kafkaLog),
      http: senderOf(settings, telemetry),
      encoder,
      clock: systemClock,
      loop: createLoopMeter(),
      tracing,
      random: Math.random,
      emit: telemetry.emit,
      onFailed,
    },
    { ...settings, userAgent: `hooktide/${version}` },
  )
}

/** Makes the sources of groups, each of which reads its own topics. */
function groupsOf(settings: Settings, log: KafkaLog) {
  const { sessionTimeoutMs, instance } = settings
  const kafka = kafkaSettingsOf(settings)
  const identity = { instance, version }
  return (groupId: string, topics: readonly string[], fetchLimits: FetchLimits) =>
    createGroupSource({
      settings: kafka,
      groupId,
      topics,
      fetchLimits,
      sessionTimeoutMs,
      identity,
      log,
    })
}

function tracingOf({ topics }: Settings, log: Telemetry['log']): Tracing | undefined {
  const tracing = createTracing({ version, results: topics.results, clock: systemClock })
  if (tracing !== undefined) log.info('attempts are traced with OpenTelemetry')
  return tracing
}

async function decryptOf(settings: Settings, log: Telemetry['log']): Promise<Decrypt> {
  const keys = encryptionKeysOf(settings)
  if (keys.length > 0)
    log.info({ keys: keys.map(({ id }) => id) }, 'secrets of hooks are decrypted')
  return decryptWith(keys)
}

function senderOf(
  { nameServers, allowHttp, allowCidrs, egressProxy }: Settings,
  { log, emit }: Pick<Telemetry, 'log' | 'emit'>,
): HttpSender {
  return createHttpSender({
    clock: systemClock,
    names: createNames({ clock: systemClock, emit, servers: nameServers }),
    allowHttp,
    allowCidrs,
    egressProxy,
    maxIdleSockets,
    onStale: () => emit({ kind: 'connection.stale' }),
    onProxyAway: (error) => log.warn({ error }, 'calls through the egress proxy fail'),
    onProxyBack: () => log.info('the egress proxy is back'),
  })
}

function encoderOf(
  settings: Settings,
  log: Telemetry['log'],
  onWaiting: (message: string) => void,
): Promise<ResultEncoder<DeliveryResult>> {
  const registry = registrySettingsOf(settings)
  log.info(
    { topic: settings.topics.results, form: registry === undefined ? 'json' : 'avro' },
    registry === undefined
      ? 'results are written as JSON without a schema: SCHEMA_REGISTRY_URL is not set'
      : 'results are written as Avro, framed for the schema registry',
  )
  if (registry === undefined) return Promise.resolve(jsonResultEncoder)
  const { results: topic } = settings.topics
  return connectResultEncoder({ settings: registry, topic, clock: systemClock, onWaiting })
}

function sinkOf(settings: Settings, log: KafkaLog): RecordSink {
  const { compression } = settings
  return createSink({
    settings: kafkaSettingsOf(settings),
    compression,
    log,
    lingerMs: resultLingerMs,
  })
}

function schemasOf(settings: Settings, log: Telemetry['log']): SchemaSource {
  const registry = registrySettingsOf(settings)
  if (registry === undefined) {
    return createAbsentRegistry(() =>
      log.warn(
        'records are framed for a schema registry and SCHEMA_REGISTRY_URL is not set: they are rejected, and such hooks are suspended',
      ),
    )
  }
  return createSchemaSource({
    client: new RegistryClient(registry),
    clock: systemClock,
    onTrouble: (message) => log.warn({ error: message }, 'framed records wait for their schemas'),
    onRecovered: () => log.info('framed records have their schemas'),
  })
}

/** @param waitsFor what the start waits for; empty if nothing */
function unreadyBecause(processor: Processor | undefined, waitsFor: string): readonly string[] {
  if (processor === undefined) return [waitsFor === '' ? 'starting' : `starting: ${waitsFor}`]
  const { isTableLoaded, isJoined, isProven, schemaTrouble, troubles } = processor.status()
  const reasons: string[] = []
  if (!isTableLoaded) reasons.push('hook table is not loaded')
  if (!isJoined) reasons.push('group is not joined')
  if (!isProven) reasons.push('broker has not answered within the session time-out')
  if (schemaTrouble !== undefined) {
    reasons.push(`framed records wait for their schemas: ${schemaTrouble}`)
  }
  return [...reasons, ...troubles]
}

function abortOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
