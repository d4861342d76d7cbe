/**
 * `npm test` and `npm run check`: what a change must pass. All static checks run first, then the tests. The last line
 * counts the tests.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'

interface Check {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

/** The folders are named because the linter would otherwise walk through node_modules. */
const checks: readonly Check[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'] },
  { name: 'types of the page', program: 'tsc', args: ['-p', 'src/monitor/page'] },
  { name: 'lint', program: 'oxlint', args: ['src', 'test', 'examples', 'scripts'] },
  { name: 'format', program: 'oxfmt', args: ['--check', 'src', 'test', 'examples', 'scripts'] },
  { name: 'unused', program: 'knip', args: [] },
]

const vitest = ['run', '--config', 'test/vitest.config.ts'] as const

/** What `test/support/counts-reporter.ts` sends after the last test. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

async function main([task, ...args]: readonly string[]): Promise<number> {
  // Ctrl-C reaches the running program from the terminal too. It ends in its own way, and its exit code counts.
  process.on('SIGINT', () => {})
  // Arguments choose tests. Whoever chooses wants to see these soon, without the checks.
  const failed = args.length === 0 ? await failedChecks() : []
  const tests = task === 'test' ? await runTests(args) : undefined
  if (failed.length > 0) console.log(`\nFailed checks: ${failed.join(', ')}`)
  if (tests?.counts !== undefined) console.log(`\n${closingLine(tests.counts)}`)
  return failed.length > 0 ? 1 : (tests?.code ?? 0)
}

/** Runs all checks, so that one run shows every fault. @returns the names of those that failed */
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

/** `<n> passed, <n> failed`, followed by `, <n> skipped` if any were skipped. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

interface StepResult {
  readonly code: number
  readonly counts?: TestCounts
}

/** Runs a program to its end, under a heading. */
async function runStep({ name, program, args }: Check): Promise<StepResult> {
  console.log(`\n== ${name}: ${program} ${args.join(' ')}`)
  const startedAt = performance.now()
  // On the Node of this process: the first line of the program might find another.
  const script = join('node_modules/.bin', program)
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  let counts: TestCounts | undefined
  child.on('message', (message) => {
    if (isCounts(message)) counts = message
  })
  const end = () => child.kill('SIGTERM')
  process.on('SIGTERM', end)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
  process.off('SIGTERM', end)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`== ${name}: ${code === 0 ? 'passed' : `FAILED (exit code ${code})`}, ${seconds} s`)
  return counts === undefined ? { code } : { code, counts }
}

function isCounts(message: unknown): message is TestCounts {
  return typeof message === 'object' && message !== null && 'passed' in message
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
