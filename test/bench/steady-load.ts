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
}

/** Resolves when all of it is written. */
export async function writeSteadily(
  rig: Rig,
  { topic, partitions, perSecond, seconds }: SteadyLoad,
): Promise<void> {
  const brokers = rig.surroundings.brokers.join(',')
  const numbers = [partitions, perSecond, seconds].map(String)
  const child = startScript('load-process.ts', [brokers, topic, ...numbers])
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
