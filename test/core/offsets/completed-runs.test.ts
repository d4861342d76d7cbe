import { expect, it } from 'vitest'
import { isWithin } from '../../../src/core/offsets/completed-runs.ts'

it('an offset is within ranges from their first offset to before their end', () => {
  const ranges = [
    { from: 3, to: 5 },
    { from: 7, to: 8 },
    { from: 10, to: 1_000 },
  ]
  const within = Array.from({ length: 13 }, (_, offset) => offset).filter((offset) =>
    isWithin(ranges, offset),
  )
  expect(within).toEqual([3, 4, 7, 10, 11, 12])
  expect(isWithin(ranges, 1_000)).toBe(false)
  expect(isWithin([], 0)).toBe(false)
})
