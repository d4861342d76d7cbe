/** Random filters give the results of a plain model of the language, and never throw. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterFaults, type Value } from '../../../src/core/filter/filter.ts'
import { filterUnits } from '../../../src/core/hook/filter-match.ts'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import { filtered, spent } from '../../support/filters.ts'
import { failed, randomExpression, randomFilter } from '../../support/random-filters.ts'

describe('a random expression', () => {
  it('gives the result of the language definition', () => {
    let known = 0
    let unknown = 0
    fc.assert(
      fc.property(randomFilter, (part) => {
        const text = part.text(0)
        fc.pre(filterFault(text) === undefined)
        const expected = part.value([])
        const result = filtered(text)
        if (expected === failed) {
          unknown += 1
          expect(
            filterFaults.filter((fault) => fault !== 'budget'),
            text,
          ).toContain(result)
        } else {
          known += 1
          expect(result, text).toBe(expected)
        }
      }),
      { numRuns: 1_000 },
    )
    // The test is meaningful only if both outcomes occurred.
    expect(Math.min(known, unknown)).toBeGreaterThan(30)
  })

  it('with parts that do not fit, on any event, ends within its units and never throws', () => {
    let evaluated = 0
    const event = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', '__proto__'),
      fc.jsonValue({ maxDepth: 3 }),
    )
    fc.assert(
      fc.property(randomExpression, event, (text, payload) => {
        const filter = `dyn(${text}) == true || ${text} == dyn(1)`
        if (filterFault(filter) !== undefined) return
        evaluated += 1
        const value = JSON.parse(JSON.stringify(payload)) as Value
        const { result, units } = spent(filter, value)
        expect([true, false, ...filterFaults]).toContain(result)
        expect(units).toBeLessThanOrEqual(filterUnits)
        expect(spent(filter, value)).toEqual({ result, units })
      }),
      { numRuns: 800 },
    )
    expect(evaluated).toBeGreaterThan(30)
  })
})
