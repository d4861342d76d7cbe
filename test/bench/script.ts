/** Helper processes of the benchmarks. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** @param name relative to this folder. It has to end when its input does. */
export function startScript(name: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url))
  // kafkajs sets timers to the past.
  const flags = ['--disable-warning=TimeoutNegativeWarning']
  return spawn(process.execPath, [...flags, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** @throws {Error} when it ends without one */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
    child.once('exit', () => reject(ending(child)))
  })
}

/** Rejects when the child ends. */
export async function rejectAtEnd(child: ChildProcess): Promise<never> {
  await once(child, 'exit')
  throw ending(child)
}

function ending({ spawnargs, exitCode, signalCode }: ChildProcess): Error {
  return new Error(`${spawnargs[2]} ended with ${exitCode ?? signalCode}`)
}
