import { expect, it } from 'vitest'
import { cpuSecondsIn, cpuSecondsOf, peakMiBIn, residentMiBIn } from './cpu.ts'
import { growthOf, judge, median, percentile, withRound, type Rows } from './figures.ts'

it('the median of an even number of values is the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([9, 1, 5, 2])).toBe(3.5)
  expect(median([])).toBeNaN()
})

it('a percentile is the smallest value that so many are not above', () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1)
  expect(percentile(values, 0.5)).toBe(100)
  expect(percentile(values, 0.99)).toBe(198)
  expect(percentile(values, 1)).toBe(200)
  expect(percentile([7], 0)).toBe(7)
  expect(percentile([], 0.5)).toBeNaN()
})

it('growth compares the last third of the samples with the one before, whatever came first', () => {
  expect(growthOf([900, 1, 10, 10, 10, 12, 12, 12, 12])).toBe(1.2)
  expect(growthOf([1, 2])).toBeNaN()
})

it('rounds are added to their subject, without what could not be measured', () => {
  const once = withRound({}, 'hooktide', { rate: 10, broker: Number.NaN })
  const twice = withRound(withRound(once, 'loop', { rate: 7 }), 'hooktide', { rate: 12 })
  expect(twice).toEqual({ hooktide: { rate: [10, 12] }, loop: { rate: [7] } })
})

it('a target beside another subject is judged by the ratios of each round', () => {
  const rows: Rows = { hooktide: { rate: [10, 30, 8] }, loop: { rate: [5, 10, 8] } }
  const target = { subject: 'hooktide', figure: 'rate', beside: 'loop', limit: { atLeast: 2 } }
  expect(judge(rows, target)).toMatchObject({ value: 2, isMet: true })
  expect(judge(rows, { ...target, limit: { atMost: 1.9 } })).toMatchObject({ isMet: false })
  const { beside, ...alone } = target
  expect(judge(rows, { ...alone, limit: { atMost: 10 } })).toMatchObject({ value: 10, isMet: true })
  expect(judge({ ...rows, [beside]: { rate: [5] } }, target)).toBeUndefined()
  expect(judge({ hooktide: rows['hooktide'] ?? {} }, target)).toBeUndefined()
})

it('reads processor time and memory as Linux writes them', () => {
  const stat = '4711 (a (b) c) S 1 1 1 0 -1 4194560 9 0 0 0 250 75 3 4 20 0 11 0 100 1 1'
  expect(cpuSecondsIn(stat)).toBe(3.25)
  expect(cpuSecondsIn('')).toBeNaN()
  expect(cpuSecondsOf([-1])).toBeNaN()
  const status = 'Name:\tnode\nVmHWM:\t  20480 kB\nVmRSS:\t 1024 kB\n'
  expect(peakMiBIn(status)).toBe(20)
  expect(peakMiBIn('')).toBeNaN()
  expect(residentMiBIn(status)).toBe(1)
})
