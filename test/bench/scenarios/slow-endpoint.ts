/** S2: an endpoint that takes 50 ms for a call, with 256 at once. The first second is left to begin in. */
import type { Figures } from '../figures.ts'
import { startPeer } from '../peers.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { createBacklog, createTopic, measureCalls, type Measured, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const partitions = 6
const concurrency = 256
const callMs = 50
const idealPerSecond = (concurrency * 1_000) / callMs
/** For some twelve seconds at the ideal rate: what is judged is from the second second on, and before the end. */
const events = 60_000
const product = `hooktide ${concurrency}`
const shareFigure = 'of ideal, from second 2'

export const slowEndpointScenario: Scenario = {
  targets: [
    { subject: product, figure: shareFigure, limit: { atLeast: 0.97 } },
    { subject: product, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig) {
    const topic = await createBacklog(rig, { events, partitions })
    return [
      { name: product, measure: () => byProduct(rig, topic) },
      { name: `bare loop ${concurrency}, results`, measure: () => byBareLoop(rig, topic) },
    ]
  },
}

async function byProduct(rig: Rig, topic: string): Promise<Figures> {
  const environment = rig.environment({ HOOKTIDE_EVENT_TOPICS: topic })
  const hooks = [rig.hook('bench', `after/${callMs}`, { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment)
  const figures = figuresOf(await measureCalls(rig, running, events))
  return { ...figures, ...loopFigures(await running.readings()) }
}

async function byBareLoop(rig: Rig, topic: string): Promise<Figures> {
  const groupId = rig.newName()
  const results = `${groupId}.results`
  await createTopic(rig, results, partitions)
  await rig.receiver.forget()
  await using running = await startPeer('bare', {
    brokers: rig.surroundings.brokers,
    topic,
    groupId,
    url: `${rig.receiver.origin}/after/${callMs}/bench`,
    concurrency,
    partitions,
    results,
  })
  return figuresOf(await measureCalls(rig, running, events))
}

function figuresOf({ figures, arrivals }: Measured): Figures {
  const [first = 0, ...others] = arrivals.perSecond
  // The last second is not whole.
  const whole = others.slice(0, -1)
  const mean = whole.reduce((sum, calls) => sum + calls, 0) / whole.length
  return {
    'of ideal, second 1': first / idealPerSecond,
    [shareFigure]: mean / idealPerSecond,
    ...figures,
  }
}
