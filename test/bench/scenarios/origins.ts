/**
 * S8: 10,000 hooks, each on an origin of its own. A twentieth of the origins refuse connections, and as many take a call
 * and never answer. 600 events a second, for each hook in turn.
 */
import { growthOf, type Figures } from '../figures.ts'
import { residentMiBOf, socketsOf } from '../cpu.ts'
import { addressOf } from '../events.ts'
import { prepare, startProduct, type BenchHook } from '../product.ts'
import type { Rig } from '../rig.ts'
import { sample } from '../samples.ts'
import type { Scenario } from '../scenario.ts'
import { latencyFigures, writeSteadily } from '../steady-load.ts'
import { times } from './neighbours.ts'

const hookCount = 10_000
const tenants = 1_000
const partitions = 6
/** Each hook gets five and a half: after five failures a lane is open. */
const load = { partitions, perSecond: 600, seconds: 90, spread: { hooks: hookCount, tenants } }
const subject = `${hookCount} hooks, ${hookCount} origins`
/** Every twentieth each. */
const kinds = { refuses: 7, hangs: 17 }
const kindEvery = 20

export const originsScenario: Scenario = {
  targets: [
    { subject, figure: "of live hooks' called", limit: { atLeast: 0.99 } },
    { subject, figure: 'sockets, growth', limit: { atMost: 1.1 } },
    { subject, figure: 'RSS, growth', limit: { atMost: 1.1 } },
    // It falls, as the lanes of those that hang open.
    { subject, figure: 'calls/s, growth', limit: { atMost: 1.1 } },
    { subject, figure: 'loop delay max ms', limit: { atMost: 50 } },
  ],
  async prepare(rig) {
    const origins = await rig.receiver.listenOn(hookCount - hookCount / kindEvery)
    return [{ name: subject, measure: () => measure(rig, hooksOn(rig, origins)) }]
  },
}

function hooksOn(rig: Rig, origins: readonly string[]): readonly BenchHook[] {
  const { port } = new URL(rig.receiver.origin)
  const free = origins.values()
  return times(hookCount, (n) => {
    const { tenant: tenantId, event } = addressOf(n, tenants)
    // The receiver listens on its first port at one address alone.
    const origin = isKind(n, 'refuses')
      ? `http://127.1.${Math.floor(n / 250)}.${(n % 250) + 1}:${port}`
      : free.next().value
    const url = `${origin}/${isKind(n, 'hangs') ? 'hang' : 'timed'}/hook${n}`
    return { id: `hook${n}`, tenantId, events: [event], config: { url } }
  })
}

function isKind(n: number, kind: keyof typeof kinds): boolean {
  return n % kindEvery === kinds[kind]
}

async function measure(rig: Rig, hooks: readonly BenchHook[]): Promise<Figures> {
  const environment = rig.environment()
  await prepare(environment, { hooks, partitions })
  await rig.receiver.forget()
  await using running = await startProduct(environment)
  const { pids } = running
  const samples = sample(() => ({ sockets: socketsOf(pids), resident: residentMiBOf(pids) }))
  await writeSteadily(rig, { ...load, topic: `${environment['HOOKTIDE_TOPIC_PREFIX']}.events` })
  const taken = await samples.stop()
  const { loopDelayMs } = await running.readings()
  const { latencies, perSecond } = await rig.receiver.arrivals()
  const live = times(load.perSecond * load.seconds, (n) => n % hookCount).filter(
    (n) => !isKind(n, 'refuses') && !isKind(n, 'hangs'),
  )
  const sockets = taken.map((one) => one.sockets)
  const resident = taken.map((one) => one.resident)
  return {
    "of live hooks' called": latencies.length / live.length,
    ...latencyFigures({ latencies }),
    'sockets, most': Math.max(...sockets),
    'sockets, growth': growthOf(sockets),
    'RSS MiB, most': Math.max(...resident),
    'RSS, growth': growthOf(resident),
    // The last second is not whole.
    'calls/s, growth': growthOf(perSecond.slice(0, -1)),
    'loop delay max ms': loopDelayMs,
  }
}
