/** Programs that some tests need, and that may not be installed. */
import { spawn } from 'node:child_process'
import type { TestContext } from 'vitest'

/** A program, and the package of Debian that has it. */
export interface InstalledProgram {
  readonly program: string
  readonly debianPackage: string
}

const prometheusChecker = { program: 'promtool', debianPackage: 'prometheus' }

export interface Checked {
  readonly code: number | null
  readonly output: string
}

/** Prometheus's own checker. Nothing of Prometheus runs. */
export async function promtool(
  context: TestContext,
  args: readonly string[],
  input = '',
): Promise<Checked> {
  return await runInstalled(context, prometheusChecker, args, input)
}

/** If it is not installed, the test is skipped and says so. In continuous integration the test fails instead. */
export async function runInstalled(
  context: TestContext,
  { program, debianPackage }: InstalledProgram,
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
    const reason = `${program} is not installed here: Debian has it in its package ${debianPackage}`
    context.skip(process.env['CI'] === undefined, reason)
    throw new Error(reason)
  }
}
