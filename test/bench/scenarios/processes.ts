/**
 * S10: one, two and four processes on 12 partitions, beside as many bare loops. On a machine with few cores the rates say
 * little, and CPU tells: the bare loops show how much of its growth is the machine's.
 */
import type { Figures } from '../figures.ts'
import { startPeer } from '../peers.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { createTopic, measureCalls, writeEvents, type Rig } from '../rig.ts'
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
    return counts.flatMap((processes) => [
      {
        name: nameOf(processes),
        measure: () => drain(rig, { events, processes }),
      },
      {
        name: `bare loop ${concurrency}, results, ${processes} processes`,
        measure: () => drainByPeers(rig, { events, processes }),
      },
    ])
  },
}

interface ManyProcesses {
  readonly events: number
  readonly processes: number
}

/** The events are written when all processes have joined, so that none begins before the others. */
async function drain(rig: Rig, { events, processes }: ManyProcesses): Promise<Figures> {
  const environment = rig.environment()
  const hooks = [rig.hook('bench', 'ok', { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment, { processes })
  const measuring = measureCalls(rig, running, events)
  measuring.catch(() => undefined)
  await writeEvents(rig, `${environment['HOOKTIDE_TOPIC_PREFIX']}.events`, events)
  const { figures } = await measuring
  return { ...figures, ...loopFigures(await running.readings()) }
}

async function drainByPeers(rig: Rig, { events, processes }: ManyProcesses): Promise<Figures> {
  const groupId = rig.newName()
  const topic = `${groupId}.events`
  const results = `${groupId}.results`
  for (const one of [topic, results]) await createTopic(rig, one, partitions)
  await rig.receiver.forget()
  const url = `${rig.receiver.origin}/ok/bench`
  const args = { brokers: rig.surroundings.brokers, topic, results, groupId, url }
  await using peers = new AsyncDisposableStack()
  const starting = Array.from({ length: processes }, async () =>
    peers.use(await startPeer('bare', { ...args, concurrency, partitions })),
  )
  const running = await Promise.all(starting)
  const all = {
    pids: running.flatMap(({ pids }) => pids),
    ended: Promise.race(running.map(({ ended }) => ended)),
  }
  const measuring = measureCalls(rig, all, events)
  measuring.catch(() => undefined)
  await writeEvents(rig, topic, events)
  return (await measuring).figures
}
