import { expect, it } from 'vitest'
import { Newest } from '../../../src/commands/results/last.ts'
import { recordOf } from '../../support/record-builders.ts'

it('the newest of what was read backwards are kept in the order of their times, and no more', () => {
  const newest = new Newest<number>(3)
  for (let timestamp = 5_000; timestamp > 0; timestamp -= 1) {
    newest.add(recordOf({ partition: timestamp % 3, offset: timestamp, timestamp }), timestamp)
  }
  expect(newest.inOrder()).toEqual([4_998, 4_999, 5_000])
  expect(newest.mayTake(4_998)).toBe(false)
  expect(newest.mayTake(4_999)).toBe(true)
})

it('of what was written at one time the later in its partition counts as newer', () => {
  const newest = new Newest<string>(2)
  for (const [offset, name] of [
    [2, 'c'],
    [0, 'a'],
    [1, 'b'],
  ] as const) {
    newest.add(recordOf({ offset, timestamp: 7 }), name)
  }
  expect(newest.inOrder()).toEqual(['b', 'c'])
})
