/** What benchmarks of isolation write, run and wait for. */
import { createSink } from '../../src/edge/kafka/sink.ts'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { startRun, type RunningProcess } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { putHooks, sample, succeed, type Environment, type Sample } from './parts.ts'

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

const bodyBytes = 600

export function eventValue(event = 'PostSignIn', createdAt = new Date().toISOString()): Buffer {
  const head = `{"event":"${event}","createdAt":"${createdAt}","userAgent":"`
  return Buffer.from(`${head}${'x'.repeat(bodyBytes - head.length - 2)}"}`)
}

export function eventRecord(
  topic: string,
  key: string,
  { tenant = 'default', event }: BenchEvent,
): OutboundRecord {
  const headers = [['tenant-id', Buffer.from(tenant)] as const]
  return { topic, key, value: eventValue(event), headers }
}

/** A new prefix with its topics, hooks, and events that wait from the beginning. */
export async function prepare(
  environment: Environment,
  {
    hooks,
    events = [],
    partitions = 6,
  }: {
    readonly hooks: readonly BenchHook[]
    readonly events?: readonly BenchEvent[]
    readonly partitions?: number
  },
): Promise<void> {
  await succeed(['init', '--partitions', String(partitions), '--from', 'earliest'], environment)
  await putHooks(environment, hooks)
  await writeEvents(environment, events)
}

export async function writeEvents(
  environment: Environment,
  events: readonly BenchEvent[],
): Promise<void> {
  const brokers = environment['KAFKA_BROKERS']?.split(',') ?? []
  const sink = createSink({ settings: settingsOf(brokers), log: silentLog })
  const topic = `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`
  for (let sent = 0; sent < events.length; sent += 5_000) {
    const batch = events.slice(sent, sent + 5_000)
    await sink.write(batch.map((event, index) => eventRecord(topic, `user-${sent + index}`, event)))
  }
  await sink.stop()
}

export interface Drained extends Sample {
  /** From ready to the last delivery. */
  readonly seconds: number
}

/** Runs processes until they have delivered so many, and sums what they say of themselves. */
export async function drain(
  environment: Environment,
  deliveries: number,
  {
    processes = 1,
    limitSeconds = 600,
  }: { readonly processes?: number; readonly limitSeconds?: number } = {},
): Promise<Drained> {
  const runs = Array.from({ length: processes }, (_, index) =>
    startRun({ ...environment, HOOKTIDE_INSTANCE: `bench-${index}` }),
  )
  try {
    await Promise.all(runs.map((run) => run.ready()))
    const startedAt = performance.now()
    for (;;) {
      const state = await sampleAll(runs)
      const seconds = (performance.now() - startedAt) / 1_000
      if (state.delivered >= deliveries || seconds > limitSeconds) return { ...state, seconds }
    }
  } finally {
    await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()))
  }
}

export async function sampleAll(runs: readonly RunningProcess[]): Promise<Sample> {
  const samples = await Promise.all(runs.map(sample))
  const sum = (of: (one: Sample) => number) => samples.reduce((total, one) => total + of(one), 0)
  return {
    delivered: sum((one) => one.delivered),
    deferred: sum((one) => one.deferred),
    hops: sum((one) => one.hops),
    splits: sum((one) => one.splits),
    laneIdleSeconds: sum((one) => one.laneIdleSeconds),
    lag: sum((one) => one.lag),
    cpuSeconds: sum((one) => one.cpuSeconds),
    rssBytes: Math.max(...samples.map((one) => one.rssBytes)),
  }
}
