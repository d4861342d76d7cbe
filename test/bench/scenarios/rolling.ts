/**
 * S12: two processes are replaced one after the other, at 500 events a second. A process gets SIGTERM, and when it has
 * ended a new one starts; ten seconds later the next.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../figures.ts'
import { prepare, startProduct, type Environment, type Product } from '../product.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'

const partitions = 12
const concurrency = 64
const perSecond = 500
const seconds = 45
const betweenMs = 10_000
const subject = 'hooktide, two processes'

export const rollingScenario: Scenario = {
  targets: [
    { subject, figure: 'lost', limit: { atMost: 0 } },
    { subject, figure: 'repeated', limit: { atMost: 0 } },
    { subject, figure: 'longest pause ms', limit: { atMost: 1_000 } },
    { subject, figure: 'longest pause of a partition ms', limit: { atMost: 1_000 } },
    { subject, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig) {
    return [{ name: subject, measure: () => replaceBoth(rig) }]
  },
}

async function replaceBoth(rig: Rig): Promise<Figures> {
  const environment = rig.environment()
  const hooks = [rig.hook('bench', 'timed', { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  const running = [await startProduct(environment), await startProduct(environment)]
  try {
    const topic = `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`
    const writing = writeSteadily(rig, { topic, partitions, perSecond, seconds })
    const delays = await replaceAll(running, environment)
    await writing
    const events = perSecond * seconds
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
