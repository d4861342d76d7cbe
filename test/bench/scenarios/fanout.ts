/** S6: events that go to 100 hooks each, beside the same number of deliveries to one hook. */
import type { Figures } from '../figures.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { createBacklog, measureCalls, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const partitions = 6
const concurrency = 64
const hookCount = 100
const wide = `hooktide, ${hookCount} hooks`
const narrow = `hooktide ${concurrency}, one hook`

export const fanoutScenario: Scenario = {
  targets: [
    { subject: wide, figure: 'deliveries/s', beside: narrow, limit: { atLeast: 0.9 } },
    { subject: wide, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig, { events: deliveries }) {
    const events = Math.max(1, Math.floor(deliveries / hookCount))
    const few = await createBacklog(rig, { events, partitions })
    const many = await createBacklog(rig, { events: deliveries, partitions })
    return [
      { name: wide, measure: () => drain(rig, { topic: few, events, hooks: hookCount }) },
      { name: narrow, measure: () => drain(rig, { topic: many, events: deliveries, hooks: 1 }) },
    ]
  },
}

interface FanOut {
  readonly topic: string
  readonly events: number
  readonly hooks: number
}

/** The one hook is that of `drain`; of many, each has the concurrency that is the default. */
async function drain(rig: Rig, { topic, events, hooks }: FanOut): Promise<Figures> {
  const environment = rig.environment({ HOOKTIDE_EVENT_TOPICS: topic })
  const more = hooks === 1 ? { delivery: { concurrency } } : {}
  await prepare(environment, {
    hooks: Array.from({ length: hooks }, (_, n) => rig.hook(`hook${n}`, 'ok', more)),
    partitions,
  })
  await rig.receiver.forget()
  await using running = await startProduct(environment)
  const { figures } = await measureCalls(rig, running, events * hooks)
  const readings = await running.readings()
  return { ...figures, ...loopFigures(readings), 'split off': readings.splits }
}
