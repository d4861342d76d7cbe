import { expect, it } from 'vitest'
import { helpText, readBenchOptions, scenarioNames } from './options.ts'

it('the benchmarks have defaults, take a number or scenarios, and say what they take', () => {
  expect(readBenchOptions([])).toEqual({ kind: 'throughput', events: 100_000 })
  expect(readBenchOptions(['5000'])).toEqual({ kind: 'throughput', events: 5_000 })
  expect(readBenchOptions(['ingest'])).toEqual({ kind: 'ingest' })
  expect(readBenchOptions(['isolation'])).toEqual({ kind: 'isolation', scenarios: scenarioNames })
  const some = { kind: 'isolation', scenarios: ['burst', 'kill'] }
  expect(readBenchOptions(['isolation', 'burst', 'kill'])).toEqual(some)
  expect(readBenchOptions(['isolation', '--help'])).toEqual({ kind: 'help' })
  for (const name of scenarioNames) expect(helpText).toContain(name)
})

it.each([
  [
    ['many'],
    /"many" is no number of events from 1 to 10000000, and neither "ingest" nor "isolation"/,
  ],
  [['0'], /"0" is no number/],
  [['ingest', '6'], /"6" is one argument too many/],
  [['5', '6'], /"6" is one argument too many/],
  [['isolation', 'quake'], /There is no scenario "quake". There are: burst,/],
])('the benchmarks refuse %j', (args, message) => {
  expect(() => readBenchOptions(args)).toThrow(message)
})
