/**
 * Webhooks over HTTP to `hooktide ingest`, on three brokers: as fast as it answers, and at an even rate while a broker is
 * killed with `kill -9`. Each measurement has brokers of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedCluster } from '../../../examples/sandbox/sandbox.ts'
import { cpuSecondsOf, peakMiBOf } from '../cpu.ts'
import type { Figures } from '../figures.ts'
import type { IngestAnswers, IngestLoad } from '../ingest-load.ts'
import { startIngestProduct, succeed } from '../product.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { firstLine, startScript } from '../script.ts'

const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const connections = 256
const steady = { perSecond: 5_000, seconds: 20, killAfterMs: 8_000 }
const answered = `${connections} connections`
const killed = `${steady.perSecond} a second, a broker killed`

type Load = Pick<IngestLoad, 'events' | 'pace'>

interface Case {
  readonly load: Load
  readonly killAfterMs?: number
}

export const ingestScenario: Scenario = {
  targets: [
    { subject: answered, figure: 'share of 200', limit: { atLeast: 1 } },
    { subject: killed, figure: 'resets', limit: { atMost: 0 } },
  ],
  async prepare(rig, { events }) {
    const pace = { perSecond: steady.perSecond }
    const evenLoad = { events: steady.perSecond * steady.seconds, pace }
    return [
      {
        name: answered,
        measure: () => measureOnce(rig, { load: { events, pace: { connections } } }),
      },
      {
        name: killed,
        measure: () => measureOnce(rig, { load: evenLoad, killAfterMs: steady.killAfterMs }),
      },
    ]
  },
}

async function measureOnce(rig: Rig, { load, killAfterMs }: Case): Promise<Figures> {
  const cluster = await startEmbeddedCluster({ progress: rig.note })
  try {
    const environment = rig.environment({
      KAFKA_BROKERS: cluster.brokers.join(','),
      HOOKTIDE_INGEST_SIGNING_KEYS: signingKey,
    })
    await succeed(['init', '--partitions', '6', '--replication-factor', '3'], environment)
    await using ingest = await startIngestProduct(environment)
    const line = await ingest.waitForLine(({ msg }) => msg === 'receiving webhooks')
    const port = Number(line['port'])
    await send(port, { events: 5_000, pace: { connections: 32 } })
    const pids = [ingest.pid]
    const used = cpuSecondsOf(pids)
    const sending = send(port, load)
    if (killAfterMs !== undefined) {
      await Promise.race([sleep(killAfterMs), sending])
      await cluster.nodes[0]?.kill()
    }
    const answers = await sending
    return figuresOf(answers, { cpuSeconds: cpuSecondsOf(pids) - used, peakMiB: peakMiBOf(pids) })
  } finally {
    await cluster.stop()
  }
}

async function send(port: number, load: Load): Promise<IngestAnswers> {
  const whole: IngestLoad = { port, signingKey, ...load }
  return JSON.parse(
    await firstLine(startScript('ingest-load.ts', [JSON.stringify(whole)])),
  ) as IngestAnswers
}

function figuresOf(
  { seconds, statuses, ms, connections: opened }: IngestAnswers,
  { cpuSeconds, peakMiB }: { readonly cpuSeconds: number; readonly peakMiB: number },
): Figures {
  const all = Object.values(statuses).reduce((sum, count) => sum + count, 0)
  return {
    'answers/s': all / seconds,
    'share of 200': (statuses['200'] ?? 0) / all,
    resets: statuses['reset'] ?? 0,
    'p50 ms': ms.p50,
    'p99 ms': ms.p99,
    'max ms': ms.max,
    connections: opened,
    'CPU s per 1,000': (cpuSeconds / all) * 1_000,
    'peak MiB': peakMiB,
  }
}
