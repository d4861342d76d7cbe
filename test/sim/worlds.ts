/** Tests over ranges of seeds. Each file takes one, so that they run beside each other. */
import { describe, expect, it } from 'vitest'
import { replayCommand, runSeed } from './run-seed.ts'

/** Seeds of one test. */
const atOnce = 100
const patienceMs = 120_000

export function describeWorlds(from: number, count: number): void {
  describe('in a simulated world', () => {
    for (let first = from; first < from + count; first += atOnce) {
      const last = Math.min(first + atOnce, from + count) - 1
      it(
        `everything that must hold does, seeds ${first} to ${last}`,
        () => expectNothingFound(first, last),
        patienceMs,
      )
    }
  })
}

async function expectNothingFound(first: number, last: number): Promise<void> {
  for (let seed = first; seed <= last; seed += 1) expect(await foundBy(seed)).toEqual([])
}

/** What the seed's world finds, each with the command that shows how it came. */
export async function foundBy(seed: number): Promise<readonly string[]> {
  const { violations } = await runSeed(seed)
  return violations.map(
    ({ check, message, at }) =>
      `seed ${seed}, at ${Math.round(at)} ms, ${check}: ${message} (${replayCommand(seed)})`,
  )
}
