import { expect, it } from 'vitest'
import { closingLine } from '../../src/sandbox/checks.ts'

const passed = { status: 'passed', assertionResults: [{ status: 'passed' }] }
const failed = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'failed' }] }
const unloadable = { status: 'failed', assertionResults: [] }
const report = { numPassedTests: 7, numPendingTests: 0, numTodoTests: 0 }

it.each([
  { what: 'a good run', results: [passed], code: 0, line: '7 passed, 0 failed' },
  { what: 'failing tests', results: [passed, failed], code: 1, line: '7 passed, 2 failed' },
  {
    what: 'a file that does not load',
    results: [failed, unloadable],
    code: 1,
    line: '7 passed, 3 failed',
  },
  { what: 'an error outside all tests', results: [passed], code: 1, line: '7 passed, 1 failed' },
])('the closing line counts $what', ({ results, code, line }) => {
  expect(closingLine({ ...report, testResults: results }, code)).toBe(line)
})

it('the closing line names what was skipped', () => {
  const withSkipped = { ...report, numPendingTests: 2, numTodoTests: 1, testResults: [passed] }
  expect(closingLine(withSkipped, 0)).toBe('7 passed, 0 failed, 3 skipped')
})
