/** The rows and panels of the Grafana dashboard, with their queries. */

/** The processes of one dashboard. Grafana fills in the variables. */
const chosen = 'job=~"$job",instance=~"$instance"'
const interval = '$__rate_interval'

export interface Query {
  /** PromQL, with Grafana's variables. */
  readonly expression: string
  /** The name of each of its series; `{{label}}` stands for a label's value. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly description: string
  /** One of Grafana's units. */
  readonly unit: string
  readonly queries: readonly Query[]
  /** At most so large, such as 1 for a share. */
  readonly max?: number
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

function rate(metric: string, by: string, more = ''): string {
  return `sum by (${by}) (rate(${metric}{${chosen}${more}}[${interval}]))`
}

function total(metric: string, by: string, more = ''): string {
  return `sum by (${by}) (${metric}{${chosen}${more}})`
}

function percentiles(metric: string): readonly Query[] {
  return [0.5, 0.95, 0.99].map((share) => ({
    expression: `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket{${chosen}}[${interval}])))`,
    legend: `p${share * 100}`,
  }))
}

export const rows: readonly Row[] = [
  {
    title: 'Deliveries',
    panels: [
      {
        title: 'Delivered share',
        description:
          'Of the deliveries that ended. Deliveries that wait for a retry have not ended. Which hooks fail is in the results: hooktide stats --by hook.',
        unit: 'percentunit',
        max: 1,
        queries: [
          {
            expression: `sum(rate(hooktide_deliveries_total{${chosen},outcome="delivered"}[${interval}])) / sum(rate(hooktide_deliveries_total{${chosen},outcome=~"delivered|dead|expired"}[${interval}]))`,
            legend: 'delivered',
          },
        ],
      },
      {
        title: 'Results by outcome',
        description: 'Results written per second.',
        unit: 'ops',
        queries: [
          { expression: rate('hooktide_deliveries_total', 'outcome'), legend: '{{outcome}}' },
        ],
      },
      {
        title: 'Calls by class',
        description: 'HTTP calls per second: ok, or the class of what went wrong.',
        unit: 'ops',
        queries: [{ expression: rate('hooktide_attempts_total', 'class'), legend: '{{class}}' }],
      },
      {
        title: 'Time of a call',
        description: 'From the start of a call to its end, of all endpoints.',
        unit: 's',
        queries: percentiles('hooktide_attempt_duration_seconds'),
      },
      {
        title: 'Time from an event to its first call',
        description: "From the event record's timestamp to the start of its first call for a hook.",
        unit: 's',
        queries: percentiles('hooktide_event_to_first_attempt_seconds'),
      },
    ],
  },
  {
    title: 'What waits',
    panels: [
      {
        title: 'Lag',
        description: 'Events and requests that are not complete.',
        unit: 'short',
        queries: [{ expression: total('hooktide_lag', 'topic'), legend: '{{topic}}' }],
      },
      {
        title: 'Retries that wait',
        description: 'Retry records that are not complete. Most of them are not due.',
        unit: 'short',
        queries: [{ expression: total('hooktide_retry_depth', 'topic'), legend: '{{topic}}' }],
      },
      {
        title: 'Overdue retries',
        description: 'The longest that a retry has waited for its call after it was due.',
        unit: 's',
        queries: [
          { expression: `max(hooktide_retry_overdue_seconds{${chosen}})`, legend: 'longest' },
        ],
      },
      {
        title: 'In the processes',
        description: 'Calls in flight, deliveries in lanes, and records fetched and not admitted.',
        unit: 'short',
        queries: [
          { expression: `sum(hooktide_in_flight{${chosen}})`, legend: 'in flight' },
          { expression: `sum(hooktide_queued{${chosen}})`, legend: 'queued' },
          { expression: `sum(hooktide_backlog{${chosen}})`, legend: 'fetched' },
        ],
      },
      {
        title: 'Put off and split off',
        description:
          'Deliveries per second that were deferred to a retry topic without an attempt, or split off a half-done event.',
        unit: 'ops',
        queries: [
          {
            expression: `sum(rate(hooktide_deferrals_total{${chosen}}[${interval}]))`,
            legend: 'deferred',
          },
          {
            expression: `sum(rate(hooktide_retry_hops_total{${chosen}}[${interval}]))`,
            legend: 'hops',
          },
          {
            expression: `sum(rate(hooktide_splits_total{${chosen}}[${interval}]))`,
            legend: 'split',
          },
        ],
      },
    ],
  },
  {
    title: 'Hooks and endpoints',
    panels: [
      {
        title: 'Endpoints that are not healthy',
        description: 'Equal in all processes: the endpoints topic says so.',
        unit: 'short',
        queries: [
          { expression: `max by (state) (hooktide_endpoints{${chosen}})`, legend: '{{state}}' },
        ],
      },
      {
        title: 'Hooks',
        description: 'Hooks in the table, and those whose newest record is not valid.',
        unit: 'short',
        queries: [
          { expression: `max(hooktide_hooks{${chosen}})`, legend: 'hooks' },
          { expression: `max(hooktide_hooks_suspended{${chosen}})`, legend: 'suspended' },
        ],
      },
      {
        title: 'Events that went nowhere',
        description: 'Events per second without a matching hook, and records that were rejected.',
        unit: 'ops',
        queries: [
          {
            expression: `sum(rate(hooktide_events_unmatched_total{${chosen}}[${interval}]))`,
            legend: 'unmatched',
          },
          { expression: rate('hooktide_records_rejected_total', 'reason'), legend: '{{reason}}' },
        ],
      },
      {
        title: 'Filters without a value',
        description: 'Filters per second that had no value for an event.',
        unit: 'ops',
        queries: [
          { expression: rate('hooktide_filter_errors_total', 'fault'), legend: '{{fault}}' },
        ],
      },
      {
        title: 'Lookups of host names',
        description:
          'By what name servers answered, and connections to an address beyond its time to live.',
        unit: 'ops',
        queries: [
          { expression: rate('hooktide_name_lookups_total', 'outcome'), legend: '{{outcome}}' },
          {
            expression: `sum(rate(hooktide_stale_addresses_total{${chosen}}[${interval}]))`,
            legend: 'stale',
          },
        ],
      },
      {
        title: 'Notices',
        description:
          'Notices of endpoints per second: written as events, or left out because of their bounds. None unless HOOKTIDE_NOTICES is set.',
        unit: 'ops',
        queries: [{ expression: rate('hooktide_notices_total', 'outcome'), legend: '{{outcome}}' }],
      },
    ],
  },
  {
    title: 'Kafka',
    panels: [
      {
        title: 'Calls held back',
        description: '1 while a process starts no calls, by cause.',
        unit: 'short',
        queries: [
          { expression: `max by (cause) (hooktide_calls_stopped{${chosen}})`, legend: '{{cause}}' },
        ],
      },
      {
        title: 'Time of a commit',
        description: 'Until it is acknowledged.',
        unit: 's',
        queries: percentiles('hooktide_commit_duration_seconds'),
      },
      {
        title: 'Commits that failed',
        description: 'Per second. The next commit holds the same.',
        unit: 'ops',
        queries: [
          { expression: rate('hooktide_commits_failed_total', 'outcome'), legend: '{{outcome}}' },
        ],
      },
      {
        title: 'Rebalances',
        description: 'Assignments per minute, over all processes.',
        unit: 'short',
        queries: [
          { expression: `60 * ${rate('hooktide_rebalances_total', 'group')}`, legend: '{{group}}' },
        ],
      },
      {
        title: 'Records not acknowledged',
        description: 'Results, retries and dead letters that are written and not acknowledged.',
        unit: 'short',
        queries: [{ expression: `sum(hooktide_records_pending{${chosen}})`, legend: 'records' }],
      },
      {
        title: 'Partitions',
        description: 'By process and topic.',
        unit: 'short',
        queries: [
          {
            expression: total('hooktide_partitions', 'instance, topic'),
            legend: '{{instance}} {{topic}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Ingest',
    panels: [
      {
        title: 'Answers',
        description:
          'Requests to hooktide ingest per second, by their answer. After unavailable, Logto tries again for two seconds at most. Then the event is lost.',
        unit: 'ops',
        queries: [
          { expression: rate('hooktide_ingest_requests_total', 'answer'), legend: '{{answer}}' },
        ],
      },
      {
        title: 'Events by path',
        description: 'Events per second that were written to Kafka, by the path of their webhook.',
        unit: 'ops',
        queries: [{ expression: rate('hooktide_ingest_events_total', 'path'), legend: '{{path}}' }],
      },
      {
        title: 'Time of an answer',
        description: 'Of accepted webhooks, from the end of the headers. Logto waits 10 seconds.',
        unit: 's',
        queries: percentiles('hooktide_ingest_duration_seconds'),
      },
      {
        title: 'Events that wait for Kafka',
        description: 'Events that Kafka has not acknowledged yet. A process holds up to 20,000.',
        unit: 'short',
        queries: [
          { expression: total('hooktide_ingest_pending', 'instance'), legend: '{{instance}}' },
        ],
      },
      {
        title: 'Memory of these events',
        description: 'A process holds up to 64 MiB.',
        unit: 'bytes',
        queries: [
          {
            expression: total('hooktide_ingest_pending_bytes', 'instance'),
            legend: '{{instance}}',
          },
        ],
      },
      {
        title: 'Connections',
        description: 'Open connections of the port for webhooks.',
        unit: 'short',
        queries: [
          { expression: total('hooktide_ingest_connections', 'instance'), legend: '{{instance}}' },
        ],
      },
    ],
  },
  {
    title: 'Processes',
    panels: [
      {
        title: 'Ready',
        description: '1 while /readyz of the process answers 200.',
        unit: 'short',
        max: 1,
        queries: [{ expression: `hooktide_ready{${chosen}}`, legend: '{{instance}}' }],
      },
      {
        title: 'CPU',
        description: 'Cores in use. One process can use little more than one.',
        unit: 'short',
        queries: [
          {
            expression: `rate(process_cpu_seconds_total{${chosen}}[${interval}])`,
            legend: '{{instance}}',
          },
        ],
      },
      {
        title: 'Memory',
        description: 'Resident memory.',
        unit: 'bytes',
        queries: [
          { expression: `process_resident_memory_bytes{${chosen}}`, legend: '{{instance}}' },
        ],
      },
      {
        title: 'Delay of the event loop',
        description: 'The 99th percentile. A process whose event loop is busy puts nothing off.',
        unit: 's',
        queries: [
          { expression: `nodejs_eventloop_lag_p99_seconds{${chosen}}`, legend: '{{instance}}' },
        ],
      },
      {
        title: 'Versions',
        description: 'Processes by version. More than one shows during an update.',
        unit: 'short',
        queries: [
          {
            expression: `count by (version) (hooktide_build_info{${chosen}})`,
            legend: '{{version}}',
          },
        ],
      },
    ],
  },
]
