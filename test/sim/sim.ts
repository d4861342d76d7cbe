/**
 * `npm run sim -- [--seeds 2000] [--from 1] [--stop]` runs the worlds of many seeds on all cores, and counts the violations.
 * With `--stop` it ends with the first one. `npm run sim -- --seed 4711 [--trace]` runs one seed. With `--trace` it prints
 * everything that happens.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { CheckName } from './facts.ts'
import { replayCommand, runSeed, type SeedReport } from './run-seed.ts'
import type { SeedBatch, SeedRange } from './seed-worker.ts'
import { ended } from './workers.ts'

const print = (line: string) => void process.stdout.write(`${line}\n`)
/** How often progress is printed. */
const progressMs = 30_000

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      stop: { type: 'boolean', default: false },
    },
  })
  if (values.seed !== undefined) return await runOne(Number(values.seed), values.trace)
  return await runMany({
    from: Number(values.from),
    count: Number(values.seeds),
    isFirstEnough: values.stop,
  })
}

async function runOne(seed: number, isTraced: boolean): Promise<number> {
  const { violations, calls } = await runSeed(seed, isTraced ? print : undefined)
  for (const violation of violations) print(tellViolation(seed, violation))
  print(`Seed ${seed}: ${calls} calls, ${violations.length} check(s) failed.`)
  return violations.length === 0 ? 0 : 1
}

function tellViolation(
  seed: number,
  { check, message, at }: SeedReport['violations'][number],
): string {
  return `seed ${seed}, at ${Math.round(at)} ms, ${check}: ${message}`
}

async function runMany(wanted: {
  readonly from: number
  readonly count: number
  readonly isFirstEnough: boolean
}): Promise<number> {
  const { from, count, isFirstEnough } = wanted
  const step = Math.min(availableParallelism(), count)
  const startedAt = performance.now()
  const byCheck = new Map<CheckName, number[]>()
  let done = 0
  let calls = 0
  let toldAt = startedAt
  const workers = Array.from({ length: step }, (_, index) => {
    const range: SeedRange = { from: from + index, to: from + count, step }
    return new Worker(new URL('seed-worker.ts', import.meta.url), { workerData: range })
  })
  const onBatch = (batch: SeedBatch) => {
    done += batch.seeds
    calls += batch.calls
    for (const report of batch.found) note(byCheck, report)
    if (isFirstEnough && byCheck.size > 0) for (const worker of workers) void worker.terminate()
    if (performance.now() - toldAt < progressMs) return
    toldAt = performance.now()
    print(`${done} of ${count} seeds`)
  }
  await Promise.all(workers.map((worker) => ended(worker, onBatch)))
  for (const [check, seeds] of byCheck) {
    const first = seeds.toSorted((one, other) => one - other).slice(0, 8)
    print(`${check}: ${seeds.length} seed(s), such as ${first.join(', ')}`)
  }
  const ms = performance.now() - startedAt
  print(
    `${done} seeds, ${calls} calls, ${(ms / 1_000).toFixed(1)} s, ${((ms * step) / done).toFixed(1)} ms a seed.`,
  )
  return byCheck.size === 0 ? 0 : 1
}

/** Prints the first seed of each check in full. */
function note(byCheck: Map<CheckName, number[]>, report: SeedReport): void {
  for (const violation of report.violations) {
    const seeds = byCheck.get(violation.check)
    if (seeds !== undefined) seeds.push(report.seed)
    else {
      byCheck.set(violation.check, [report.seed])
      print(`${tellViolation(report.seed, violation)}\n  ${replayCommand(report.seed)}`)
    }
  }
}

process.exitCode = await main(process.argv.slice(2))
