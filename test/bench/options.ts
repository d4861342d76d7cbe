/** The command line of the benchmarks. */
import { parseArgs } from 'node:util'
import { asError, UserError } from '../../src/core/model/errors.ts'
import { describedScenario, scenarioNames, type ScenarioName } from './scenario-list.ts'

export type BenchOptions =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run'
      /** In the order in which they were named. */
      readonly scenarios: readonly ScenarioName[]
      readonly rounds: number
      readonly events: number
      /** Where the report is written; `undefined` for nowhere. */
      readonly json: string | undefined
      /** The report to compare with. */
      readonly baseline: string | undefined
    }

const defaults = { scenario: 'drain', rounds: 5, events: 100_000 } as const
const most = { rounds: 100, events: 10_000_000 } as const

export const helpText = `Benchmarks of hooktide as its users run it, on a broker, a registry and a receiver that they start.

Usage: npm run bench -- [<scenario> ...] [options]

Scenarios [${defaults.scenario}]; "all" for all of them, which takes hours:
${scenarioNames.map(scenarioLine).join('\n')}

Options:
  --rounds <n>       Rounds; the subjects of a scenario take turns in each, and medians are shown. [${defaults.rounds}]
  --events <n>       Events of a backlog that is drained (drain, fanout, kill, waiting, processes). [${defaults.events}]
  --json <file>      Also write all values there. Other scenarios that the file has stay in it.
  --baseline <file>  Show each median divided by that of a file that --json wrote, such as test/bench/baseline.json.
  --help             Show this.

Exit codes: 0 done, targets met or not; 1 failed; 2 used wrongly.`

function scenarioLine(name: ScenarioName): string {
  const { target, about } = describedScenario(name)
  return `  ${name.padEnd(14)} ${target.padEnd(4)} ${about}`
}

/** @throws {UserError} that names what is wrong */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse(args)
  if (values.help === true) return { kind: 'help' }
  return {
    kind: 'run',
    scenarios: scenariosOf(positionals),
    rounds: countOf('rounds', values.rounds),
    events: countOf('events', values.events),
    json: values.json,
    baseline: values.baseline,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        events: { type: 'string' },
        json: { type: 'string' },
        baseline: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw refusal(asError(error).message)
  }
}

function scenariosOf(words: readonly string[]): readonly ScenarioName[] {
  if (words.length === 0) return [defaults.scenario]
  return words.includes('all') ? scenarioNames : [...new Set(words.map(scenarioOf))]
}

function scenarioOf(word: string): ScenarioName {
  const name = scenarioNames.find((one) => one === word)
  if (name !== undefined) return name
  throw refusal(`There is no scenario "${word}". There are: ${scenarioNames.join(', ')}.`)
}

function countOf(option: 'rounds' | 'events', text: string | undefined): number {
  if (text === undefined) return defaults[option]
  const count = Number(text)
  if (/^\d+$/.test(text) && count > 0 && count <= most[option]) return count
  throw refusal(`--${option} is "${text}", and has to be a number from 1 to ${most[option]}.`)
}

function refusal(message: string): UserError {
  return new UserError([message, 'See: npm run bench -- --help'], 2)
}
