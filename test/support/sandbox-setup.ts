/** Starts the broker and the registry before the first test that may need them. */
import type { TestProject } from 'vitest/node'
import { startSurroundings } from '../../examples/sandbox/sandbox.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly surroundings: {
      readonly brokers: readonly string[]
      readonly registryUrl: string
    }
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const { brokers, registryUrl, stop } = await startSurroundings({
    progress: (message) => process.stderr.write(`${message}\n`),
  })
  provide('surroundings', { brokers, registryUrl })
  return stop
}
