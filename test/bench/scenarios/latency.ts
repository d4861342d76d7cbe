/** S4: 500 events a second, from the write to the arrival of the call, beside the bare loop. */
import type { Contender } from '../contender.ts'
import type { Figures, Target } from '../figures.ts'
import { startPeer } from '../peers.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { createTopic, measureCalls, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'

const partitions = 6
const concurrency = 64
const perSecond = 500
const seconds = 15
const product = `hooktide ${concurrency}`
const bare = `bare loop ${concurrency}, results`
const besideBare: readonly Target[] = ['p50 ms', 'p99 ms'].map((figure) => ({
  subject: product,
  figure,
  beside: bare,
  limit: { atMost: 1.2 },
}))

export const latencyScenario: Scenario = {
  targets: [
    ...besideBare,
    { subject: product, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig) {
    return [
      { name: product, measure: () => byProduct(rig) },
      { name: bare, measure: () => byBareLoop(rig) },
    ]
  },
}

async function byProduct(rig: Rig): Promise<Figures> {
  const environment = rig.environment()
  const hooks = [rig.hook('bench', 'timed', { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await using running = await startProduct(environment)
  const figures = await underLoad(rig, running, `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`)
  return { ...figures, ...loopFigures(await running.readings()) }
}

async function byBareLoop(rig: Rig): Promise<Figures> {
  const name = rig.newName()
  const [topic, results] = [`${name}.events`, `${name}.results`]
  await createTopic(rig, topic, partitions)
  await createTopic(rig, results, partitions)
  await using running = await startPeer('bare', {
    brokers: rig.surroundings.brokers,
    topic,
    groupId: name,
    url: `${rig.receiver.origin}/timed/bench`,
    concurrency,
    partitions,
    results,
  })
  return await underLoad(rig, running, topic)
}

/** The first second is not counted: connections are made in it, and code is compiled. */
async function underLoad(rig: Rig, running: Contender, topic: string): Promise<Figures> {
  const load = { topic, partitions, perSecond }
  await rig.receiver.forget()
  await writeSteadily(rig, { ...load, seconds: 1 })
  await rig.receiver.reached(perSecond, { ended: running.ended })
  await rig.receiver.forget()
  const measuring = measureCalls(rig, running, perSecond * seconds)
  await writeSteadily(rig, { ...load, seconds })
  const { figures, arrivals } = await measuring
  return { ...latencyFigures(arrivals), ...figures }
}
