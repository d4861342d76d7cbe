/**
 * `npm run chaos -- [--minutes 10] [--seed N] [--faults a,b] [--brokers 1|3] [--processors 3] [--rate 100]`: real
 * processors on real brokers run under a modest load while faults happen. Then four books are compared. The exit code is 1
 * when they do not agree, and 130 after Ctrl-C, which leaves nothing running.
 */
import { UserError } from '../../src/core/model/errors.ts'
import { keepEvidence } from './evidence.ts'
import { asksForHelp, commandOf, helpText, maxSeed, readOptions } from './options.ts'
import { drawPlan } from './plan.ts'
import { reportOf } from './report.ts'
import { runChaos } from './run.ts'

/** A breaker that opened twice makes its next probe after five minutes. */
const settleMs = 8 * 60_000

const print = (line: string) => void process.stdout.write(`${line}\n`)

async function main(args: readonly string[]): Promise<number> {
  if (asksForHelp(args)) {
    print(helpText)
    return 0
  }
  const options = readOptions(args, 1 + Math.floor(Math.random() * maxSeed))
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => ending.abort())
  const plan = drawPlan(options)
  const { brokers, processors, eventsPerSecond } = options
  print(
    `seed ${options.seed}: ${plan.faults.length} faults in ${options.minutes} min; to repeat it: ${commandOf(options)}`,
  )
  const report = await runChaos({
    plan,
    brokers,
    processors,
    eventsPerSecond,
    settleMs,
    signal: ending.signal,
    print,
  })
  if (report === undefined) {
    print('stopped early: the books were not compared')
    return 130
  }
  for (const line of reportOf(report)) print(line)
  if (report.isRight) return 0
  print(`The books are kept in ${await keepEvidence(report)}`)
  print(`Again with: ${commandOf(options)}`)
  return 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UserError)) throw error
  for (const line of error.lines) process.stderr.write(`${line}\n`)
  process.exitCode = 2
}
