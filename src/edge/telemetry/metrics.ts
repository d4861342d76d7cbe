/**
 * Signals, and the state of the process when it is asked, as Prometheus metrics; those of Node beside them.
 *
 * Every value that a label can have is there from the start, at 0: a series that appears with its first event hides that
 * event from `rate()` and `increase()`. Labels have closed sets of values or name one of the process's own topics or
 * groups, so the number of series does not grow with hooks, tenants or traffic.
 */
import { filterFaults } from '../../core/filter/filter.ts'
import { errorClasses, outcomes, rejectionReasons } from '../../core/model/record-values.ts'
import {
  nameOutcomes,
  stopCauses,
  type DeliveryRecorded,
  type Signal,
  type StopCause,
} from '../../core/signal/signal.ts'
import { Count, Distribution, Family, gauge, Single } from './exposition.ts'
import { buildText, createNodeMetrics, readyText } from './process-metrics.ts'

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
  /** Endpoints that are not healthy, by state. */
  readonly endpoints: Readonly<Record<string, number>>
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

export function createMetrics({ version, groups, readings }: MetricsOptions): Metrics {
  const node = createNodeMetrics()
  const tally: Tally = { ...createCounters(groups), ...createHistograms(), stoppedBy: undefined }
  const { stoppedBy: _, ...families } = tally
  return {
    count: (signal) => count(tally, signal),
    async render() {
      const texts = [
        buildText(version),
        ...Object.values(families).map((family) => family.text()),
        stoppedText(tally.stoppedBy),
        readingsText(readings()),
        await node.metrics(),
      ]
      return texts.join('')
    },
    contentType: node.contentType,
  }
}

/** A call that was answered with 2xx is `ok`; one given up at shutdown or with its partition is `aborted`. */
const timedClasses = ['ok', ...errorClasses] as const
const attemptClasses = [...timedClasses, 'invalid-url', 'aborted'] as const
type AttemptClass = (typeof attemptClasses)[number]

function createCounters(groups: readonly string[]) {
  const type = 'counter' as const
  const create = () => new Count()
  const plain = (name: string, help: string) => new Single({ name, help, type }, create())
  const by = <Value extends string>(
    label: string,
    values: readonly Value[],
    definition: { readonly name: string; readonly help: string },
  ) => new Family({ ...definition, type }, { label, values, create })
  return {
    deliveries: by('outcome', outcomes, {
      name: 'hooktide_deliveries_total',
      help: 'Results by outcome: attempts that ended, and runs that ended without an attempt.',
    }),
    attempts: by('class', attemptClasses, {
      name: 'hooktide_attempts_total',
      help: 'Calls by their end: ok (2xx), an error class, invalid-url, or aborted.',
    }),
    stale: plain(
      'hooktide_stale_connections_total',
      'Calls that found their kept connection closed, and were made on a new one within the same attempt.',
    ),
    unmatched: plain('hooktide_events_unmatched_total', 'Events without a matching hook.'),
    filterErrors: by('fault', filterFaults, {
      name: 'hooktide_filter_errors_total',
      help: 'Filters that could not be evaluated for an event, by fault. The event is not sent to the hook.',
    }),
    rejected: by('reason', rejectionReasons, {
      name: 'hooktide_records_rejected_total',
      help: 'Records of event, request and retry topics that are not valid, by reason.',
    }),
    unusable: plain(
      'hooktide_hook_records_unusable_total',
      'Records of the hook topic that name no hook.',
    ),
    unusableHealth: plain(
      'hooktide_endpoint_records_unusable_total',
      'Records of the topic of endpoint health that cannot be read.',
    ),
    notices: by('outcome', ['written', 'left-out'], {
      name: 'hooktide_notices_total',
      help: 'Notices about endpoints: written as events, or left out because of their bounds.',
    }),
    ...createWaysOn(plain),
    names: by('outcome', nameOutcomes, {
      name: 'hooktide_name_lookups_total',
      help: "Lookups of endpoints' host names by outcome: addresses, no-name, refused, silent.",
    }),
    staleNames: plain(
      'hooktide_stale_addresses_total',
      'Connections to an address whose time to live is over, because no name server answered.',
    ),
    ...createOfGroups(by, groups),
  }
}

type CreateFamily = <Value extends string>(
  label: string,
  values: readonly Value[],
  definition: { readonly name: string; readonly help: string },
) => Family<Value, Count>

/** What the process's consumer groups do. */
function createOfGroups(by: CreateFamily, groups: readonly string[]) {
  return {
    rebalances: by('group', groups, {
      name: 'hooktide_rebalances_total',
      help: 'Assignments of partitions, including the first one.',
    }),
    commitsFailed: by('outcome', ['stale', 'unavailable'], {
      name: 'hooktide_commits_failed_total',
      help: 'Commits that failed: stale (of a former generation of the group) or unavailable (no answer).',
    }),
    commitsForeign: by('group', groups, {
      name: 'hooktide_commits_foreign_total',
      help: 'Commits with metadata of another program, from which a partition continued.',
    }),
  }
}

/** Runs that continue without an attempt. */
function createWaysOn(plain: (name: string, help: string) => Single<Count>) {
  return {
    hops: plain(
      'hooktide_retry_hops_total',
      'Runs written to another retry tier without an attempt.',
    ),
    deferrals: plain(
      'hooktide_deferrals_total',
      'Runs deferred to a retry tier without an attempt, because their lane could not take them in time.',
    ),
    splits: plain(
      'hooktide_splits_total',
      'Deliveries of half-done events that were written to the requests topic, and continue from there.',
    ),
    laneIdle: plain(
      'hooktide_lane_idle_seconds_total',
      'Time in which lanes had deferred deliveries and free capacity but made no call, summed over lanes.',
    ),
    repeats: plain(
      'hooktide_repeats_dropped_total',
      'Retry and request records dropped because they were handled before.',
    ),
  }
}

function createHistograms() {
  const type = 'histogram' as const
  return {
    durations: new Family(
      {
        name: 'hooktide_attempt_duration_seconds',
        help: 'From the start of a call to the end of its answer or to its failure. Aborted calls are left out.',
        type,
      },
      { label: 'class', values: timedClasses, create: () => new Distribution(attemptBounds) },
    ),
    firstAttempts: new Single(
      {
        name: 'hooktide_event_to_first_attempt_seconds',
        help: "From an event record's timestamp to the start of its first attempt for a hook.",
        type,
      },
      new Distribution(firstAttemptBounds),
    ),
    commits: new Single(
      {
        name: 'hooktide_commit_duration_seconds',
        help: 'From a commit to its acknowledgement.',
        type,
      },
      new Distribution(commitBounds),
    ),
  }
}

const attemptBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const firstAttemptBounds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400,
]
const commitBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** At most one cause holds at a time. */
function stoppedText(stoppedBy: StopCause | undefined): string {
  const help = '1 while no calls are started because of this cause, else 0.'
  const values = new Map(stopCauses.map((cause) => [cause, cause === stoppedBy ? 1 : 0]))
  return gauge({ name: 'hooktide_calls_stopped', help }, { label: 'cause', values })
}

function readingsText(now: Readings | undefined): string {
  const ready = readyText(now?.isReady === true)
  if (now === undefined) return ready
  const shown = readingGauges.map(({ name, help, label = 'topic', read }) => {
    const value = read(now)
    return gauge({ name, help }, typeof value === 'number' ? value : { label, values: value })
  })
  return [ready, ...shown].join('')
}

const readingGauges: readonly {
  readonly name: string
  readonly help: string
  /** The label of a gauge with several values. Default `topic`. */
  readonly label?: string
  readonly read: (now: Readings) => number | ReadonlyMap<string, number>
}[] = [
  {
    name: 'hooktide_in_flight',
    help: 'Calls that wait for their answer.',
    read: ({ inFlight }) => inFlight,
  },
  { name: 'hooktide_queued', help: 'Deliveries queued in lanes.', read: ({ queued }) => queued },
  {
    name: 'hooktide_backlog',
    help: 'Records that were fetched and not admitted, including retry records that are not due.',
    read: ({ backlog }) => backlog,
  },
  { name: 'hooktide_hooks', help: 'Hooks in the table.', read: ({ hooks }) => hooks },
  {
    name: 'hooktide_hooks_suspended',
    help: 'Hooks whose newest record is not valid.',
    read: ({ suspendedHooks }) => suspendedHooks,
  },
  {
    name: 'hooktide_endpoints',
    help: 'Endpoints that are not healthy, by state, according to the topic of endpoint health.',
    label: 'state',
    read: ({ endpoints }) => new Map(Object.entries(endpoints)),
  },
  {
    name: 'hooktide_records_pending',
    help: 'Records written and not acknowledged yet.',
    read: ({ pendingRecords }) => pendingRecords,
  },
  {
    name: 'hooktide_partitions',
    help: 'Partitions owned by this process.',
    read: ({ partitions }) => partitions,
  },
  {
    name: 'hooktide_lag',
    help: "Events and requests that are not complete, in this process's partitions.",
    read: ({ lag }) => lag,
  },
  {
    name: 'hooktide_retry_depth',
    help: "Retry records that are not complete, including those that are not due, in this process's partitions of a tier.",
    read: ({ retryDepth }) => retryDepth,
  },
  {
    name: 'hooktide_retry_overdue_seconds',
    help: 'The longest time that a retry of this process has been due without being called; 0 if none is.',
    read: ({ retryOverdueMs }) => retryOverdueMs / 1_000,
  },
]

type Tally = ReturnType<typeof createCounters> &
  ReturnType<typeof createHistograms> & { stoppedBy: StopCause | undefined }

/** What each kind of signal does to the metrics. */
type Counting = {
  readonly [Kind in Signal['kind']]: (tally: Tally, signal: Extract<Signal, { kind: Kind }>) => void
}

const nothing = () => undefined

const counting: Counting = {
  'delivery.recorded': countDelivery,
  'event.unmatched': ({ unmatched }) => unmatched.series.add(),
  'filter.failed': ({ filterErrors }, { fault }) => filterErrors.of(fault).add(),
  'record.rejected': ({ rejected }, { reason }) => rejected.of(reason).add(),
  'run.hopped': ({ hops }) => hops.series.add(),
  'run.deferred': ({ deferrals }) => deferrals.series.add(),
  'run.split': ({ splits }) => splits.series.add(),
  'lanes.idle': ({ laneIdle }, { laneMs }) => laneIdle.series.add(laneMs / 1_000),
  'connection.stale': ({ stale }) => stale.series.add(),
  'run.repeated': ({ repeats }) => repeats.series.add(),
  'endpoint.unusable': ({ unusableHealth }) => unusableHealth.series.add(),
  'hook.unusable': ({ unusable }) => unusable.series.add(),
  'group.assigned': ({ rebalances }, { group }) => rebalances.of(group).add(),
  'commit.acknowledged': ({ commits }, { latencyMs }) => commits.series.observe(latencyMs / 1_000),
  'commit.failed': ({ commitsFailed }, { outcome }) => commitsFailed.of(outcome).add(),
  'commit.foreign': ({ commitsForeign }, { group, count }) => commitsForeign.of(group).add(count),
  'name.asked': ({ names }, { outcome }) => names.of(outcome).add(),
  'name.stale': ({ staleNames }) => staleNames.series.add(),
  'name.unanswered': nothing,
  'name.recovered': nothing,
  'calls.stopped': (tally, { cause }) => {
    tally.stoppedBy = cause
  },
  'calls.resumed': (tally) => {
    tally.stoppedBy = undefined
  },
  'hook.changed': nothing,
  'hook.suspended': nothing,
  'endpoint.changed': nothing,
  'endpoint.disabled': nothing,
  'notice.written': ({ notices }) => notices.of('written').add(),
  'notice.left-out': ({ notices }) => notices.of('left-out').add(),
  'table.loaded': nothing,
  'group.draining': nothing,
}

function count<Kind extends Signal['kind']>(
  tally: Tally,
  signal: Extract<Signal, { kind: Kind }>,
): void {
  const kind: Kind = signal.kind
  counting[kind](tally, signal)
}

function countDelivery(tally: Tally, signal: DeliveryRecorded): void {
  const { outcome, attempt, totalMs, sinceEventMs } = signal
  tally.deliveries.of(outcome).add()
  if (attempt === undefined) return
  const attemptClass = classOf(signal)
  tally.attempts.of(attemptClass).add()
  if (outcome === 'interrupted') return
  if (totalMs !== undefined && isTimed(attemptClass)) {
    tally.durations.of(attemptClass).observe(totalMs / 1_000)
  }
  if (sinceEventMs !== undefined) tally.firstAttempts.series.observe(sinceEventMs / 1_000)
}

function classOf({ errorClass, outcome, reason }: DeliveryRecorded): AttemptClass {
  if (errorClass !== undefined) return errorClass
  if (outcome === 'delivered') return 'ok'
  return reason === 'invalid-url' ? 'invalid-url' : 'aborted'
}

function isTimed(one: AttemptClass): one is (typeof timedClasses)[number] {
  return one !== 'invalid-url' && one !== 'aborted'
}
