import { expect, it } from 'vitest'
import { OpenRuns } from '../../../src/core/answers/open-runs.ts'

const runOf = (number: number) => ({
  deliveryId: `dlv_${String(number % 1_000).padStart(22, '0')}`,
  run: `auth.events/${number % 12}/${number}`,
})

it('runs are told apart, as many as are held', () => {
  const runs = new OpenRuns(200_000)
  for (let number = 0; number < 200_000; number += 1) {
    expect(runs.goOn(runOf(number), 'retrying')).toEqual({ kind: 'changed', before: undefined })
  }
  expect(runs.goOn(runOf(200_000), 'waiting')).toEqual({ kind: 'untracked' })
  expect(runs.goOn(runOf(7), 'waiting')).toEqual({ kind: 'changed', before: 'retrying' })
  expect(runs.end(runOf(7))).toEqual({ kind: 'changed', before: 'waiting' })
})

it('an end is known as a repeat as long as half as many have not ended since', () => {
  const runs = new OpenRuns(100)
  for (let number = 0; number < 50; number += 1) runs.end(runOf(number))
  for (let number = 0; number < 50; number += 1) {
    expect(runs.end(runOf(number))).toEqual({ kind: 'repeat' })
    expect(runs.goOn(runOf(number), 'retrying')).toEqual({ kind: 'repeat' })
  }
})
