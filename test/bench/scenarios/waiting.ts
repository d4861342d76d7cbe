/**
 * S9: events wait for an endpoint that asked for a rest, five times as many as `--events`, while fresh ones for another
 * tenant's hook come at 500 a second. Then all that waited come back.
 */
import { growthOf, percentile, type Figures, type Target } from '../figures.ts'
import { latenessOf } from '../lateness.ts'
import { residentMiBOf } from '../cpu.ts'
import { loopFigures, prepare, startProduct, type Product } from '../product.ts'
import type { Rig } from '../rig.ts'
import { sample } from '../samples.ts'
import type { Scenario } from '../scenario.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'
import { times } from './neighbours.ts'

const partitions = 6
const waitingPerEvent = 5
const load = { partitions, perSecond: 500, seconds: 30 }
/** How many a process puts off in a second at most, and gives back their turn: docs/architecture.md. */
const mostPerSecond = { putOff: 5_000, back: 1_000 }
/** For start, the load, and what is put off more slowly than it could be. */
const spareSeconds = 60
const tenantId = 'resting'
const beside = 'beside those that wait'
const alone = 'alone'
const asAlone: readonly Target[] = ['p50 ms', 'p99 ms'].map((figure) => ({
  subject: beside,
  figure,
  beside: alone,
  limit: { atMost: 1.2 },
}))

export const waitingScenario: Scenario = {
  targets: [
    ...asAlone,
    { subject: beside, figure: 'RSS, growth', limit: { atMost: 1.1 } },
    { subject: beside, figure: 'lost', limit: { atMost: 0 } },
    { subject: beside, figure: 'called early', limit: { atMost: 0 } },
    { subject: beside, figure: 'late s, most', limit: { atMost: 1 } },
    { subject: beside, figure: 'overdue s, most', limit: { atMost: 1 } },
    { subject: beside, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig, { events }) {
    return [
      { name: beside, measure: () => besideWaiting(rig, events * waitingPerEvent) },
      { name: alone, measure: () => onItsOwn(rig) },
    ]
  },
}

async function besideWaiting(rig: Rig, waiting: number): Promise<Figures> {
  const environment = rig.environment()
  const restSeconds = Math.ceil(waiting / mostPerSecond.putOff) + spareSeconds
  const hooks = [
    rig.hook('fresh', 'timed'),
    rig.hook('resting', `rests/${restSeconds}`, { tenantId, events: ['Rests'] }),
  ]
  const events = times(waiting, () => ({ tenant: tenantId, event: 'Rests' }))
  await prepare(environment, { hooks, events, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment)
  const startedAt = performance.now()
  // Those that were called before the first answer wait as well, as retries.
  const { firstAt, calls } = await untilPutOff(rig, running, waiting)
  const putOffAfter = (performance.now() - startedAt) / 1_000
  await running.readings()
  const fresh = await underLoad(rig, running, environment['HOOKTIDE_TOPIC_PREFIX'] ?? '')
  const loop = loopFigures(await running.readings())
  const leftSeconds = (firstAt - Date.now()) / 1_000 + restSeconds
  if (leftSeconds < 0) throw new Error('the rest was over before the fresh events were delivered')
  return {
    'put off in s': putOffAfter,
    'called at first': calls,
    ...fresh,
    ...loop,
    ...(await comeBack(rig, running, { waiting, restEndsAt: firstAt + restSeconds * 1_000 })),
    ...lateFigures(await latenessOf(environment)),
  }
}

async function onItsOwn(rig: Rig): Promise<Figures> {
  const environment = rig.environment()
  await prepare(environment, { hooks: [rig.hook('fresh', 'timed')], partitions })
  await using running = await startProduct(environment)
  const fresh = await underLoad(rig, running, environment['HOOKTIDE_TOPIC_PREFIX'] ?? '')
  return { ...fresh, ...loopFigures(await running.readings()) }
}

/** When no event is open any more. The lag alone says nothing before the ends of partitions are known. */
async function untilPutOff(rig: Rig, running: Product, waiting: number) {
  const limitSeconds = (3 * waiting) / mostPerSecond.putOff + spareSeconds
  for (let waited = 0; waited < limitSeconds; waited += 1) {
    const arrivals = await rig.receiver.arrivals()
    const { deferred, lag } = await running.readings()
    if (lag === 0 && deferred + arrivals.calls >= waiting) return arrivals
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  throw new Error(`not all of ${waiting} events were put off within ${limitSeconds} s`)
}

/** The first second is not counted: connections are made in it, and code is compiled. */
async function underLoad(rig: Rig, running: Product, prefix: string): Promise<Figures> {
  const { ended } = running
  const topic = `${prefix}.events`
  await rig.receiver.forget()
  await writeSteadily(rig, { ...load, topic, seconds: 1 })
  await rig.receiver.reached(load.perSecond, { ended })
  await rig.receiver.forget()
  const resident = sample(() => residentMiBOf(running.pids))
  await writeSteadily(rig, { ...load, topic })
  const arrivals = await rig.receiver.reached(load.perSecond * load.seconds, { ended })
  const taken = await resident.stop()
  return {
    ...latencyFigures(arrivals),
    'RSS MiB, most': Math.max(...taken),
    'RSS, growth': growthOf(taken),
  }
}

function lateFigures(latenessMs: readonly number[]): Figures {
  const seconds = latenessMs.map((ms) => ms / 1_000)
  return {
    'planned calls': seconds.length,
    'late s, p50': percentile(seconds, 0.5),
    'late s, p99': percentile(seconds, 0.99),
    'late s, most': seconds.at(-1) ?? Number.NaN,
  }
}

interface Resting {
  readonly waiting: number
  readonly restEndsAt: number
}

async function comeBack(
  rig: Rig,
  running: Product,
  { waiting, restEndsAt }: Resting,
): Promise<Figures> {
  await rig.receiver.forget()
  const readings = sample(async () => (await running.readings()).overdueSeconds)
  const limitSeconds = spareSeconds * 2 + (3 * waiting) / mostPerSecond.back
  const { ended } = running
  const arrivals = await rig.receiver.reached(waiting, { ended, limitSeconds })
  const overdue = await readings.stop()
  return {
    lost: waiting - arrivals.deliveries,
    'called early': arrivals.firstAt < restEndsAt ? 1 : 0,
    'back in s': (arrivals.lastAt - restEndsAt) / 1_000,
    'overdue s, most': Math.max(...overdue),
  }
}
