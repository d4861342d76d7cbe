import { expect, it } from 'vitest'
import { SeenRuns } from '../../../src/core/answers/seen-runs.ts'

const runOf = (number: number) => ({
  deliveryId: `dlv_${String(number % 1_000).padStart(22, '0')}`,
  run: `auth.events/${number % 12}/${number}`,
})

it('runs are told apart, as many as are held', () => {
  const runs = new SeenRuns(400_001)
  for (let number = 0; number < 200_000; number += 1) expect(runs.add(runOf(number))).toBe(true)
  for (const number of [0, 7, 199_999]) expect(runs.add(runOf(number))).toBe(false)
})

it('a run is known as long as half as many have not followed it', () => {
  const runs = new SeenRuns(100)
  for (let number = 0; number < 99; number += 1) runs.add(runOf(number))
  expect(runs.add(runOf(98))).toBe(false)
  expect(runs.add(runOf(49))).toBe(false)
  for (let number = 100; number < 200; number += 1) runs.add(runOf(number))
  expect(runs.add(runOf(49))).toBe(true)
})
