/**
 * S3: a hook of one tenant hangs, or 4,500 of them do, or one of each of 4,500 tenants. A hook of another tenant, and another
 * hook of the same one (S3b), get 50 events a second each and answer at once. Beside the same two without those that hang.
 * Latencies are of all but the first second, in which connections are made and code is compiled; the longest of that second is
 * shown by itself.
 */
import { createSink } from '../../../src/edge/kafka/sink.ts'
import { createResultReader } from '../../../src/edge/registry/result-codec.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'
import { tailTopic, type Tail } from '../../support/topic-tail.ts'
import { percentile, type Figures, type Target } from '../figures.ts'
import { eventRecord, loopFigures, prepare, startProduct, type BenchEvent } from '../product.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { times } from './neighbours.ts'

/** Hooks that hang, and how many events they get together each tick; each of the two others gets one. */
interface Crowd {
  readonly hooks: number
  readonly eachTick: number
  /** Default: all are of the tenant of one of the two others. */
  readonly tenantOf?: (n: number) => string
}

const seconds = 60
const tickMs = 20
const alone = 'alone'
const crowds: Readonly<Record<string, Crowd>> = {
  'beside one that hangs': { hooks: 1, eachTick: 10 },
  'beside 4500 that hang': { hooks: 4_500, eachTick: 60 },
  'beside 4500 tenants that hang': { hooks: 4_500, eachTick: 60, tenantOf: (n) => `hangs${n}` },
  [alone]: { hooks: 0, eachTick: 0 },
}
const ofSibling = () => 'greedy'
const watched = ['other', 'sibling'] as const

export const hangingScenario: Scenario = {
  targets: Object.keys(crowds)
    .filter((name) => name !== alone)
    .flatMap((name) => [
      ...watched.flatMap((who): readonly Target[] => [
        { subject: name, figure: `of ${who}'s called`, limit: { atLeast: 0.99 } },
        { subject: name, figure: `${who} p99 ms`, beside: alone, limit: { atMost: 1.5 } },
      ]),
      { subject: name, figure: 'loop delay max ms', limit: { atMost: 50 } },
    ]),
  async prepare(rig) {
    return Object.entries(crowds).map(([name, crowd]) => ({
      name,
      measure: () => latenciesBeside(rig, crowd),
    }))
  },
}

async function latenciesBeside(rig: Rig, crowd: Crowd): Promise<Figures> {
  const { tenantOf = ofSibling } = crowd
  const environment = rig.environment()
  const hooks = [
    rig.hook('other', 'ok', { events: ['Other'], tenantId: 'other' }),
    rig.hook('sibling', 'ok', { events: ['Sibling'], tenantId: 'greedy' }),
    ...times(crowd.hooks, (n) =>
      rig.hook(`hangs${n}`, 'hang', { events: [`Hangs.N${n}`], tenantId: tenantOf(n) }),
    ),
  ]
  await prepare(environment, { hooks })
  await using running = await startProduct(environment)
  const prefix = environment['HOOKTIDE_TOPIC_PREFIX'] ?? ''
  const results = tailLatencies(rig, `${prefix}.webhook.results`)
  const offered = await write(rig, `${prefix}.events`, crowd)
  const loop = loopFigures(await running.readings())
  await results.stop()
  return { ...figuresOf(results.items, offered), ...loop }
}

interface Latency {
  readonly hookId: string
  readonly eventAt: number
  readonly ms: number
}

/** From an event's record to the start of its first call. */
function tailLatencies(rig: Rig, topic: string): Tail<Latency | undefined> {
  const { brokers, registryUrl } = rig.surroundings
  const read = createResultReader({ url: registryUrl, username: undefined, password: undefined })
  return tailTopic(brokers, topic, async ({ value }) => {
    const { hookId, attempt, eventAt, attemptedAt } = await read(value)
    return attempt === 1 ? { hookId, eventAt, ms: attemptedAt - eventAt } : undefined
  })
}

/** @returns how many events each of the two got */
async function write(rig: Rig, topic: string, crowd: Crowd): Promise<number> {
  const sink = createSink({ settings: settingsOf(rig.surroundings.brokers), log: silentLog })
  const writes: Promise<void>[] = []
  const startedAt = performance.now()
  let tick = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt
      for (; tick < elapsed / tickMs; tick += 1) {
        const events = eventsOf(tick, crowd)
        writes.push(sink.write(events.map((event, n) => eventRecord(topic, `${tick}-${n}`, event))))
      }
      if (elapsed < seconds * 1_000) return
      clearInterval(timer)
      resolve()
    }, tickMs)
  })
  await Promise.all(writes)
  await sink.stop()
  return tick
}

function eventsOf(tick: number, crowd: Crowd): readonly BenchEvent[] {
  const { hooks, eachTick, tenantOf = ofSibling } = crowd
  const ofCrowd = times(eachTick, (index) => {
    const n = (tick * eachTick + index) % hooks
    return { tenant: tenantOf(n), event: `Hangs.N${n}` }
  })
  return [...ofCrowd, { tenant: 'other', event: 'Other' }, { tenant: 'greedy', event: 'Sibling' }]
}

function figuresOf(found: readonly (Latency | undefined)[], offered: number): Figures {
  const figures: Record<string, number> = {}
  for (const who of watched) {
    const own = found.flatMap((one) => (one?.hookId === who ? [one] : []))
    const beganAt = Math.min(...own.map(({ eventAt }) => eventAt))
    const isFirst = ({ eventAt }: Latency) => eventAt < beganAt + 1_000
    const later = sortedMs(own.filter((one) => !isFirst(one)))
    figures[`of ${who}'s called`] = own.length / offered
    figures[`${who} p50 ms`] = percentile(later, 0.5)
    figures[`${who} p99 ms`] = percentile(later, 0.99)
    figures[`${who} max ms`] = percentile(later, 1)
    figures[`${who} max ms, first second`] = percentile(sortedMs(own.filter(isFirst)), 1)
  }
  return figures
}

function sortedMs(latencies: readonly Latency[]): readonly number[] {
  return latencies.map(({ ms }) => ms).toSorted((a, b) => a - b)
}
