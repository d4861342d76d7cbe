/** A program that takes this process's place: its terminal, its signals, its exit code. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/** @type {readonly NodeJS.Signals[]} */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/**
 * Ctrl-C is one wish, but reaches this process twice under npm: from the terminal, and from npm, which passes on what
 * it receives. A program takes the second signal for impatience, so what comes this soon after the first is dropped.
 */
const sameWishMs = 500

/**
 * Runs a program to its end with this process's standard streams.
 *
 * The program has a session of its own, so that the terminal's signals reach it through here only, once each. They go to
 * its whole group, as the terminal's would.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly cwd?: string, readonly env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} Its exit code; 128 + n after signal n, as shells have it; 127 if it cannot be started.
 */
export async function runChild(program, args, options) {
  const isGrouped = process.platform !== 'win32'
  const child = spawn(program, args, { ...options, stdio: 'inherit', detached: isGrouped })
  let lastSignalAt = -sameWishMs
  /** @param {NodeJS.Signals} signal */
  function forward(signal) {
    const now = performance.now()
    if (child.pid === undefined || now - lastSignalAt < sameWishMs) return
    lastSignalAt = now
    try {
      process.kill(isGrouped ? -child.pid : child.pid, signal)
    } catch {
      // It has just ended: its exit code follows.
    }
  }
  for (const signal of forwarded) process.on(signal, forward)
  try {
    return await new Promise((resolve) => {
      child.on('error', (error) => {
        console.error(`${program} does not start: ${error.message}`)
        resolve(127)
      })
      child.on('exit', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
      })
    })
  } finally {
    for (const signal of forwarded) process.off(signal, forward)
  }
}
