/** 50 hooks while two programs that do nothing but use a core each run beside the processors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Figures } from '../figures.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'
import { drained, times } from './neighbours.ts'

const hookCount = 50
const deliveries = 20_000

/** Targets there are none: other programs leave as much as they leave. */
export const busyScenario: Scenario = {
  targets: [],
  async prepare(rig) {
    return [1, 3].map((processes) => ({
      name: `${hookCount} hooks, processes: ${processes}`,
      measure: () => beside(2, () => drainFor(rig, processes)),
    }))
  },
}

function drainFor(rig: Rig, processes: number): Promise<Figures> {
  return drained(rig, {
    hooks: times(hookCount, (n) =>
      rig.hook(`hook${n}`, `after/${n * 3}`, { tenantId: `tenant${n}` }),
    ),
    events: times(deliveries, (n) => ({ tenant: `tenant${n % hookCount}` })),
    deliveries,
    processes,
  })
}

async function beside(burners: number, measure: () => Promise<Figures>): Promise<Figures> {
  const running = times(burners, () => spawn(process.execPath, ['-e', 'for (;;) {}']))
  try {
    return await measure()
  } finally {
    await Promise.all(
      running.map((burner) => {
        const ended = once(burner, 'exit')
        burner.kill('SIGKILL')
        return ended
      }),
    )
  }
}
