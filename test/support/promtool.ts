/** Prometheus's own checker, from Debian's package `prometheus`. Nothing of Prometheus runs. */
import { spawn } from 'node:child_process'
import type { TestContext } from 'vitest'

const program = 'promtool'

export interface Checked {
  readonly code: number | null
  readonly output: string
}

/** Where it is not installed the test is skipped, and says so; in continuous integration it fails instead. */
export async function promtool(
  context: TestContext,
  args: readonly string[],
  input = '',
): Promise<Checked> {
  const child = spawn(program, args)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  // If the checker ends before it has read everything, its exit code shows why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const ended = Promise.withResolvers<Checked>()
  child.once('close', (code) => ended.resolve({ code, output }))
  child.once('error', ended.reject)
  try {
    return await ended.promise
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) throw error
    const reason = `${program} is not installed here: Debian has it in its package prometheus`
    context.skip(process.env['CI'] === undefined, reason)
    throw new Error(reason)
  }
}
