import { expect, it } from 'vitest'
import { dueWords, resultHeading } from '../../../src/commands/results/result-line.ts'
import { roughWait } from '../../../src/core/model/durations.ts'
import { eventKeys } from '../../../src/core/event/event-keys.ts'

it('the column of events has room for every key that Logto sends', () => {
  const width = resultHeading.indexOf('DELIVERY') - resultHeading.indexOf('EVENT ')
  for (const key of eventKeys) expect(key.length).toBeLessThan(width)
})

it.each([
  [400, '0 s'],
  [65_000, '65 s'],
  [358_000, '6 min'],
  [7_190_000, '2 h'],
  [345_600_000, '4 d'],
])('a wait of %s ms is printed as %s', (waitMs, words) => {
  expect(roughWait(waitMs)).toBe(words)
})

it.each([
  [65_000, '1970-01-01T00:01:05.000Z (in 65 s)'],
  [1, '1970-01-01T00:00:00.001Z (in 0 s)'],
  [0, '1970-01-01T00:00:00.000Z'],
  [-1_000, '1969-12-31T23:59:59.000Z'],
])('what is due at %s is told at 0 as %s', (dueAt, words) => {
  expect(dueWords(dueAt, 0)).toBe(words)
})
