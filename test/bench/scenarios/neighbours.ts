/**
 * S3c and what is near it: how long a backlog takes beside its ideal, the time that its endpoint needs for the calls
 * alone. The slow hook takes 400 ms for a call and allows 16 at once: 40 calls a second.
 */
import type { Figures } from '../figures.ts'
import {
  prepare,
  startProduct,
  type BenchEvent,
  type BenchHook,
  type Environment,
} from '../product.ts'
import { cpuSecondsOf, peakMiBOf } from '../cpu.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const ofIdeal = 'of ideal'

interface Load {
  readonly hooks: readonly BenchHook[]
  readonly events: readonly BenchEvent[]
  readonly partitions?: number
  readonly deliveries: number
  /** Absent where there is none. */
  readonly idealSeconds?: number
  readonly processes?: number
  readonly environment?: Environment
}

/** From ready to the last delivery, with what the processes say of themselves. */
export async function drained(rig: Rig, load: Load): Promise<Figures> {
  const environment = rig.environment(load.environment)
  await prepare(environment, load)
  await rig.receiver.forget()
  const { processes = 1, idealSeconds = Number.NaN, deliveries } = load
  await using running = await startProduct(environment, { processes })
  const readyAt = performance.timeOrigin + performance.now()
  const used = cpuSecondsOf(running.pids)
  const { ended } = running
  const { lastAt } = await rig.receiver.reached(deliveries, { limitSeconds: 900, ended })
  const seconds = (lastAt - readyAt) / 1_000
  const { deferred, splits, laneIdleSeconds, loopDelayMs } = await running.readings()
  return {
    seconds,
    [ofIdeal]: seconds / idealSeconds,
    'put off': deferred,
    'split off': splits,
    'lanes idle s': laneIdleSeconds,
    'CPU s per 1,000': ((cpuSecondsOf(running.pids) - used) / deliveries) * 1_000,
    'peak MiB': peakMiBOf(running.pids),
    'loop delay max ms': loopDelayMs,
  }
}

export function times<Item>(count: number, of: (n: number) => Item): readonly Item[] {
  return Array.from({ length: count }, (_, n) => of(n))
}

/** Scenarios of loads that are named. */
function ofLoads(
  loadsOf: (rig: Rig) => Readonly<Record<string, Load>>,
  mostOfIdeal: Readonly<Record<string, number>> = {},
): Scenario {
  return {
    targets: Object.entries(mostOfIdeal).flatMap(([subject, atMost]) => [
      { subject, figure: ofIdeal, limit: { atMost } },
      { subject, figure: 'loop delay max ms', limit: { atMost: 50 } },
    ]),
    async prepare(rig) {
      return Object.entries(loadsOf(rig)).map(([name, load]) => ({
        name,
        measure: () => drained(rig, load),
      }))
    },
  }
}

const slow = (rig: Rig) => rig.hook('slow', 'after/400', { events: ['Slow', 'Both'] })
const fast = (rig: Rig) => rig.hook('fast', 'ok', { events: ['Fast', 'Both'] })
const burstNames = {
  six: '1,500 slow beside 1,500 fast, 6 partitions',
  one: '1,500 slow beside 1,500 fast, 1 partition',
  both: '1,500 events for both',
} as const

export const burstScenario: Scenario = ofLoads(
  (rig) => {
    const burst = { hooks: [slow(rig), fast(rig)], deliveries: 3_000, idealSeconds: 37.5 }
    const apart = times(3_000, (n) => ({ event: n % 2 === 0 ? 'Slow' : 'Fast' }))
    return {
      [burstNames.six]: { ...burst, events: apart, partitions: 6 },
      [burstNames.one]: { ...burst, events: apart, partitions: 1 },
      [burstNames.both]: { ...burst, events: times(1_500, () => ({ event: 'Both' })) },
    }
  },
  Object.fromEntries(Object.values(burstNames).map((name) => [name, 1.15])),
)

export const backlogScenario: Scenario = ofLoads((rig) => ({
  '20,000 for a hook of 40/s alone': {
    hooks: [slow(rig)],
    events: times(20_000, () => ({ event: 'Slow' })),
    deliveries: 20_000,
    idealSeconds: 500,
  },
}))

export const ratesScenario: Scenario = ofLoads((rig) => {
  const count = 50_000
  const load = { events: times(count, () => ({})), deliveries: count }
  const rated = [25, 14].map((ms) => {
    const perSecond = 16_000 / ms
    const hooks = [rig.hook('one', `after/${ms}`)]
    const idealSeconds = count / perSecond
    return [`50,000 for a hook of ${Math.round(perSecond)}/s`, { ...load, hooks, idealSeconds }]
  })
  const spread = [6, 12, 48].map((partitions) => [
    `50,000 answered at once, ${partitions} partitions`,
    { ...load, hooks: [rig.hook('one', 'ok')], partitions },
  ])
  return Object.fromEntries([...rated, ...spread]) as Readonly<Record<string, Load>>
})
