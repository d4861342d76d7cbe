/**
 * Where npm's scripts begin: `node scripts/bootstrap.mjs <task> [arguments]`. Plain JavaScript for Node 20 and newer,
 * without a dependency: it makes sure of the packages and of Node 24, and then runs the task on that Node.
 */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from './child.mjs'
import { ensureInstalled } from './installation.mjs'
import { findNode } from './own-node.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What Node is given for each task, before the task's own arguments.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const tasks = {
  demo: ['examples/demo/demo.ts'],
  test: ['scripts/checks.ts', 'test'],
  check: ['scripts/checks.ts', 'check'],
  bench: ['test/bench/bench.ts'],
  sim: ['test/sim/sim.ts'],
  'sim:mutants': ['test/sim/mutants.ts'],
  chaos: ['test/chaos/chaos.ts'],
  build: ['scripts/build.mjs'],
  format: ['node_modules/oxfmt/bin/oxfmt', 'src', 'test', 'examples', 'scripts'],
}

/** @param {readonly string[]} argv */
async function main([name = '', ...args]) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (task === undefined) {
    console.error(`Usage: node scripts/bootstrap.mjs ${Object.keys(tasks).join('|')} [arguments]`)
    return 2
  }
  const installed = await ensureInstalled(root)
  if (installed !== 0) return installed
  const node = await findNode(root)
  if ('problem' in node) {
    console.error(node.problem)
    return 1
  }
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  // Demo and tests start the command line very often, and stripping its types takes longer than most commands do.
  const cache = process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/hooktide')
  const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: cache }
  return await runChild(node.program, [...task, ...args], { cwd: root, env })
}

process.exitCode = await main(process.argv.slice(2))
