/**
 * Signals, and the state of the process when it is asked, as Prometheus metrics. The only file that knows prom-client.
 *
 * Every value that a label can have is there from the start, at 0: a series that appears with its first event hides that
 * event from `rate()` and `increase()`. Labels have closed sets of values or name one of the process's own topics or
 * groups, so the number of series does not grow with hooks, tenants or traffic.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { errorClasses, outcomes, rejectionReasons } from '../core/record-values.ts'
import { stopCauses, type DeliveryRecorded, type Signal, type StopCause } from '../core/signal.ts'

export interface Metrics {
  /** Called for every delivery: counts, and does nothing else. */
  count(signal: Signal): void
  /** Prometheus text format, version 0.0.4. */
  render(): Promise<string>
  readonly contentType: string
}

/** What is read when metrics are asked for. */
export interface Readings {
  readonly isReady: boolean
  readonly inFlight: number
  readonly queued: number
  readonly backlog: number
  readonly hooks: number
  readonly suspendedHooks: number
  readonly pendingRecords: number
  /** By topic, of partitions this process owns. */
  readonly partitions: ReadonlyMap<string, number>
  readonly lag: ReadonlyMap<string, number>
  readonly retryDepth: ReadonlyMap<string, number>
  readonly retryOverdueMs: number
}

export interface MetricsOptions {
  readonly version: string
  /** Names of the process's consumer groups. */
  readonly groups: readonly string[]
  /** `undefined` until the process has built its parts. */
  readonly readings: () => Readings | undefined
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const { groups, version } = options
  collectDefaultMetrics({ register: registry })
  // Gauges with the suffix of counters: `promtool check metrics` refuses them, and their twins by type say more.
  for (const what of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
  }
  const help = 'Always 1; the version is in the label.'
  labelled(registry, { name: 'hooktide_build_info', help, label: 'version' }).set({ version }, 1)
  const counts = {
    ...createCounters(registry, groups),
    ...createHistograms(registry),
    stopped: createStopped(registry),
  }
  const show = createGauges(registry)
  return {
    count: (signal) => count(counts, signal),
    render() {
      show(options.readings())
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

/** A call that was answered with 2xx is `ok`; one given up at shutdown or with its partition is `aborted`. */
const timedClasses = ['ok', ...errorClasses] as const
const attemptClasses = [...timedClasses, 'invalid-url', 'aborted'] as const

function createCounters(registry: Registry, groups: readonly string[]) {
  const registers = [registry]
  const plain = (name: string, help: string) => new Counter({ name, help, registers })
  const by = <const Label extends string>(
    label: Label,
    values: readonly string[],
    { name, help }: { readonly name: string; readonly help: string },
  ) => {
    const counter = new Counter<Label>({ name, help, labelNames: [label], registers })
    for (const value of values) counter.inc({ [label]: value } as Record<Label, string>, 0)
    return counter
  }
  return {
    deliveries: by('outcome', outcomes, {
      name: 'hooktide_deliveries_total',
      help: 'Results: attempts answered and runs ended without one, by outcome.',
    }),
    attempts: by('class', attemptClasses, {
      name: 'hooktide_attempts_total',
      help: 'Calls by how they ended: ok (2xx), an error class, invalid-url, or aborted.',
    }),
    unmatched: plain('hooktide_events_unmatched_total', 'Events without a matching hook.'),
    rejected: by('reason', rejectionReasons, {
      name: 'hooktide_records_rejected_total',
      help: 'Records of event, request and retry topics that are not valid, by reason.',
    }),
    unusable: plain(
      'hooktide_hook_records_unusable_total',
      'Records of the hook topic that name no hook.',
    ),
    hops: plain(
      'hooktide_retry_hops_total',
      'Runs written to another retry tier without an attempt.',
    ),
    repeats: plain(
      'hooktide_repeats_dropped_total',
      'Retry and request records dropped because they were handled before.',
    ),
    rebalances: by('group', groups, {
      name: 'hooktide_rebalances_total',
      help: 'Assignments of partitions, the first one at the start included.',
    }),
    commitsFailed: by('outcome', ['stale', 'unavailable'], {
      name: 'hooktide_commits_failed_total',
      help: 'Commits not taken: stale (the group has moved on) or unavailable (no answer).',
    }),
  }
}

function createHistograms(registry: Registry) {
  const registers = [registry]
  const attempts = new Histogram({
    name: 'hooktide_attempt_duration_seconds',
    help: 'From the start of a call to the end of its answer or its failure; aborted calls are left out.',
    labelNames: ['class'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  for (const one of timedClasses) attempts.zero({ class: one })
  return {
    durations: attempts,
    firstAttempts: new Histogram({
      name: 'hooktide_event_to_first_attempt_seconds',
      help: "From an event record's timestamp to the start of its first attempt for a hook.",
      buckets: [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400,
      ],
      registers,
    }),
    commits: new Histogram({
      name: 'hooktide_commit_duration_seconds',
      help: 'From a commit to its acknowledgement.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
  }
}

/** At most one cause holds at a time. */
function createStopped(registry: Registry): (why: StopCause | undefined) => void {
  const name = 'hooktide_calls_stopped'
  const help = '1 while no call may start for this cause, else 0.'
  const stopped = labelled(registry, { name, help, label: 'cause' })
  const show = (why: StopCause | undefined) => {
    for (const cause of stopCauses) stopped.set({ cause }, cause === why ? 1 : 0)
  }
  show(undefined)
  return show
}

/** Sets all gauges from one reading. */
function createGauges(registry: Registry): (now: Readings | undefined) => void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  const byTopic = (name: string, help: string) => {
    const one = labelled(registry, { name, help, label: 'topic' })
    return (values: ReadonlyMap<string, number>) => {
      // Topics of which no partition is owned any more leave no series behind.
      one.reset()
      for (const [topic, value] of values) one.set({ topic }, value)
    }
  }
  const ready = gauge('hooktide_ready', '1 while /readyz answers 200, else 0.')
  const inFlight = gauge('hooktide_in_flight', 'Calls that wait for their answer.')
  const queued = gauge('hooktide_queued', 'Deliveries queued in lanes.')
  const backlog = gauge(
    'hooktide_backlog',
    'Records fetched and not admitted, retry records not due among them.',
  )
  const hooks = gauge('hooktide_hooks', 'Hooks in the table.')
  const suspended = gauge('hooktide_hooks_suspended', 'Hooks whose newest record is not valid.')
  const pending = gauge('hooktide_records_pending', 'Records written and not acknowledged yet.')
  const overdue = gauge(
    'hooktide_retry_overdue_seconds',
    'Longest that a due retry of this process has waited for its call beyond its time; 0 when none waits.',
  )
  const partitions = byTopic('hooktide_partitions', 'Partitions owned by this process.')
  const lag = byTopic(
    'hooktide_lag',
    "Events and requests not complete: offsets up to the end of this process's partitions, less those complete.",
  )
  const depth = byTopic(
    'hooktide_retry_depth',
    "Retry records not complete, waiting ones among them, in this process's partitions of a tier.",
  )
  return (now) => {
    ready.set(now?.isReady === true ? 1 : 0)
    if (now === undefined) return
    inFlight.set(now.inFlight)
    queued.set(now.queued)
    backlog.set(now.backlog)
    hooks.set(now.hooks)
    suspended.set(now.suspendedHooks)
    pending.set(now.pendingRecords)
    overdue.set(now.retryOverdueMs / 1_000)
    partitions(now.partitions)
    lag(now.lag)
    depth(now.retryDepth)
  }
}

function labelled<const Label extends string>(
  registry: Registry,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: Label },
): Gauge<Label> {
  return new Gauge({ name, help, labelNames: [label], registers: [registry] })
}

type Counts = ReturnType<typeof createCounters> &
  ReturnType<typeof createHistograms> & { readonly stopped: ReturnType<typeof createStopped> }

/** What each kind of signal does to the metrics. */
type Counting = {
  readonly [Kind in Signal['kind']]: (
    counts: Counts,
    signal: Extract<Signal, { kind: Kind }>,
  ) => void
}

const nothing = () => undefined

const counting: Counting = {
  'delivery.recorded': countDelivery,
  'event.unmatched': ({ unmatched }) => unmatched.inc(),
  'record.rejected': ({ rejected }, { reason }) => rejected.inc({ reason }),
  'run.hopped': ({ hops }) => hops.inc(),
  'run.repeated': ({ repeats }) => repeats.inc(),
  'hook.unusable': ({ unusable }) => unusable.inc(),
  'group.assigned': ({ rebalances }, { group }) => rebalances.inc({ group }),
  'commit.acknowledged': ({ commits }, { latencyMs }) => commits.observe(latencyMs / 1_000),
  'commit.failed': ({ commitsFailed }, { outcome }) => commitsFailed.inc({ outcome }),
  'calls.stopped': ({ stopped }, { why }) => stopped(why),
  'calls.resumed': ({ stopped }) => stopped(undefined),
  'hook.changed': nothing,
  'hook.suspended': nothing,
  'table.loaded': nothing,
  'group.draining': nothing,
}

function count<Kind extends Signal['kind']>(
  counts: Counts,
  signal: Extract<Signal, { kind: Kind }>,
): void {
  const kind: Kind = signal.kind
  counting[kind](counts, signal)
}

function countDelivery(counts: Counts, signal: DeliveryRecorded): void {
  counts.deliveries.inc({ outcome: signal.outcome })
  if (signal.attempt === undefined) return
  const label = { class: classOf(signal) }
  counts.attempts.inc(label)
  if (signal.outcome === 'interrupted') return
  if (signal.totalMs !== undefined && label.class !== 'invalid-url') {
    counts.durations.observe(label, signal.totalMs / 1_000)
  }
  if (signal.sinceEventMs !== undefined) counts.firstAttempts.observe(signal.sinceEventMs / 1_000)
}

function classOf({ errorClass, outcome, reason }: DeliveryRecorded) {
  if (errorClass !== undefined) return errorClass
  if (outcome === 'delivered') return 'ok'
  return reason === 'invalid-url' ? 'invalid-url' : 'aborted'
}
