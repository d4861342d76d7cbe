/** Events at an even rate, written by a process of its own, and what came of them. */
import { once } from 'node:events'
import { percentile, type Figures } from './figures.ts'
import type { Arrivals } from './receiver.ts'
import type { Rig } from './rig.ts'
import { startScript } from './script.ts'

export interface SteadyLoad {
  readonly topic: string
  readonly partitions: number
  readonly perSecond: number
  readonly seconds: number
  /** Events for so many hooks in turn, as `addressOf` names them; without it all are for hooks of the default tenant. */
  readonly spread?: { readonly hooks: number; readonly tenants: number }
}

/** What `load-process.ts` is started with, as JSON. */
export interface LoadArguments extends SteadyLoad {
  readonly brokers: readonly string[]
}

/** Resolves when all of it is written. */
export async function writeSteadily(rig: Rig, load: SteadyLoad): Promise<void> {
  const args: LoadArguments = { ...load, brokers: rig.surroundings.brokers }
  const child = startScript('load-process.ts', [JSON.stringify(args)])
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the process that writes the load ended with ${code}`)
}

/** Of calls to `/timed/…`. */
export function latencyFigures({ latencies }: Pick<Arrivals, 'latencies'>): Figures {
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    'p50 ms': percentile(sorted, 0.5),
    'p99 ms': percentile(sorted, 0.99),
    'max ms': percentile(sorted, 1),
  }
}
