/** S10: one, two and four processes on 12 partitions. On a machine with few cores the rates say little, and CPU tells. */
import type { Figures } from '../figures.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { createBacklog, measureCalls, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const partitions = 12
const concurrency = 64
const counts = [1, 2, 4]
const nameOf = (processes: number) => `hooktide ${concurrency}, ${processes} processes`

export const processesScenario: Scenario = {
  // "Does not grow", as far as it can be measured.
  targets: counts.slice(1).flatMap((processes) => [
    {
      subject: nameOf(processes),
      figure: 'CPU s per 1,000',
      beside: nameOf(1),
      limit: { atMost: 1.05 },
    },
    { subject: nameOf(processes), figure: 'loop delay max ms', limit: { atMost: 50 } },
  ]),
  async prepare(rig, { events }) {
    const topic = await createBacklog(rig, { events, partitions })
    return counts.map((processes) => ({
      name: nameOf(processes),
      measure: () => drain(rig, { topic, events, processes }),
    }))
  },
}

interface ManyProcesses {
  readonly topic: string
  readonly events: number
  readonly processes: number
}

/**
 * The backlog is kept back until all processes have joined: the endpoint is there from the beginning, and the hook comes
 * last.
 */
async function drain(rig: Rig, { topic, events, processes }: ManyProcesses): Promise<Figures> {
  const environment = rig.environment({ HOOKTIDE_EVENT_TOPICS: topic })
  const hooks = [rig.hook('bench', 'ok', { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment, { processes })
  const { figures } = await measureCalls(rig, running, events)
  return { ...figures, ...loopFigures(await running.readings()) }
}
