/**
 * `npm run sim -- [--seeds 2000] [--from 1] [--workers 2]` runs worlds; `npm run sim -- --seed 4711 [--trace]` runs one and
 * tells what happens in it.
 */
import { parseArgs } from 'node:util'
import { runSeed } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const print = (line: string) => void process.stdout.write(`${line}\n`)
const byCheck = new Map<string, number[]>()
const startedAt = performance.now()
let calls = 0
for (let seed = from; seed < from + count; seed += 1) {
  const report = await runSeed(seed, values.trace ? print : undefined)
  calls += report.calls
  for (const { check, message, at } of report.violations) {
    const seeds = byCheck.get(check)
    if (seeds === undefined) byCheck.set(check, [seed])
    else seeds.push(seed)
    if (seeds === undefined || count === 1) print(`seed ${seed}, ${Math.round(at)} ms: ${check}: ${message}`)
  }
}
for (const [check, seeds] of byCheck) print(`${check}: ${seeds.length} seed(s), first ${seeds.slice(0, 8).join(' ')}`)
const ms = performance.now() - startedAt
print(`${count} seed(s), ${calls} calls, ${(ms / count).toFixed(1)} ms per seed`)
