import type { Reporter, TestModule } from 'vitest/node'
import type { TestCounts } from '../../scripts/checks.ts'

/** Reports the number of tests to the process that started the run, if it listens. */
export const countsReporter: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    process.send?.(countTests(modules, unhandledErrors.length))
  },
}

/** Besides tests, a file that fails as a whole and each error outside of tests count as failed. */
export function countTests(
  modules: readonly Pick<TestModule, 'children' | 'state'>[],
  unhandledErrors: number,
): TestCounts {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0 }
  for (const module of modules) {
    const before = counts.failed
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      counts[state === 'pending' ? 'skipped' : state] += 1
    }
    if (module.state() === 'failed' && counts.failed === before) counts.failed += 1
  }
  return counts
}
