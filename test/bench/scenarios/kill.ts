/**
 * S5: kill -9 in the middle of a backlog, and a new process at once: how many calls are made again, and how long none is.
 * Beside the bare loop, and with events that go to twenty hooks each.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../contender.ts'
import type { Figures } from '../figures.ts'
import { startPeer } from '../peers.ts'
import { prepare, startProduct } from '../product.ts'
import type { Arrivals } from '../receiver.ts'
import { createBacklog, createTopic, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const partitions = 6
const concurrency = 64
/** The default of hooktide, and what the bare loop is set to. */
const sessionTimeoutSeconds = 10
const fanOut = { events: 3_000, hooks: 20 }
const product = `hooktide ${concurrency}`
/** A pause of arrivals has ended for good when none came for so long after what was expected. */
const quietMs = 3_000

export const killScenario: Scenario = {
  targets: [
    { subject: product, figure: 'lost', limit: { atMost: 0 } },
    { subject: product, figure: 'repeated', limit: { atMost: 600 } },
    { subject: product, figure: 'back after s', limit: { atMost: sessionTimeoutSeconds + 2 } },
  ],
  async prepare(rig, { events }) {
    const topic = await createBacklog(rig, { events, partitions })
    const wide = await createBacklog(rig, { events: fanOut.events, partitions })
    return [
      { name: product, measure: () => killProduct(rig, { topic, events, path: 'ok', hooks: 1 }) },
      {
        name: `bare loop ${concurrency}, results`,
        measure: () => killBareLoop(rig, topic, events),
      },
      {
        name: `hooktide, ${fanOut.hooks} hooks each`,
        measure: () => killProduct(rig, { ...fanOut, topic: wide, path: 'within/100' }),
      },
    ]
  },
}

interface Killed {
  readonly topic: string
  readonly events: number
  readonly hooks: number
  readonly path: string
}

async function killProduct(rig: Rig, { topic, events, hooks, path }: Killed): Promise<Figures> {
  const environment = rig.environment({ HOOKTIDE_EVENT_TOPICS: topic })
  const delivery = hooks === 1 ? { concurrency } : undefined
  await prepare(environment, {
    hooks: Array.from({ length: hooks }, (_, n) =>
      rig.hook(`hook${n}`, path, { ...(delivery && { delivery }) }),
    ),
    partitions,
  })
  return await killedOnce(rig, events * hooks, () => startProduct(environment))
}

async function killBareLoop(rig: Rig, topic: string, events: number): Promise<Figures> {
  const groupId = rig.newName()
  const results = `${groupId}.results`
  await createTopic(rig, results, partitions)
  return await killedOnce(rig, events, () =>
    startPeer('bare', {
      brokers: rig.surroundings.brokers,
      topic,
      groupId,
      url: `${rig.receiver.origin}/ok/bench`,
      concurrency,
      partitions,
      results,
    }),
  )
}

async function killedOnce(
  rig: Rig,
  deliveries: number,
  start: () => Promise<Contender>,
): Promise<Figures> {
  const { receiver } = rig
  await receiver.forget()
  // Anywhere in its middle: what is uncovered then differs with the moment.
  const killAfter = Math.floor(deliveries * (0.2 + 0.4 * Math.random()))
  const first = await start()
  await receiver.reached(killAfter, { ended: first.ended })
  await first.kill()
  const killedAt = performance.timeOrigin + performance.now()
  await using second = await start()
  const arrivals = await settled(rig, deliveries, second)
  return {
    lost: deliveries - arrivals.deliveries,
    repeated: arrivals.calls - arrivals.deliveries,
    'back after s': (arrivals.longestPauseEndedAt - killedAt) / 1_000,
  }
}

/** When all are there and nothing comes any more. What is lost is found by that, too. */
async function settled(rig: Rig, deliveries: number, { ended }: Contender): Promise<Arrivals> {
  let arrivals = await rig.receiver.reached(deliveries, { ended })
  for (let calls = 0; calls !== arrivals.calls;) {
    calls = arrivals.calls
    await sleep(quietMs)
    arrivals = await rig.receiver.arrivals()
  }
  return arrivals
}
