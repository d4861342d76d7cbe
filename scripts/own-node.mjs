/**
 * Which Node runs the project: the one that is running, if it is new enough, else the npm package `node`, an optional
 * dependency. Plain JavaScript, since it runs on the machine's own Node.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const oldestMajor = 24

/**
 * What is known about both. `answer` is what the package's program printed for `--version`; `fault` why it did not run.
 * @typedef {object} NodeFacts
 * @property {string} runningVersion
 * @property {boolean} hasPackage
 * @property {boolean} hasProgram
 * @property {string} [answer]
 * @property {string} [fault]
 */

/**
 * @param {NodeFacts} facts
 * @returns {{ readonly use: 'running' | 'package' } | { readonly problem: string }} `problem` is a sentence with its fix.
 */
export function chooseNode({ runningVersion, hasPackage, hasProgram, answer, fault }) {
  if (isNewEnough(runningVersion)) return { use: 'running' }
  if (answer !== undefined && isNewEnough(answer)) return { use: 'package' }
  return { problem: `hooktide needs Node ${oldestMajor}; this is ${runningVersion}, and ${why()}.` }

  function why() {
    const own = `install Node ${oldestMajor} yourself`
    if (!hasPackage) {
      return `the npm package "node" is not installed (an optional dependency): run "npm ci --include=optional", or ${own}`
    }
    if (!hasProgram) {
      return `the npm package "node" came without its program, because npm ran no install scripts (ignore-scripts): run "npm rebuild node --ignore-scripts=false", or ${own}`
    }
    if (answer !== undefined) {
      return `the npm package "node" is ${answer.trim()}: run "npm ci", or ${own}`
    }
    return `the program of the npm package "node" does not run here (${fault}): ${own}`
  }
}

/**
 * Looks and tries; see {@link chooseNode}.
 * @param {string} root The checkout.
 * @returns {Promise<{ readonly program: string } | { readonly problem: string }>}
 */
export async function findNode(root) {
  const program = join(root, 'node_modules/node/bin/node')
  /** @type {NodeFacts} */
  const facts = {
    runningVersion: process.version,
    hasPackage: existsSync(join(root, 'node_modules/node')),
    hasProgram: existsSync(program),
  }
  const isTried = facts.hasProgram && !isNewEnough(facts.runningVersion)
  const choice = chooseNode({ ...facts, ...(isTried ? await tryProgram(program) : {}) })
  if ('problem' in choice) return choice
  return { program: choice.use === 'running' ? process.execPath : program }
}

/**
 * @param {string} program
 * @returns {Promise<{ readonly answer: string } | { readonly fault: string }>}
 */
async function tryProgram(program) {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'])
    return { answer: stdout }
  } catch (error) {
    const [fault = 'it fails'] = String(error instanceof Error ? error.message : error).split('\n')
    return { fault }
  }
}

/** @param {string} version Such as `v24.21.0`. */
function isNewEnough(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0) >= oldestMajor
}
