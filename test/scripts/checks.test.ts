import { describe, expect, it } from 'vitest'
import type { TestCase, TestModule } from 'vitest/node'
import { closingLine } from '../../scripts/checks.ts'
import { countTests } from '../support/counts-reporter.ts'

type State = ReturnType<TestCase['result']>['state']

/** As much of a file's report as is counted. */
function fileOf(state: 'passed' | 'failed', ...tests: readonly State[]) {
  const cases = tests.map((test) => ({ result: () => ({ state: test }) }))
  return { state: () => state, children: { allTests: () => cases } } as unknown as TestModule
}

describe('counting tests', () => {
  it('adds up all files', () => {
    const files = [fileOf('passed', 'passed', 'skipped'), fileOf('failed', 'failed', 'passed')]
    expect(countTests(files, 0)).toEqual({ passed: 2, failed: 1, skipped: 1 })
  })

  it('counts a file that does not load as one failure', () => {
    expect(countTests([fileOf('failed')], 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts errors outside of all tests', () => {
    expect(countTests([fileOf('passed', 'passed')], 2)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 0,
    })
  })
})

describe('the closing line', () => {
  it('names what was skipped only where something was', () => {
    expect(closingLine({ passed: 7, failed: 0, skipped: 0 })).toBe('7 passed, 0 failed')
    expect(closingLine({ passed: 7, failed: 1, skipped: 2 })).toBe('7 passed, 1 failed, 2 skipped')
  })
})
