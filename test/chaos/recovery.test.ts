import { expect, it } from 'vitest'
import { Recovery } from './recovery.ts'

const ids = ['h0', 'h1']

it('an endpoint that was hit rests after its first answer for as long as it failed', () => {
  const recovery = new Recovery()
  expect(recovery.rested(ids, 0)).toEqual(ids)
  recovery.hit(['h0'], 1_000)
  expect(recovery.rested(ids, 40_000)).toEqual(['h1'])
  recovery.answered(ids, 41_000)
  expect(recovery.rested(ids, 80_999)).toEqual(['h1'])
  expect(recovery.rested(ids, 81_000)).toEqual(ids)
})

it('an endpoint that is hit twice at once counts as failing from the first hit', () => {
  const recovery = new Recovery()
  recovery.hit(['h0'], 1_000)
  recovery.hit(['h0'], 9_000)
  recovery.answered(['h0'], 11_000)
  expect(recovery.rested(ids, 20_999)).toEqual(['h1'])
  expect(recovery.rested(ids, 21_000)).toEqual(ids)
})

it('an endpoint whose breaker is open is not hit, and rests after its closing for as long as it was open', () => {
  const recovery = new Recovery()
  recovery.said('h0', 1_000, 31_000)
  recovery.said('h0', 32_000, 332_000)
  expect(recovery.open(ids)).toEqual([['h0', 332_000]])
  expect(recovery.rested(ids, 300_000)).toEqual(['h1'])
  recovery.said('h0', 333_000, undefined)
  expect(recovery.open(ids)).toEqual([])
  expect(recovery.rested(ids, 664_999)).toEqual(['h1'])
  expect(recovery.rested(ids, 665_000)).toEqual(ids)
})
