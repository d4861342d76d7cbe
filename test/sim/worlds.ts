/** Tests over ranges of seeds. Each test file takes one range, so that they run in parallel. */
import { describe, expect, it } from 'vitest'
import { replayCommand, runSeed } from './run-seed.ts'

/** How many seeds one test runs. */
const atOnce = 125
const patienceMs = 120_000

export function describeWorlds(from: number, count: number): void {
  describe('in a simulated world', () => {
    for (let first = from; first < from + count; first += atOnce) {
      const last = Math.min(first + atOnce, from + count) - 1
      it(
        `no check fails for seeds ${first} to ${last}`,
        () => expectNothingFound(first, last),
        patienceMs,
      )
    }
  })
}

async function expectNothingFound(first: number, last: number): Promise<void> {
  for (let seed = first; seed <= last; seed += 1) expect(await foundBy(seed)).toEqual([])
}

/** The violations of the seed's world, each with the command that shows how it came about. */
export async function foundBy(seed: number): Promise<readonly string[]> {
  const { violations } = await runSeed(seed)
  return violations.map(
    ({ check, message, at }) =>
      `seed ${seed}, at ${Math.round(at)} ms, ${check}: ${message} (${replayCommand(seed)})`,
  )
}
