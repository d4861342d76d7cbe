/**
 * `npm test` and `npm run check`: what a change must pass. The static checks first, all of them, then the tests; the last
 * line counts the tests.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

interface Check {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

/** Folders are named, since the linter would otherwise walk through node_modules. */
const checks: readonly Check[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'] },
  { name: 'lint', program: 'oxlint', args: ['src', 'test'] },
  { name: 'format', program: 'oxfmt', args: ['--check', 'src', 'test'] },
  { name: 'unused', program: 'knip', args: [] },
]

const vitest = ['run', '--config', 'test/vitest.config.ts'] as const

async function main([task, ...args]: readonly string[]): Promise<number> {
  // A signal goes to the programs too: each ends in its own way, and its code is the answer here.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // With arguments only the tests that they choose are wanted, soon.
  const failed = args.length === 0 ? await failedChecks() : []
  const said = failed.length === 0 ? '' : `\nFailed checks: ${failed.join(', ')}`
  if (task === 'check') {
    console.log(said)
    return failed.length === 0 ? 0 : 1
  }
  const { code, closing } = await runTests(args)
  console.log(`${said}\n${closing}`)
  return failed.length > 0 ? Math.max(1, code) : code
}

/** The names of those that failed. All are run: one look shows everything that is to be mended. */
async function failedChecks(): Promise<readonly string[]> {
  const failed: string[] = []
  for (const check of checks) {
    if ((await runStep(check)) !== 0) failed.push(check.name)
  }
  return failed
}

async function runTests(args: readonly string[]): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-tests-'))
  try {
    const path = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`]
    const tests = { name: 'tests', program: 'vitest', args: [...vitest, ...reporters, ...args] }
    const code = await runStep(tests)
    const report = await readReport(path)
    return {
      code,
      closing:
        report === undefined ? 'The tests did not run to their end' : closingLine(report, code),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface TestRun {
  readonly code: number
  readonly closing: string
}

/** What is used of vitest's report. */
interface Report {
  readonly numPassedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

/**
 * `<n> passed, <n> failed`, with `, <n> skipped` where there are any. A file that fails as a whole counts as one, and so
 * does a run that fails although no test did, by an error outside all tests.
 */
export function closingLine(report: Report, exitCode: number): string {
  const failedIn = report.testResults.map(({ status, assertionResults }) => {
    const count = assertionResults.filter((result) => result.status === 'failed').length
    return status === 'failed' ? Math.max(1, count) : count
  })
  const counted = failedIn.reduce((sum, count) => sum + count, 0)
  const failed = exitCode === 0 ? counted : Math.max(1, counted)
  const skipped = report.numPendingTests + report.numTodoTests
  return `${report.numPassedTests} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

async function readReport(path: string): Promise<Report | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Report)
}

/** Runs a program under a heading of its own, and resolves with its exit code. */
async function runStep({ name, program, args }: Check): Promise<number> {
  console.log(`\n== ${name}: ${program} ${args.join(' ')}`)
  const startedAt = performance.now()
  // On this very Node, whichever the program's first line would find.
  const script = join('node_modules/.bin', program)
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' })
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (exitCode, signal) => {
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`== ${name}: ${code === 0 ? 'passed' : `FAILED (exit code ${code})`}, ${seconds} s`)
  return code
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
