/**
 * S12: two processes are replaced one after the other, at 500 events a second. A process gets SIGTERM, and when it has
 * ended a new one starts; ten seconds later the next. Once with nothing else, and once while one event in ten is for another hook of
 * the tenant, whose endpoint hangs.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../figures.ts'
import { prepare, startProduct, type Environment, type Product } from '../product.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { addressOf } from '../events.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'
import { times } from './neighbours.ts'

const partitions = 12
const concurrency = 64
const perSecond = 500
const seconds = 45
const betweenMs = 10_000
/** Events go to so many event keys in turn, and those of the last one to the endpoint that hangs. */
const spread = { hooks: 10, tenants: 1 }
/** How many of the keys are for the endpoint that answers. */
const keysOf: Readonly<Record<string, number>> = {
  'hooktide, two processes': 10,
  'beside a hook that hangs': 9,
}

export const rollingScenario: Scenario = {
  targets: Object.keys(keysOf).flatMap((subject) => [
    { subject, figure: 'lost', limit: { atMost: 0 } },
    { subject, figure: 'repeated', limit: { atMost: 0 } },
    { subject, figure: 'longest pause ms', limit: { atMost: 1_000 } },
    { subject, figure: 'longest pause of a partition ms', limit: { atMost: 1_000 } },
    { subject, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ]),
  async prepare(rig) {
    return Object.entries(keysOf).map(([name, keys]) => ({
      name,
      measure: () => replaceBoth(rig, keys),
    }))
  },
}

/** @param keys how many of the event keys are for the endpoint that answers */
async function replaceBoth(rig: Rig, keys: number): Promise<Figures> {
  const environment = rig.environment()
  const addresses = times(spread.hooks, (n) => addressOf(n, spread.tenants))
  const answered = addresses.slice(0, keys).map(({ event }) => event)
  const others = addresses.slice(keys).map(({ event }) => event)
  const tenantId = addresses[0]?.tenant ?? ''
  const hooks = [
    rig.hook('bench', 'timed', { tenantId, events: answered, delivery: { concurrency } }),
    ...(others.length > 0 ? [rig.hook('hangs', 'silent', { tenantId, events: others })] : []),
  ]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  const running = [await startProduct(environment), await startProduct(environment)]
  try {
    const topic = `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`
    const writing = writeSteadily(rig, { topic, partitions, perSecond, seconds, spread })
    const delays = await replaceAll(running, environment)
    await writing
    const events = (perSecond * seconds * keys) / spread.hooks
    await rig.receiver.reached(events)
    // What is repeated comes after what is late.
    await sleep(2_000)
    const arrivals = await rig.receiver.arrivals()
    return {
      lost: events - arrivals.deliveries,
      repeated: arrivals.calls - arrivals.deliveries,
      'longest pause ms': arrivals.longestPauseMs,
      'longest pause of a partition ms': arrivals.longestPauseOfPartitionMs,
      ...latencyFigures(arrivals),
      'loop delay max ms': Math.max(...delays),
    }
  } finally {
    await Promise.all(running.map((one) => one[Symbol.asyncDispose]()))
  }
}

/** @returns the longest delay of each process's event loop while it was ready */
async function replaceAll(
  running: Product[],
  environment: Environment,
): Promise<readonly number[]> {
  const delays: number[] = []
  const note = async (one: Product) => delays.push((await one.readings()).loopDelayMs)
  for (const [index, old] of [...running].entries()) {
    await sleep(betweenMs)
    await note(old)
    await old.stop()
    running[index] = await startProduct(environment)
  }
  await sleep(betweenMs)
  for (const one of running) await note(one)
  return delays
}
