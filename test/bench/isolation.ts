/**
 * `npm run bench isolation [scenario …]`: what slow, hanging, dead and busy neighbours cost, each scenario beside its
 * ideal or beside the same load without them, in one run. Without names all are run, which takes about an hour.
 */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import { startSurroundings } from '../../examples/sandbox/sandbox.ts'
import { recoveryFrom, type Failure } from '../support/recovery.ts'
import { startRun } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { tailTopic } from '../support/topic-tail.ts'
import { drain, eventRecord, prepare, sampleAll, type BenchEvent, type BenchHook } from './load.ts'
import { readBenchOptions, scenarioNames, type ScenarioName } from './options.ts'
import { firstLine, note, rowOf, sample, startScript, type Environment } from './parts.ts'

const surroundings = await startSurroundings({ progress: note })
const receiver = startScript('receiver-process.ts', [])
const origin = `http://127.0.0.1:${await firstLine(receiver)}`
let rigs = 0

const slow: BenchHook = hookOf('slow', ['Slow', 'Both'], 'after/400')
const fast: BenchHook = hookOf('fast', ['Fast', 'Both'], 'ok')

const scenarios: Readonly<Record<ScenarioName, () => Promise<void>>> = {
  burst: async () => {
    for (const partitions of [1, 6]) {
      await drained(`burst: 1,500 slow beside 1,500 fast, ${partitions} partitions`, {
        hooks: [slow, fast],
        events: times(3_000, (n) => ({ event: n % 2 === 0 ? 'Slow' : 'Fast' })),
        partitions,
        deliveries: 3_000,
        idealSeconds: 37.5,
      })
    }
    await drained('burst: 1,500 events for both', {
      hooks: [slow, fast],
      events: times(1_500, () => ({ event: 'Both' })),
      deliveries: 3_000,
      idealSeconds: 37.5,
    })
  },
  backlog: async () => {
    await drained('backlog: 20,000 for a hook of 40/s alone', {
      hooks: [slow],
      events: times(20_000, () => ({ event: 'Slow' })),
      deliveries: 20_000,
      idealSeconds: 500,
    })
  },
  rates: async () => {
    for (const ms of [25, 14]) {
      const perSecond = 16_000 / ms
      await drained(`rates: 50,000 for a hook of ${Math.round(perSecond)}/s`, {
        hooks: [hookOf('one', ['PostSignIn'], `after/${ms}`)],
        events: times(50_000, () => ({})),
        deliveries: 50_000,
        idealSeconds: 50_000 / perSecond,
      })
    }
    for (const partitions of [6, 12, 48]) {
      await drained(`rates: 50,000 for one that answers at once, ${partitions} partitions`, {
        hooks: [hookOf('one', ['PostSignIn'], 'ok')],
        events: times(50_000, () => ({})),
        partitions,
        deliveries: 50_000,
        idealSeconds: Number.NaN,
      })
    }
  },
  fanout: async () => {
    await drained('fanout: 1,000 events for 100 hooks that answer at once', {
      hooks: times(100, (n) => hookOf(`hook${n}`, ['PostSignIn'], 'ok')),
      events: times(1_000, () => ({})),
      deliveries: 100_000,
      idealSeconds: Number.NaN,
    })
  },
  busy: busyMachine,
  kill: killInFanOut,
  hanging: hangingTenant,
  recovery: hourOfFailure,
}

const options = readBenchOptions(process.argv.slice(2))
const wanted = options.kind === 'isolation' ? options.scenarios : []
try {
  process.stdout.write(
    `${rowOf('', ['seconds', 'x ideal', 'deferred', 'hops', 'splits', 'idle s', 'CPU s', 'MiB'])}\n`,
  )
  for (const name of scenarioNames) if (wanted.includes(name)) await scenarios[name]()
} finally {
  receiver.stdin?.end()
  await surroundings.stop()
}

function times<Item>(count: number, of: (n: number) => Item): Item[] {
  return Array.from({ length: count }, (_, n) => of(n))
}

/** @param path what the endpoint does; see `receiver-process.ts` */
function hookOf(id: string, events: readonly string[], path: string, tenantId = 'default') {
  return { id, tenantId, events, config: { url: `${origin}/${path}/${id}` } }
}

function environmentOf(extra: Environment = {}): Environment {
  rigs += 1
  const prefix = `bench${process.pid}-${rigs}`
  return {
    KAFKA_BROKERS: surroundings.brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: prefix,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '0',
    ...extra,
  }
}

interface Load {
  readonly hooks: readonly BenchHook[]
  readonly events: readonly BenchEvent[]
  readonly partitions?: number
  readonly deliveries: number
  /** Not a number where there is none. */
  readonly idealSeconds: number
  readonly processes?: number
  readonly environment?: Environment
}

async function drained(name: string, load: Load): Promise<number> {
  const environment = environmentOf(load.environment)
  await prepare(environment, load)
  const { processes = 1 } = load
  const { seconds, ...state } = await drain(environment, load.deliveries, { processes })
  const cells = [
    seconds.toFixed(1),
    Number.isNaN(load.idealSeconds) ? '' : (seconds / load.idealSeconds).toFixed(2),
    state.deferred,
    state.hops,
    state.splits,
    state.laneIdleSeconds.toFixed(1),
    state.cpuSeconds.toFixed(1),
    state.rssBytes / 1024 / 1024,
  ]
  process.stdout.write(`${rowOf(name, cells)}\n`)
  return seconds
}

/** Two programs that do nothing but use a core each run beside the processors. */
async function busyMachine(): Promise<void> {
  const load = {
    hooks: times(50, (n) => hookOf(`hook${n}`, ['PostSignIn'], `after/${n * 3}`, `tenant${n}`)),
    events: times(20_000, (n) => ({ tenant: `tenant${n % 50}` })),
    deliveries: 20_000,
  }
  // Whoever reads this meter takes the process for slow, and puts nothing off.
  const preload = join(tmpdir(), `hooktide-busy-meter-${process.pid}.mjs`)
  await writeFile(
    preload,
    "import { performance } from 'node:perf_hooks'\nperformance.eventLoopUtilization = () => ({ idle: 0, active: 1, utilization: 1 })\n",
  )
  const neverPutOff = { NODE_OPTIONS: `--import=file://${preload}` }
  const burners = times(2, () => spawn(process.execPath, ['-e', 'for (;;) {}']))
  try {
    for (const processes of [1, 3]) {
      const idealSeconds = await drained(`busy: 50 hooks, ${processes} processes, never put off`, {
        ...load,
        processes,
        idealSeconds: Number.NaN,
        environment: neverPutOff,
      })
      await drained(`busy: 50 hooks, ${processes} processes`, { ...load, processes, idealSeconds })
    }
  } finally {
    for (const burner of burners) burner.kill('SIGKILL')
  }
}

/** A processor is killed ten times while events go to twenty hooks each, and another one goes on. */
async function killInFanOut(): Promise<void> {
  const repeats: number[] = []
  for (let round = 0; round < 10; round += 1) {
    await fetch(`${origin}/forget`)
    const environment = environmentOf({ HOOKTIDE_SESSION_TIMEOUT_MS: '6000' })
    const hooks = times(20, (n) => hookOf(`hook${n}`, ['PostSignIn'], `within/${n * 10}`))
    await prepare(environment, { hooks, events: times(3_000, () => ({})) })
    const first = startRun(environment)
    await first.ready()
    while ((await sample(first)).delivered < 5_000 + round * 4_000) continue
    first.signal('SIGKILL')
    await first.exited
    await using second = startRun(environment)
    await second.ready()
    while ((await statsOf()).deliveries < 60_000) await sample(second)
    let state = await sample(second)
    for (let before = -1; state.delivered !== before;) {
      before = state.delivered
      for (let tenth = 0; tenth < 10; tenth += 1) state = await sample(second)
    }
    const { calls, deliveries } = await statsOf()
    repeats.push(calls - deliveries)
  }
  repeats.sort((a, b) => a - b)
  process.stdout.write(
    `kill -9 while events go to 20 hooks each: repeated calls median ${repeats[5]}, worst ${repeats.at(-1)} of ${repeats.length} rounds (${repeats.join(', ')})\n`,
  )
}

async function statsOf(): Promise<{ readonly calls: number; readonly deliveries: number }> {
  const response = await fetch(`${origin}/stats`)
  return (await response.json()) as { calls: number; deliveries: number }
}

/** 4,500 hooks of one tenant hang at 3,000 events a second; another tenant, and a hook of the same one, answer. */
async function hangingTenant(): Promise<void> {
  const alone = await latenciesBeside(0)
  const beside = await latenciesBeside(4_500)
  for (const who of ['other', 'sibling'] as const) {
    process.stdout.write(
      `hanging: p50/p99/max ms of ${who === 'other' ? 'another tenant' : 'another hook of the tenant'}: alone ${summary(alone[who])}, beside 4,500 hooks that hang ${summary(beside[who])}\n`,
    )
  }
}

async function latenciesBeside(
  hanging: number,
): Promise<{ readonly other: readonly number[]; readonly sibling: readonly number[] }> {
  const environment = environmentOf({ HOOKTIDE_TIMEOUT_MS: '10000' })
  const hooks = [
    hookOf('other', ['Other'], 'ok', 'other'),
    hookOf('sibling', ['Sibling'], 'ok', 'greedy'),
    ...times(hanging, (n) => hookOf(`hangs${n}`, [`Hangs.${n}`], 'hang', 'greedy')),
  ]
  await prepare(environment, { hooks })
  await using run = startRun(environment)
  await run.ready()
  const found = { other: [] as number[], sibling: [] as number[] }
  const read = createResultReader(undefined)
  const prefix = environment['HOOKTIDE_TOPIC_PREFIX'] ?? ''
  const results = tailTopic(surroundings.brokers, `${prefix}.webhook.results`, async (record) => {
    const { hookId, attempt, eventAt, attemptedAt } = await read(record.value)
    if (attempt !== 1) return
    if (hookId === 'other' || hookId === 'sibling') found[hookId].push(attemptedAt - eventAt)
  })
  const sink = createSink({ settings: settingsOf(surroundings.brokers), log: silentLog })
  const writes: Promise<void>[] = []
  const startedAt = performance.now()
  let tick = 0
  const timer = setInterval(() => {
    // 60 for hooks that hang, one for each of the others: every 20 ms.
    for (; tick < (performance.now() - startedAt) / 20; tick += 1) {
      const crowd = times(hanging === 0 ? 0 : 60, (n) => ({
        tenant: 'greedy',
        event: `Hangs.${(tick * 60 + n) % hanging}`,
      }))
      const events: BenchEvent[] = [
        ...crowd,
        { tenant: 'other', event: 'Other' },
        { tenant: 'greedy', event: 'Sibling' },
      ]
      const topic = `${prefix}.events`
      writes.push(sink.write(events.map((event, n) => eventRecord(topic, `${tick}-${n}`, event))))
    }
  }, 20)
  while (performance.now() - startedAt < 60_000) await sampleAll([run])
  clearInterval(timer)
  await Promise.all(writes)
  await sink.stop()
  await results.stop()
  return found
}

function summary(latencies: readonly number[]): string {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN)
  return `${at(0.5)}/${at(0.99)}/${Math.round(sorted.at(-1) ?? Number.NaN)}`
}

/** The real topology in memory, on a clock moved by hand: an endpoint fails for an hour, then works again. */
async function hourOfFailure(): Promise<void> {
  const usual: Failure = { callMs: 160, concurrency: 16, waiting: 18_000 }
  const cases: Readonly<Record<string, Failure>> = {
    '100/s, 1,000 waiting': { ...usual, waiting: 1_000, freshPerSecond: 0.5 },
    '100/s, 18,000 waiting': usual,
    '100/s, 50,000 waiting': { ...usual, waiting: 50_000 },
    '5/s, 1,000 waiting': { callMs: 200, concurrency: 1, waiting: 1_000, freshPerSecond: 0.5 },
    '500/s, 18,000 waiting': { ...usual, callMs: 32 },
    '100/s, 18,000 waiting, one partition': { ...usual, partitions: 1 },
    '100/s, 18,000 waiting, it hung': { ...usual, hangs: true },
    '100/s, 18,000 waiting, processes replaced': { ...usual, restarts: true },
    '2 processes of 100/s, 18,000 waiting': { ...usual, processes: 2 },
    '3 processes of 100/s, 18,000 waiting, it hung': { ...usual, processes: 3, hangs: true },
  }
  for (const [name, failure] of Object.entries(cases)) {
    const { waited, drainMs, idealMs, fresh, ...others } = await recoveryFrom(failure)
    const { writesWhileFailing, writesEach, idleMs, probeMs } = others
    process.stdout.write(
      `recovery: ${name}: ${waited} drained in ${(drainMs / 1_000).toFixed(1)} s, ${(drainMs / idealMs).toFixed(2)} times the ideal, from the probe on, ${(probeMs / 1_000).toFixed(0)} s after the recovery; fresh events p50/p99/max ms ${summary(fresh)}; ${2 * writesWhileFailing} writes to tiers an hour before, ${writesEach.toFixed(1)} a delivery after; lane idle ${(idleMs / 1_000).toFixed(1)} s\n`,
    )
  }
}
