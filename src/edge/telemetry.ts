/** Signals become log lines and metrics here, and nowhere else. The only file that knows pino and prom-client. */
import { pino, type Logger } from 'pino'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { DeliveryRecorded, Emit, Signal } from '../core/signal.ts'
import type { Clock } from '../ports.ts'

export interface Telemetry {
  readonly emit: Emit
  readonly log: Logger
  /** Prometheus text format, version 0.0.4. */
  metrics(): Promise<string>
  readonly contentType: string
}

/** Values that are read when metrics are asked for, not when they change. */
export interface Gauges {
  readonly inFlight: number
  readonly queued: number
  readonly hooks: number
  readonly suspendedHooks: number
  readonly backlog: number
  readonly pendingRecords: number
}

export interface TelemetryOptions {
  readonly level: string
  readonly instance: string
  readonly clock: Clock
  /** Attempts logged one by one per second; further ones of that second are only counted. */
  readonly attemptsPerSecond: number
  readonly gauges: () => Gauges | undefined
}

function createLogger(level: string, instance: string): Logger {
  return pino({ level, base: { instance }, timestamp: pino.stdTimeFunctions.isoTime })
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const log = createLogger(options.level, options.instance)
  const registry = new Registry()
  const metrics = createMetrics(registry, options.gauges)
  const logAttempt = limitedAttemptLog(log, options)
  return {
    log,
    emit(signal) {
      count(metrics, signal)
      if (signal.kind === 'delivery.recorded') {
        logAttempt(signal)
        return
      }
      const { kind, ...fields } = signal
      log[levels[kind]](fields, kind)
    },
    metrics: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

type Metrics = ReturnType<typeof createMetrics>

function createMetrics(registry: Registry, gauges: () => Gauges | undefined) {
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, read: (now: Gauges) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = gauges()
        if (now !== undefined) this.set(read(now))
      },
    })
  gauge('hooktide_in_flight', 'Calls that wait for their answer.', (now) => now.inFlight)
  gauge('hooktide_queued', 'Deliveries queued in lanes.', (now) => now.queued)
  gauge(
    'hooktide_backlog',
    'Records fetched and not admitted, tier records not due among them.',
    (now) => now.backlog,
  )
  gauge('hooktide_hooks', 'Hooks in the table.', (now) => now.hooks)
  gauge(
    'hooktide_hooks_suspended',
    'Hooks whose newest record is not valid.',
    (now) => now.suspendedHooks,
  )
  gauge(
    'hooktide_records_pending',
    'Records written and not acknowledged yet.',
    (now) => now.pendingRecords,
  )
  const counter = <const Label extends string>(
    name: string,
    help: string,
    ...labelNames: Label[]
  ) => new Counter({ name, help, labelNames, registers })
  return {
    deliveries: counter('hooktide_deliveries_total', 'Result records by outcome.', 'outcome'),
    attempts: counter(
      'hooktide_attempts_total',
      'Calls by error class; ok when answered with 2xx.',
      'class',
    ),
    unmatched: counter('hooktide_events_unmatched_total', 'Events without a matching hook.'),
    rejected: counter(
      'hooktide_records_rejected_total',
      'Records that are not valid, by reason.',
      'reason',
    ),
    hops: counter('hooktide_retry_hops_total', 'Runs written to another tier without an attempt.'),
    repeats: counter('hooktide_repeats_dropped_total', 'Tier and request records handled before.'),
    commits: new Histogram({
      name: 'hooktide_commit_duration_seconds',
      help: 'Time until a commit is acknowledged.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
  }
}

/** What each kind of signal does to the metrics. */
type Counting = {
  readonly [Kind in Signal['kind']]: (
    metrics: Metrics,
    signal: Extract<Signal, { kind: Kind }>,
  ) => void
}

const nothing = () => undefined

const counting: Counting = {
  'delivery.recorded': (metrics, signal) => {
    metrics.deliveries.inc({ outcome: signal.outcome })
    if (signal.attempt !== undefined) metrics.attempts.inc({ class: classOf(signal) })
  },
  'event.unmatched': (metrics) => metrics.unmatched.inc(),
  'record.rejected': (metrics, { reason }) => metrics.rejected.inc({ reason }),
  'run.hopped': (metrics) => metrics.hops.inc(),
  'run.repeated': (metrics) => metrics.repeats.inc(),
  'commit.acknowledged': (metrics, { latencyMs }) => metrics.commits.observe(latencyMs / 1_000),
  'hook.changed': nothing,
  'hook.suspended': nothing,
  'hook.unusable': nothing,
  'table.loaded': nothing,
  'group.assigned': nothing,
  'group.draining': nothing,
  'commit.failed': nothing,
  'calls.stopped': nothing,
  'calls.resumed': nothing,
}

function count<Kind extends Signal['kind']>(
  metrics: Metrics,
  signal: Extract<Signal, { kind: Kind }>,
): void {
  const kind: Kind = signal.kind
  counting[kind](metrics, signal)
}

function classOf(signal: DeliveryRecorded): string {
  if (signal.errorClass !== undefined) return signal.errorClass
  return signal.outcome === 'delivered' ? 'ok' : 'aborted'
}

/** Level of each kind's line. Attempts have a limit of their own. */
const levels: Readonly<
  Record<Exclude<Signal['kind'], 'delivery.recorded'>, 'debug' | 'info' | 'warn'>
> = {
  'event.unmatched': 'debug',
  'run.hopped': 'debug',
  'run.repeated': 'debug',
  'commit.acknowledged': 'debug',
  'record.rejected': 'warn',
  'hook.suspended': 'warn',
  'hook.unusable': 'warn',
  'commit.failed': 'warn',
  'calls.stopped': 'warn',
  'table.loaded': 'info',
  'hook.changed': 'info',
  'group.assigned': 'info',
  'group.draining': 'info',
  'calls.resumed': 'info',
}

/** The one wide line per attempt, as long as the rate allows it; what it hid is said once a second. */
function limitedAttemptLog(
  log: Logger,
  options: TelemetryOptions,
): (signal: DeliveryRecorded) => void {
  let second = 0
  let logged = 0
  let hidden = 0
  return (signal) => {
    const now = Math.floor(options.clock.monotonic() / 1_000)
    if (now !== second) {
      if (hidden > 0) log.info({ attempts: hidden }, 'delivery.recorded.more')
      second = now
      logged = 0
      hidden = 0
    }
    if (logged < options.attemptsPerSecond) {
      logged += 1
      const { kind, ...fields } = signal
      log.info(fields, kind)
    } else {
      hidden += 1
    }
  }
}
