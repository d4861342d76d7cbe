/**
 * Where npm's scripts begin: `node scripts/bootstrap.mjs <program> [arguments]` installs the packages if they are not yet
 * installed, and runs the program on Node 24.
 *
 * npm does neither by itself. On a fresh clone its scripts have no packages, and `devEngines` in package.json refuses a
 * Node that is too old but brings no other. The npm package `node` brings one, and npm's scripts find it on their path
 * once it is installed. This file covers the time before, and says what is wrong where that package has no program. So it
 * is plain JavaScript without packages, for Node 20 and newer.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const oldestMajor = 24
/** The program of the package `node`, which is an optional dependency of `scripts/node`. */
const packagedNode = join(root, 'node_modules/node/bin/node')

/** `--no-save` leaves package-lock.json as it is. npm's warnings are about this Node, and the packages run on another. */
const installCommand =
  'npm install --no-save --include=dev --include=optional --no-audit --no-fund --loglevel=error'

/**
 * @param {readonly string[]} words
 * @returns {Promise<number>} the exit code
 */
async function main(words) {
  if (!isInstalled()) {
    console.error(`Installing the packages: ${installCommand}`)
    const { status } = spawnSync(installCommand, { cwd: root, shell: true, stdio: 'inherit' })
    if (status !== 0) {
      console.error(
        'npm could not install the packages. Correct what it says above, and start this again.',
      )
      return status ?? 1
    }
  }
  const isNewEnough = Number.parseInt(process.version.slice(1), 10) >= oldestMajor
  if (!isNewEnough && !existsSync(packagedNode)) {
    console.error(
      `This is Node ${process.version}, and npm's scripts need Node ${oldestMajor}. The npm package "node" should bring it, and has no program: npm ran no install scripts, or there is none for this machine. Run "npm rebuild node --ignore-scripts=false", or install Node ${oldestMajor}.`,
    )
    return 1
  }
  return await run(isNewEnough ? process.execPath : packagedNode, words)
}

/** npm writes this file when an installation is complete, also when there was nothing to do. */
function isInstalled() {
  return timeOf('node_modules/.package-lock.json') > timeOf('package-lock.json')
}

/** @param {string} path */
function timeOf(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/**
 * Runs a program on that Node, to its end.
 * @param {string} node
 * @param {readonly string[]} words the program and its arguments
 * @returns {Promise<number>} its exit code; 128 + n after signal n, as in shells; 127 if Node does not start
 */
async function run(node, words) {
  // The tests and the demo start the command line very often, and to strip its types takes longer than most commands do.
  const env = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/hooktide'), ...process.env }
  const child = spawn(node, words, { cwd: root, env, stdio: 'inherit' })
  // Ctrl-C reaches the program from the terminal. This process may get it twice, since npm passes it on: the program would
  // take a second one for a wish to end at once.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(
        `${node} does not start: ${error.message}. Install Node ${oldestMajor}, and remove that file.`,
      )
      resolve(127)
    })
    child.on('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

process.exitCode = await main(process.argv.slice(2))
