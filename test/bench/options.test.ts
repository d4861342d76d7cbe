import { expect, it } from 'vitest'
import { helpText, readBenchOptions } from './options.ts'
import { scenarioNames } from './scenario-list.ts'

it('the benchmarks have defaults, take scenarios and options, and say what they take', () => {
  const usual = { kind: 'run', rounds: 5, events: 100_000, json: undefined, baseline: undefined }
  expect(readBenchOptions([])).toEqual({ ...usual, scenarios: ['drain'] })
  const named = [
    'burst',
    'kill',
    'burst',
    '--rounds',
    '2',
    '--events=5000',
    '--json',
    'a',
    '--baseline',
    'b',
  ]
  expect(readBenchOptions(named)).toEqual({
    kind: 'run',
    scenarios: ['burst', 'kill'],
    rounds: 2,
    events: 5_000,
    json: 'a',
    baseline: 'b',
  })
  expect(readBenchOptions(['all'])).toEqual({ ...usual, scenarios: scenarioNames })
  expect(readBenchOptions(['drain', '--help'])).toEqual({ kind: 'help' })
  for (const name of scenarioNames) expect(helpText).toContain(name)
})

it.each([
  [['--rounds', '0'], /--rounds is "0", and has to be a number from 1 to 100/],
  [['--events', '1e3'], /--events is "1e3", and has to be a number from 1 to 10000000/],
  [['--fast'], /'--fast'/],
  [['--json'], /--json/],
  [['quake'], /There is no scenario "quake". There are: drain,/],
])('the benchmarks refuse %j', (args, message) => {
  expect(() => readBenchOptions(args)).toThrow(message)
})
