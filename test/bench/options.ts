/** The command line of the benchmarks. */
import { UserError } from '../../src/core/model/errors.ts'

/** What dead, slow and busy neighbours do. */
export const scenarioNames = [
  'burst',
  'backlog',
  'rates',
  'fanout',
  'busy',
  'kill',
  'hanging',
  'recovery',
] as const
export type ScenarioName = (typeof scenarioNames)[number]

export type BenchOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'throughput'; readonly events: number }
  | { readonly kind: 'ingest' }
  | { readonly kind: 'isolation'; readonly scenarios: readonly ScenarioName[] }

const defaultEvents = 100_000
const mostEvents = 10_000_000

export const helpText = `Benchmarks, on a broker, a registry and a receiver that they start.

Usage: npm run bench [<events>]                  throughput, beside a bare loop on the same topic [${defaultEvents}]
       npm run bench ingest                      webhooks that come in by HTTP, and a broker that is killed meanwhile
       npm run bench isolation [<scenario> ...]  what neighbours cost, each beside its ideal [all: about an hour]

Scenarios: ${scenarioNames.join(', ')}

Exit codes: 0 done, 1 failed, 2 used wrongly.`

/** @throws {UserError} that names what is wrong */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  if (args.some((word) => word === '--help' || word === '-h')) return { kind: 'help' }
  const [first, ...others] = args
  if (first === 'isolation') {
    return {
      kind: 'isolation',
      scenarios: others.length === 0 ? scenarioNames : others.map(scenarioOf),
    }
  }
  if (first === 'ingest' && others.length === 0) return { kind: 'ingest' }
  if (others.length > 0) throw refusal(`"${others[0]}" is one argument too many.`)
  const events = first === undefined ? defaultEvents : Number(first)
  if (Number.isInteger(events) && events > 0 && events <= mostEvents)
    return { kind: 'throughput', events }
  throw refusal(
    `"${first}" is no number of events from 1 to ${mostEvents}, and neither "ingest" nor "isolation".`,
  )
}

function scenarioOf(word: string): ScenarioName {
  const name = scenarioNames.find((one) => one === word)
  if (name !== undefined) return name
  throw refusal(`There is no scenario "${word}". There are: ${scenarioNames.join(', ')}.`)
}

function refusal(message: string): UserError {
  return new UserError([message, 'See: npm run bench -- --help'], 2)
}
