/**
 * `npm run bench isolation [seconds]`: what endpoints that never answer cost those that do, each time beside the same
 * load without them, in one run. Then a healthy hook alone with a backlog, and a dead one through a simulated day.
 */
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import { startSurroundings } from '../../src/sandbox/surroundings.ts'
import { createRig, topics } from '../support/flow-rig.ts'
import { startRun, type RunningProcess } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { tailTopic } from '../support/topic-tail.ts'
import { firstLine, note, putHooks, rowOf, sample, startScript, succeed } from './parts.ts'

const seconds = Number(process.argv[3] ?? 45)
const bodyBytes = 600
const tickMs = 20
/** What happens before is not counted: connections are opened, breakers learn. */
const warmUpMs = 10_000

/** Events of one tenant, which has one hook. */
interface Traffic {
  readonly tenant: string
  readonly perSecond: number
  /** Whether the endpoint ever answers. */
  readonly isDead: boolean
}

interface Figures {
  readonly perSecond: number
  /** From the event's time to the start of its first attempt, in ms. */
  readonly latencies: readonly number[]
  readonly deferred: number
  /** Resident memory of the processor, largest in the second and the last third, in bytes. */
  readonly memory: readonly [middle: number, last: number]
}

const surroundings = await startSurroundings({ progress: note })
const receiver = startScript('receiver-process.ts', [])
let scenarios = 0

try {
  const origin = `http://127.0.0.1:${await firstLine(receiver)}`
  await isolationOf(origin)
  await backlogOf(origin)
  await dayOfDeath()
} finally {
  receiver.stdin?.end()
  await surroundings.stop()
}

async function isolationOf(origin: string): Promise<void> {
  const one = (isDead: boolean): readonly Traffic[] => [
    { tenant: 'fine', perSecond: 1_800, isDead: false },
    { tenant: 'other', perSecond: 200, isDead },
  ]
  const hundred = (isDead: boolean): readonly Traffic[] => [
    { tenant: 'fine', perSecond: 200, isDead: false },
    ...Array.from({ length: 100 }, (_, n) => ({ tenant: `other${n}`, perSecond: 5, isDead })),
  ]
  process.stdout.write(
    `${rowOf('the endpoint that answers', ['calls/s', 'p50 ms', 'p95 ms', 'p99 ms', 'deferrals', 'MiB middle', 'MiB last'])}\n`,
  )
  for (const [name, traffic] of [
    ['2,000/s, all answer', one(false)],
    ['2,000/s, a tenth never answered', one(true)],
    ['700/s, 101 endpoints answer', hundred(false)],
    ['700/s, 100 of 101 never answer', hundred(true)],
  ] as const) {
    const { perSecond, latencies, deferred, memory } = await measure(origin, traffic)
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
    const cells = [perSecond, at(0.5), at(0.95), at(0.99), deferred, ...memory.map(mebibytes)]
    process.stdout.write(`${rowOf(name, cells)}\n`)
  }
}

function environmentOf(): Readonly<Record<string, string>> {
  scenarios += 1
  const prefix = `bench${process.pid}-${scenarios}`
  return {
    KAFKA_BROKERS: surroundings.brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: prefix,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_TIMEOUT_MS: '5000',
    HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '0',
  }
}

async function measure(origin: string, traffic: readonly Traffic[]): Promise<Figures> {
  const environment = environmentOf()
  await succeed(['init', '--partitions', '6'], environment)
  await putHooks(
    environment,
    traffic.map(({ tenant, isDead }) => ({
      id: tenant,
      tenantId: tenant,
      config: { url: `${origin}/${isDead ? 'hang' : 'ok'}` },
    })),
  )
  await using run = startRun(environment)
  await run.ready()
  const countsFrom = Date.now() + warmUpMs
  const latencies: number[] = []
  const read = createResultReader(undefined)
  const prefix = environment['HOOKTIDE_TOPIC_PREFIX'] ?? ''
  const results = tailTopic(surroundings.brokers, `${prefix}.webhook.results`, async (record) => {
    const { hookId, attempt, eventAt, attemptedAt } = await read(record.value)
    if (hookId === 'fine' && attempt === 1 && eventAt >= countsFrom) {
      latencies.push(attemptedAt - eventAt)
    }
  })
  const stopLoad = startTraffic(`${prefix}.events`, traffic)
  const memory = await watchMemory(run, warmUpMs + seconds * 1_000)
  await stopLoad()
  const { deferred } = await sample(run)
  await results.stop()
  return {
    perSecond: latencies.length / seconds,
    latencies: latencies.toSorted((a, b) => a - b),
    deferred,
    memory,
  }
}

/** Writes events at the wanted rates. Resolves, once asked to end, when all are acknowledged. */
function startTraffic(topic: string, traffic: readonly Traffic[]): () => Promise<void> {
  const sink = createSink({ settings: settingsOf(surroundings.brokers), log: silentLog })
  const writes: Promise<void>[] = []
  const startedAt = performance.now()
  const written = new Map<string, number>()
  const timer = setInterval(() => {
    const passed = (performance.now() - startedAt) / 1_000
    const records = traffic.flatMap(({ tenant, perSecond }) => {
      const before = written.get(tenant) ?? 0
      const due = Math.floor(passed * perSecond)
      written.set(tenant, due)
      return Array.from({ length: due - before }, (_, n) => ({
        topic,
        key: `${tenant}-${before + n}`,
        value: eventValue(new Date().toISOString()),
        headers: [['tenant-id', Buffer.from(tenant)] as const],
      }))
    })
    writes.push(sink.write(records))
  }, tickMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(writes)
    await sink.stop()
  }
}

function eventValue(createdAt: string): Buffer {
  const head = `{"event":"PostSignIn","createdAt":"${createdAt}","userAgent":"`
  return Buffer.from(`${head}${'x'.repeat(bodyBytes - head.length - 2)}"}`)
}

async function watchMemory(
  run: RunningProcess,
  durationMs: number,
): Promise<readonly [number, number]> {
  const startedAt = performance.now()
  let [middle, last] = [0, 0]
  for (;;) {
    const share = (performance.now() - startedAt) / durationMs
    if (share >= 1) return [middle, last]
    const { rssBytes } = await sample(run)
    if (share > 2 / 3) last = Math.max(last, rssBytes)
    else if (share > 1 / 3) middle = Math.max(middle, rssBytes)
  }
}

async function backlogOf(origin: string): Promise<void> {
  const total = 100_000
  const environment = environmentOf()
  await succeed(['init', '--partitions', '6', '--from', 'earliest'], environment)
  await putHooks(environment, [{ id: 'alone', config: { url: `${origin}/ok` } }])
  const sink = createSink({ settings: settingsOf(surroundings.brokers), log: silentLog })
  const value = eventValue(new Date().toISOString())
  for (let sent = 0; sent < total; sent += 5_000) {
    await sink.write(
      Array.from({ length: 5_000 }, (_, n) => ({
        topic: `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`,
        key: `user-${sent + n}`,
        value,
        headers: [],
      })),
    )
  }
  await sink.stop()
  await using run = startRun(environment)
  await run.ready()
  const startedAt = performance.now()
  let state = await sample(run)
  let [highestLag, peakBytes] = [0, 0]
  while (state.delivered < total) {
    highestLag = Math.max(highestLag, state.lag)
    peakBytes = Math.max(peakBytes, state.rssBytes)
    state = await sample(run)
  }
  const rate = total / ((performance.now() - startedAt) / 1_000)
  process.stdout.write(
    `\na healthy hook alone, 100,000 events waiting: lag shows ${highestLag} at most, ${state.deferred} deferrals, ${Math.round(rate)} deliveries/s, ${Math.round(mebibytes(peakBytes))} MiB at most\n`,
  )
}

/** The real topology in memory, on a clock moved by hand. */
async function dayOfDeath(): Promise<void> {
  const maxDeferredPerHook = 100
  process.stdout.write(
    `\n${rowOf(`a dead hook for 24 simulated hours`, ['events/h', 'calls', 'writes/h'])}\n`,
  )
  for (const perMinute of [10, 100]) {
    const rig = createRig()
    rig.putHook({ id: 'dead' })
    rig.putHook({ id: 'fine', events: ['User.Created'] })
    const one = await rig.start({ maxDeferredPerHook })
    one.http.script('https://dead.example/', 500)
    one.http.script('https://fine.example/', 200)
    const writes = () =>
      ['5s', '30s', '5m'].reduce(
        (sum, delay) => sum + rig.broker.read(`${topics.retryPrefix}${delay}`).length,
        0,
      )
    let before = 0
    for (let passed = 0; passed < 24 * 60; passed += 1) {
      for (let index = 0; index < perMinute; index += 1) rig.sendEvent({ passed, index })
      rig.sendEvent({ event: 'User.Created', passed })
      await rig.clock.advance(60_000)
      if (passed === 23 * 60) before = writes()
    }
    const calls = one.http.calls.filter(({ request }) => request.url.includes('dead')).length
    process.stdout.write(
      `${rowOf(`at most ${maxDeferredPerHook} waiting by deferral`, [perMinute * 60, calls, writes() - before])}\n`,
    )
  }
}

function mebibytes(bytes: number): number {
  return bytes / 1024 / 1024
}
