/**
 * `npm run bench ingest`: webhooks by HTTP to the real `hooktide ingest`, on a cluster of three brokers: as fast as they
 * are answered, and at a steady rate while the broker that leads a partition is killed. Asserts nothing.
 */
import { startEmbeddedCluster } from '../../examples/sandbox/sandbox.ts'
import { startIngest } from '../support/hooktide-process.ts'
import { parseMetrics } from '../support/metric-lines.ts'
import { firstLine, note, startScript, succeed } from './parts.ts'

const key = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const steady = { perSecond: 5_000, seconds: 20, killAfterMs: 8_000 } as const
const fast = { connections: 256, events: 150_000 } as const

interface Answers {
  readonly seconds: number
  readonly statuses: Readonly<Record<string, number>>
  readonly ms: { readonly p50: number; readonly p99: number; readonly most: number }
  readonly opened: number
  readonly cpuSeconds: number
}

process.env['HOOKTIDE_INGEST_SIGNING_KEYS'] = key
const cluster = await startEmbeddedCluster({ progress: note })
try {
  const environment = {
    KAFKA_BROKERS: cluster.brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: `bench${process.pid}`,
    HOOKTIDE_INGEST_SIGNING_KEYS: key,
    HOOKTIDE_LOG_LEVEL: 'info',
  }
  await succeed(['init', '--partitions', '6', '--replication-factor', '3'], environment)
  await using ingest = startIngest(environment)
  await ingest.ready()
  const { port } = await ingest.waitForLine(({ msg }) => msg === 'webhooks come in')
  const load = (connections: number, events: number, perSecond: number) =>
    startScript('ingest-load.ts', [port, connections, events, perSecond].map(String))

  await firstLine(load(32, 5_000, 0))
  const before = await usage(Number(await ingest.port))
  const most = await answersOf(load(fast.connections, fast.events, 0))
  const after = await usage(Number(await ingest.port))
  const perThousand = ((after.cpuSeconds - before.cpuSeconds) / fast.events) * 1_000
  print(`as fast as answered, ${fast.connections} connections`, most)
  process.stdout.write(
    `  ingest: ${perThousand.toFixed(3)} CPU s per 1,000, ${Math.round(after.rssBytes / 1024 / 1024)} MiB\n`,
  )

  const events = steady.perSecond * steady.seconds
  const running = answersOf(load(0, events, steady.perSecond))
  await new Promise((resolve) => setTimeout(resolve, steady.killAfterMs))
  note('killing one of three brokers')
  await cluster.nodes[0]?.kill()
  print(`${steady.perSecond} a second, one of three brokers killed`, await running)
} finally {
  await cluster.stop()
}

async function answersOf(child: ReturnType<typeof startScript>): Promise<Answers> {
  return JSON.parse(await firstLine(child)) as Answers
}

async function usage(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const series = parseMetrics(await response.text())
  return {
    cpuSeconds: series.get('process_cpu_seconds_total') ?? 0,
    rssBytes: series.get('process_resident_memory_bytes') ?? 0,
  }
}

function print(name: string, { seconds, statuses, ms, opened, cpuSeconds }: Answers): void {
  const count = Object.values(statuses).reduce((sum, one) => sum + one, 0)
  const by = Object.entries(statuses).map(([status, number]) => `${number} × ${status}`)
  const lines = [
    `${name}: ${Math.round(count / seconds)} answers/s (${by.join(', ')})`,
    `  ms: p50 ${ms.p50}, p99 ${ms.p99}, most ${ms.most}; ${opened} connections; the sender took ${cpuSeconds.toFixed(1)} CPU s of ${seconds.toFixed(1)} s`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
