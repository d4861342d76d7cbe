import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../../src/core/answers/histogram.ts'

function histogramOf(durations: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const duration of durations) histogram.add(duration)
  return histogram
}

describe('percentiles', () => {
  it('are within 1 % of a value that was added, whatever was', () => {
    const duration = fc.double({ min: 0.1, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, share) => {
          const sorted = all.toSorted((one, other) => one - other)
          const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0
          const found = histogramOf(all).quantile(share) ?? 0
          expect(Math.abs(found - exact) / exact).toBeLessThanOrEqual(0.0101)
        },
      ),
    )
  })

  it('are none of nothing, and not of what is no number', () => {
    expect(histogramOf([]).quantile(0.5)).toBeUndefined()
    expect(histogramOf([Number.NaN]).quantile(0.5)).toBeUndefined()
  })

  it('take times before 0 as 0 and endless ones as very long', () => {
    expect(histogramOf([-5]).quantile(1)).toBe(0.1)
    expect(histogramOf([Number.POSITIVE_INFINITY]).quantile(1)).toBeGreaterThan(9.8e9)
  })
})
