/**
 * S1: a backlog to an endpoint that answers at once, beside the bare and the lean loop on the same topic.
 *
 * CPU and rates are from the first to the last call. What a peer or the product was to write is counted afterwards.
 */
import type { Contender } from '../contender.ts'
import type { Figures, Target } from '../figures.ts'
import { startPeer, type PeerName } from '../peers.ts'
import { loopFigures, prepare, startProduct } from '../product.ts'
import { countRecords, createBacklog, createTopic, measureCalls, type Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const partitions = 6
const concurrency = 64
const product = `hooktide ${concurrency}`
const bareWithResults = `bare loop ${concurrency}, results`
const lean = `lean loop ${concurrency}`
const costs: readonly Target[] = [
  {
    subject: product,
    figure: 'CPU s per 1,000',
    beside: bareWithResults,
    limit: { atMost: 0.9 },
  },
  {
    subject: product,
    figure: "broker's CPU s per 1,000",
    beside: bareWithResults,
    limit: { atMost: 1.3 },
  },
]

export const drainScenario: Scenario = {
  targets: [
    { subject: product, figure: 'deliveries/s', beside: bareWithResults, limit: { atLeast: 1.25 } },
    { subject: product, figure: 'deliveries/s', beside: lean, limit: { atLeast: 0.65 } },
    ...costs,
    { subject: product, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig, { events }) {
    const topic = await createBacklog(rig, { events, partitions })
    const peer = (name: PeerName, inFlight: number, hasResults = false) => ({
      name: `${name} loop ${inFlight}${hasResults ? ', results' : ''}`,
      measure: () => drainByPeer(rig, { name, topic, events, inFlight, hasResults }),
    })
    return [
      { name: product, measure: () => drainByProduct(rig, topic, events) },
      peer('bare', concurrency, true),
      peer('bare', 256, true),
      peer('bare', concurrency),
      peer('bare', 256),
      peer('lean', concurrency),
    ]
  },
}

/** With one hook of concurrency 64, and results in the form of the registry's schema. */
async function drainByProduct(rig: Rig, topic: string, events: number): Promise<Figures> {
  const environment = rig.environment({ HOOKTIDE_EVENT_TOPICS: topic })
  const hooks = [rig.hook('bench', 'ok', { delivery: { concurrency } })]
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment)
  const { figures } = await measureCalls(rig, running, events)
  const loop = loopFigures(await running.readings())
  await stopAndCount(rig, running, {
    topic: `${environment['HOOKTIDE_TOPIC_PREFIX']}.webhook.results`,
    expected: events,
  })
  return { ...figures, ...loop }
}

interface PeerDrain {
  readonly name: PeerName
  readonly topic: string
  readonly events: number
  readonly inFlight: number
  readonly hasResults: boolean
}

async function drainByPeer(
  rig: Rig,
  { name, topic, events, inFlight, hasResults }: PeerDrain,
): Promise<Figures> {
  const groupId = rig.newName()
  const results = `${groupId}.results`
  if (hasResults) await createTopic(rig, results, partitions)
  await rig.receiver.forget()
  await using running = await startPeer(name, {
    brokers: rig.surroundings.brokers,
    topic,
    groupId,
    url: `${rig.receiver.origin}/ok/bench`,
    concurrency: inFlight,
    partitions,
    ...(hasResults && { results }),
  })
  const { figures } = await measureCalls(rig, running, events)
  if (hasResults) await stopAndCount(rig, running, { topic: results, expected: events })
  return figures
}

/** @throws {Error} where there are not as many results as there were calls to be made */
async function stopAndCount(
  rig: Rig,
  running: Contender,
  { topic, expected }: { readonly topic: string; readonly expected: number },
): Promise<void> {
  await running.stop()
  const written = await countRecords(rig, topic)
  if (written < expected) throw new Error(`${topic} has ${written} of ${expected} results`)
}
