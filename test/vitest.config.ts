import { defineConfig } from 'vitest/config'
import { countsReporter } from './support/counts-reporter.ts'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    reporters: ['default', countsReporter],
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: [
            'test/{core,stages,edge,settings,commands,demo,flow,sim,chaos,bench,project,scripts,support}/**/*.test.ts',
          ],
          sequence: { groupOrder: 0 },
          // Pure tests share nothing that one could spoil for another, and a worker per file costs more than they do.
          isolate: false,
          // They keep a core busy each; by default one is left idle.
          maxWorkers: '100%',
          // For what hangs. Those that simulate hours take a second or two, and several times that on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          // Sockets of its own and a browser, but no broker.
          name: 'monitor',
          include: ['test/monitor/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/{contract,broker,sandbox}/**/*.test.ts'],
          // One broker for all of them. It is started only when one of these files was chosen.
          globalSetup: 'test/support/sandbox-setup.ts',
          // Files mostly wait: for a group to form, for a broker to come back, for a process to start. Each has topics and
          // groups of its own, so they can wait beside each other. More than three at once starve each other on two cores.
          maxWorkers: 3,
          // For what hangs. The longest takes half a minute on a quiet machine, and several times that on a busy one.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
