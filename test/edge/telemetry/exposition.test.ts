import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Count,
  Distribution,
  Family,
  gauge,
  Single,
} from '../../../src/edge/telemetry/exposition.ts'

describe('a metric as text', () => {
  it('has every value of its label from the start, in their order, and others as they come', () => {
    const family = new Family(
      { name: 'calls_total', help: 'Calls.', type: 'counter' },
      { label: 'class', values: ['ok', 'http'], create: () => new Count() },
    )
    family.of('http').add()
    family.of('late' as 'http').add()
    expect(family.text()).toBe(
      [
        '# HELP calls_total Calls.',
        '# TYPE calls_total counter',
        'calls_total{class="ok"} 0',
        'calls_total{class="http"} 1',
        'calls_total{class="late"} 1',
        '',
      ].join('\n'),
    )
  })

  it('escapes what a label value may hold', () => {
    const values = new Map([['a"b\\c\nd', 1]])
    expect(gauge({ name: 'depth', help: 'Depth.' }, { label: 'topic', values })).toContain(
      'depth{topic="a\\"b\\\\c\\nd"} 1\n',
    )
  })

  it('counts a histogram’s observations up to each bound, the bound itself included', () => {
    const single = new Single(
      { name: 'wait_seconds', help: 'Wait.', type: 'histogram' },
      new Distribution([0.1, 1]),
    )
    for (const value of [0.1, 0.5, 1, 3]) single.series.observe(value)
    expect(single.text()).toBe(
      [
        '# HELP wait_seconds Wait.',
        '# TYPE wait_seconds histogram',
        'wait_seconds_bucket{le="0.1"} 1',
        'wait_seconds_bucket{le="1"} 3',
        'wait_seconds_bucket{le="+Inf"} 4',
        'wait_seconds_sum 4.6',
        'wait_seconds_count 4',
        '',
      ].join('\n'),
    )
  })

  it('agrees with counting every observation again, for any bounds', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })
    fc.assert(
      fc.property(
        fc.uniqueArray(finite.map(Math.round), { minLength: 1, maxLength: 20 }),
        fc.array(finite),
        (unsorted, observed) => {
          const bounds = unsorted.toSorted((a, b) => a - b)
          const distribution = new Distribution(bounds)
          for (const value of observed) distribution.observe(value)
          const text = distribution.lines('d', 'class="x"')
          for (const bound of bounds) {
            const below = observed.filter((value) => value <= bound).length
            expect(text).toContain(`d_bucket{class="x",le="${bound}"} ${below}\n`)
          }
          expect(text).toContain(`d_bucket{class="x",le="+Inf"} ${observed.length}\n`)
        },
      ),
    )
  })
})
