import { describe, expect, it } from 'vitest'
import { isResult } from '../../../src/commands/results/result.ts'
import { ResultTable } from '../../../src/commands/results/result-line.ts'
import { Statistics } from '../../../src/core/answers/statistics.ts'
import { endWith, failureWith, resultAt, resultWith } from '../../support/results.ts'

const unmatchedHooks = [{ hookId: 'crm', reason: 'filter-false' }]
const results = [
  resultWith({}),
  failureWith({ userId: 'u1', sourceKey: 'k' }),
  endWith({ outcome: 'unmatched', reason: 'not-passed', unmatchedHooks }),
]

describe('what is read from the topic of results', () => {
  it.each(results)('is a result as hooktide writes it: $outcome', (result) => {
    expect(isResult(result)).toBe(true)
    expect(isResult({ ...result, ofLaterVersion: {} })).toBe(true)
  })

  const hostile = [
    ...[undefined, null, true, 5, -1, 1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY],
    ...['text', [], {}, [null], [5], [{ hookId: 1, reason: 'a' }], { length: 1 }],
  ]

  it('is none where a field has what would break those who show or count it', () => {
    const table = new ResultTable(80)
    const wide = new ResultTable(undefined)
    let refused = 0
    for (const [result, field, value] of results.flatMap((one) =>
      Object.keys(one).flatMap((name) => hostile.map((value) => [one, name, value] as const)),
    )) {
      const changed: unknown = { ...result, [field]: value }
      if (isResult(changed)) {
        expect(() => [table.lines(changed, resultAt), wide.lines(changed, resultAt)]).not.toThrow()
        expect(() => new Statistics('hook').add(changed)).not.toThrow()
      } else refused += 1
    }
    expect(refused).toBeGreaterThan(500)
  })

  it.each([
    ['unmatchedHooks', 5],
    ['unmatchedHooks', [null]],
    ['final', 'no'],
    ['sourceOffset', 1.5],
    ['sourcePartition', -1],
    ['sourceTopic', null],
    ['totalMs', Number.NaN],
    ['userId', {}],
    ['instance', 1],
  ])('is none with %s: %j', (field, value) => {
    expect(isResult({ ...results[0], [field]: value })).toBe(false)
  })

  it.each([undefined, null, 5, 'text', []])('is none if it is %j', (value) => {
    expect(isResult(value)).toBe(false)
  })
})
