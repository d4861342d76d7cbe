/**
 * `npm test` and `npm run check`: what a change must pass. The static checks first, all of them, then the tests; the last
 * line counts the tests.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'

interface Check {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

/** Folders are named, since the linter would otherwise walk through node_modules. */
const checks: readonly Check[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'] },
  { name: 'lint', program: 'oxlint', args: ['src', 'test', 'examples', 'scripts'] },
  { name: 'format', program: 'oxfmt', args: ['--check', 'src', 'test', 'examples', 'scripts'] },
  { name: 'unused', program: 'knip', args: [] },
]

const vitest = ['run', '--config', 'test/vitest.config.ts'] as const

/** What the tests' own reporter sends when they have run. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

async function main([task, ...args]: readonly string[]): Promise<number> {
  // A signal goes to the programs too: each ends in its own way, and its code is the answer here.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // With arguments only the tests that they choose are wanted, soon.
  const failed = args.length === 0 ? await failedChecks() : []
  const tests = task === 'test' ? await runTests(args) : undefined
  if (failed.length > 0) console.log(`\nFailed checks: ${failed.join(', ')}`)
  if (tests?.counts !== undefined) console.log(`\n${closingLine(tests.counts)}`)
  return failed.length > 0 ? 1 : (tests?.code ?? 0)
}

/** The names of those that failed. All are run: one look shows everything that is to be mended. */
async function failedChecks(): Promise<readonly string[]> {
  const failed: string[] = []
  for (const check of checks) {
    const { code } = await runStep(check)
    if (code !== 0) failed.push(check.name)
  }
  return failed
}

async function runTests(args: readonly string[]): Promise<StepResult> {
  return await runStep({ name: 'tests', program: 'vitest', args: [...vitest, ...args] })
}

/** `<n> passed, <n> failed`, with `, <n> skipped` where there are any. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

interface StepResult {
  readonly code: number
  readonly counts?: TestCounts
}

/** Runs a program under a heading of its own, to its end. */
async function runStep({ name, program, args }: Check): Promise<StepResult> {
  console.log(`\n== ${name}: ${program} ${args.join(' ')}`)
  const startedAt = performance.now()
  // On this very Node, whichever the program's first line would find.
  const script = join('node_modules/.bin', program)
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  let counts: TestCounts | undefined
  child.on('message', (message) => {
    if (isCounts(message)) counts = message
  })
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`== ${name}: ${code === 0 ? 'passed' : `FAILED (exit code ${code})`}, ${seconds} s`)
  return counts === undefined ? { code } : { code, counts }
}

function isCounts(message: unknown): message is TestCounts {
  return typeof message === 'object' && message !== null && 'passed' in message
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
