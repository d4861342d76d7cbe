/** The real topology in memory, on a clock moved by hand: an endpoint fails for an hour, then works again. */
import { recoveryFrom, type Failure } from '../../support/recovery.ts'
import { percentile, type Figures } from '../figures.ts'
import type { Scenario } from '../scenario.ts'

const usual: Failure = { callMs: 160, concurrency: 16, waiting: 18_000 }
const cases: Readonly<Record<string, Failure>> = {
  '100/s, 1,000 waiting': { ...usual, waiting: 1_000, freshPerSecond: 0.5 },
  '100/s, 18,000 waiting': usual,
  '100/s, 50,000 waiting': { ...usual, waiting: 50_000 },
  '5/s, 1,000 waiting': { callMs: 200, concurrency: 1, waiting: 1_000, freshPerSecond: 0.5 },
  '500/s, 18,000 waiting': { ...usual, callMs: 32 },
  '100/s, 18,000 waiting, one partition': { ...usual, partitions: 1 },
  '100/s, 18,000 waiting, it hung': { ...usual, hangs: true },
  '100/s, 18,000 waiting, processes replaced': { ...usual, restarts: true },
  '2 processes of 100/s, 18,000 waiting': { ...usual, processes: 2 },
  '3 processes of 100/s, 18,000 waiting, it hung': { ...usual, processes: 3, hangs: true },
}

export const recoveryScenario: Scenario = {
  targets: [],
  async prepare() {
    return Object.entries(cases).map(([name, failure]) => ({
      name,
      measure: () => recover(failure),
    }))
  },
}

async function recover(failure: Failure): Promise<Figures> {
  const found = await recoveryFrom(failure)
  return {
    waited: found.waited,
    'drained in s': found.drainMs / 1_000,
    'of ideal': found.drainMs / found.idealMs,
    'probe after s': found.probeMs / 1_000,
    'fresh p50 ms': percentile(found.fresh, 0.5),
    'fresh p99 ms': percentile(found.fresh, 0.99),
    'fresh max ms': percentile(found.fresh, 1),
    'tier writes/h before': 2 * found.writesWhileFailing,
    'writes each after': found.writesEach,
    'lanes idle s': found.idleMs / 1_000,
  }
}
