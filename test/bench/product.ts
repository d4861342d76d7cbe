/** hooktide as its users run it: the image's command line in child processes, with settings in the environment. */
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import {
  hooktide,
  startIngest,
  startRun,
  type Finished,
  type RunningProcess,
} from '../support/hooktide-process.ts'
import { imageProgram } from '../support/image-program.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { byLabel, parseMetrics, type Series } from '../support/metric-lines.ts'
import type { Contender } from './contender.ts'
import { eventBytes } from './events.ts'
import type { Figures } from './figures.ts'

export type Environment = Readonly<Record<string, string>>

export interface BenchHook extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly tenantId?: string
  readonly events?: readonly string[]
  readonly config: { readonly url: string }
  readonly delivery?: Readonly<Record<string, unknown>>
}

export interface BenchEvent {
  readonly tenant?: string
  readonly event?: string
}

const program = imageProgram()

/** Runs a command to its end. */
export function runCommand(args: readonly string[], environment: Environment): Promise<Finished> {
  return hooktide(args, environment, '', program)
}

/** @throws {Error} with what it said when it fails */
export async function succeed(args: readonly string[], environment: Environment): Promise<void> {
  const { code, stderr } = await runCommand(args, environment)
  if (code !== 0) throw new Error(`hooktide ${args.join(' ')} failed: ${stderr}`)
}

export interface Preparation {
  readonly hooks: Iterable<BenchHook>
  /** Events that wait from the beginning. */
  readonly events?: Iterable<BenchEvent>
  /** Default 6. */
  readonly partitions?: number
}

/** Topics, hooks and waiting events of an environment that is new. */
export async function prepare(
  environment: Environment,
  { hooks, events = [], partitions = 6 }: Preparation,
): Promise<void> {
  await succeed(['init', '--partitions', String(partitions), '--from', 'earliest'], environment)
  await write(environment, hooks, (hook) => hookRecord(environment, hook))
  const topic = `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`
  await write(environment, events, (event, n) => eventRecord(topic, `user-${n}`, event))
}

/** A hook as it is given, with what is the same for all. */
export function hookRecord(environment: Environment, hook: BenchHook): OutboundRecord {
  return {
    topic: `${environment['HOOKTIDE_TOPIC_PREFIX']}.hooks`,
    key: hook.id,
    value: Buffer.from(
      JSON.stringify({ events: ['PostSignIn'], signingKey: 'k'.repeat(32), ...hook }),
    ),
    headers: [],
  }
}

export function eventRecord(
  topic: string,
  key: string,
  { tenant = 'default', event = 'PostSignIn' }: BenchEvent,
): OutboundRecord {
  const headers = [['tenant-id', Buffer.from(tenant)] as const]
  return { topic, key, value: eventBytes({ event }), headers }
}

/** In batches: the records of a million hooks are not held at once. */
async function write<Item>(
  environment: Environment,
  items: Iterable<Item>,
  recordOf: (item: Item, n: number) => OutboundRecord,
): Promise<void> {
  const brokers = environment['KAFKA_BROKERS']?.split(',') ?? []
  const sink = createSink({ settings: settingsOf(brokers), log: silentLog })
  let n = 0
  let batch: OutboundRecord[] = []
  for (const item of items) {
    batch.push(recordOf(item, n))
    n += 1
    if (batch.length < 5_000) continue
    await sink.write(batch)
    batch = []
  }
  if (batch.length > 0) await sink.write(batch)
  await sink.stop()
}

/** `hooktide ingest`. Resolves when it is ready. */
export async function startIngestProduct(environment: Environment): Promise<RunningProcess> {
  const running = startIngest(environment, program)
  try {
    await running.ready()
    return running
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
}

export interface Product extends Contender {
  readonly runs: readonly RunningProcess[]
  /** What the processes say of themselves since the last time, or since they were ready. */
  readings(): Promise<Readings>
}

export interface Readings {
  readonly delivered: number
  readonly deferred: number
  readonly hops: number
  readonly splits: number
  readonly laneIdleSeconds: number
  /** Events and requests that are not complete, now. */
  readonly lag: number
  /** Longest that a due retry waits for its call beyond its time, now. */
  readonly overdueSeconds: number
  /** The longest that the event loop of one of them did not turn. */
  readonly loopDelayMs: number
}

/** Resolves when all of them are ready. */
export async function startProduct(
  environment: Environment,
  { processes = 1 }: { readonly processes?: number } = {},
): Promise<Product> {
  const runs = Array.from({ length: processes }, () => startRun(environment, [], program))
  try {
    await Promise.all(runs.map((run) => run.ready()))
  } catch (error) {
    await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()))
    throw error
  }
  const product = productOf(runs)
  // What delayed the loop while it started is no delay of deliveries.
  await product.readings()
  return product
}

function productOf(runs: readonly RunningProcess[]): Product {
  const ended = Promise.race(runs.map(rejectAtEnd))
  ended.catch(() => undefined)
  const end = async (signal: NodeJS.Signals) => {
    for (const run of runs) run.signal(signal)
    await Promise.all(runs.map((run) => run.exited))
  }
  return {
    runs,
    pids: runs.map(({ pid }) => pid),
    ended,
    async readings() {
      const all = await Promise.all(runs.map(readingsOf))
      const sum = (of: (one: Readings) => number) => all.reduce((total, one) => total + of(one), 0)
      return {
        delivered: sum((one) => one.delivered),
        deferred: sum((one) => one.deferred),
        hops: sum((one) => one.hops),
        splits: sum((one) => one.splits),
        laneIdleSeconds: sum((one) => one.laneIdleSeconds),
        lag: sum((one) => one.lag),
        overdueSeconds: Math.max(...all.map((one) => one.overdueSeconds)),
        loopDelayMs: Math.max(...all.map((one) => one.loopDelayMs)),
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  }
}

async function rejectAtEnd(run: RunningProcess): Promise<never> {
  const code = await run.exited
  throw new Error(`hooktide run ended with ${code}: ${run.errorOutput()}`)
}

/** The histogram has the times between turns of a timer of so many milliseconds: a delay is what is more. */
const loopTimerMs = 10

/**
 * From `/metrics`. The histogram of event loop delays begins anew with each reading, so that its maximum is since the last
 * one. Nobody else may read them.
 *
 * @throws {Error} when it took hooks or events for invalid: a benchmark without them would look fast
 */
async function readingsOf(run: RunningProcess): Promise<Readings> {
  const response = await fetch(`http://127.0.0.1:${await run.port}/metrics`)
  const series = parseMetrics(await response.text())
  const suspended = series.get('hooktide_hooks_suspended') ?? 0
  const rejected = totalOf(series, 'hooktide_records_rejected_total')
  if (suspended + rejected > 0) {
    throw new Error(`hooktide suspended ${suspended} hooks and rejected ${rejected} records`)
  }
  const loopMs = (series.get('nodejs_eventloop_lag_max_seconds') ?? Number.NaN) * 1_000
  return {
    delivered: byLabel(series, 'hooktide_deliveries_total')['delivered'] ?? 0,
    deferred: series.get('hooktide_deferrals_total') ?? 0,
    hops: series.get('hooktide_retry_hops_total') ?? 0,
    splits: series.get('hooktide_splits_total') ?? 0,
    laneIdleSeconds: series.get('hooktide_lane_idle_seconds_total') ?? 0,
    lag: totalOf(series, 'hooktide_lag'),
    overdueSeconds: series.get('hooktide_retry_overdue_seconds') ?? 0,
    loopDelayMs: Math.max(0, loopMs - loopTimerMs),
  }
}

function totalOf(series: Series, metric: string): number {
  return Object.values(byLabel(series, metric)).reduce((total, one) => total + one, 0)
}

/** The names that figures of the product alone have everywhere. */
export function loopFigures({ loopDelayMs }: Readings): Figures {
  return { 'loop delay max ms': loopDelayMs }
}
