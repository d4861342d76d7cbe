/**
 * `npm run sim:mutants -- [--seeds 2000] [--only <part of a name>]` shows that the simulation finds faults. It breaks a copy
 * of the product in each way of `mutations.ts`, and runs seeds until one reports a violation that the unbroken product does
 * not have with the same seed. It fails when a mutation is not found, or cannot be applied.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { mutations, type Mutation } from './mutations.ts'
import type { SeedReport } from './run-seed.ts'
import type { SeedRange } from './seed-worker.ts'
import { ended } from './workers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const print = (line: string) => void process.stdout.write(`${line}\n`)
/** How many seeds run at once, over all threads. */
const blockSize = 100

/** The violations of the unbroken product, by the first seed of a block. */
const known = new Map<number, Promise<ReadonlySet<string>>>()

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: { type: 'string', default: '2000' }, only: { type: 'string', default: '' } },
  })
  const chosen = mutations.filter(({ name }) => name.includes(values.only))
  let unfound = 0
  for (const mutation of chosen) {
    const found = await withMutant(mutation, (folder) =>
      search(folder, mutation, Number(values.seeds)),
    )
    if (found === undefined) unfound += 1
    print(
      `${found === undefined ? 'NOT FOUND' : 'found'}: ${mutation.name}${found === undefined ? '' : `, by ${found}`}`,
    )
  }
  print(`${chosen.length - unfound} of ${chosen.length} breaks found.`)
  return unfound === 0 ? 0 : 1
}

/** Copies the source, applies the mutation, and removes the copy afterwards. */
async function withMutant<Result>(
  { name, changes }: Mutation,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-mutant-'))
  try {
    for (const part of ['src', 'test', 'schemas', 'package.json']) {
      await cp(join(root, part), join(folder, part), { recursive: true })
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    for (const { file, from, to } of changes) {
      const path = join(folder, 'src', file)
      const parts = (await readFile(path, 'utf8')).split(from)
      if (parts.length !== 2) {
        throw new Error(
          `"${name}" must find this once in src/${file}, but finds it ${parts.length - 1} times: ${from}`,
        )
      }
      await writeFile(path, parts.join(to))
    }
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The first violation that the unbroken product does not have. */
async function search(
  folder: string,
  { by }: Mutation,
  seeds: number,
): Promise<string | undefined> {
  for (let from = 1; from <= seeds; from += blockSize) {
    const to = Math.min(from + blockSize, seeds + 1)
    const reports = await runBlock(folder, from, to)
    if (!known.has(from)) known.set(from, runBlock(root, from, to).then(findings))
    const before = await known.get(from)
    for (const { seed, violations } of reports) {
      const news = violations.find(
        ({ check }) => by.includes(check) && before?.has(`${seed} ${check}`) !== true,
      )
      if (news !== undefined) return `${news.check} with seed ${seed}: ${news.message}`
    }
  }
  return undefined
}

function findings(reports: readonly SeedReport[]): ReadonlySet<string> {
  return new Set(
    reports.flatMap(({ seed, violations }) => violations.map(({ check }) => `${seed} ${check}`)),
  )
}

async function runBlock(folder: string, from: number, to: number): Promise<readonly SeedReport[]> {
  const step = availableParallelism()
  const reports: SeedReport[] = []
  const threads = Array.from({ length: step }, (_, index) => {
    const range: SeedRange = { from: from + index, to, step }
    const url = pathToFileURL(join(folder, 'test/sim/seed-worker.ts'))
    return ended(new Worker(url, { workerData: range }), ({ found }) => reports.push(...found))
  })
  await Promise.all(threads)
  return reports.toSorted((one, other) => one.seed - other.seed)
}

process.exitCode = await main(process.argv.slice(2))
