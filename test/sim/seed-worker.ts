/** Runs seeds in a thread of its own, and reports each seed with violations. */
import { parentPort, workerData } from 'node:worker_threads'
import { runSeed, type SeedReport } from './run-seed.ts'

/** Seeds `from`, `from + step`, … below `to`. */
export interface SeedRange {
  readonly from: number
  readonly to: number
  readonly step: number
}

/** How many seeds one message reports. */
const batchSize = 50

export interface SeedBatch {
  readonly seeds: number
  readonly calls: number
  /** The seeds with violations. */
  readonly found: readonly SeedReport[]
}

async function main({ from, to, step }: SeedRange): Promise<void> {
  let batch: { seeds: number; calls: number; found: SeedReport[] } = {
    seeds: 0,
    calls: 0,
    found: [],
  }
  const send = () => {
    parentPort?.postMessage(batch satisfies SeedBatch)
    batch = { seeds: 0, calls: 0, found: [] }
  }
  for (let seed = from; seed < to; seed += step) {
    const report = await runSeed(seed)
    batch.seeds += 1
    batch.calls += report.calls
    if (report.violations.length > 0) batch.found.push(report)
    if (batch.seeds === batchSize) send()
  }
  send()
}

await main(workerData as SeedRange)
