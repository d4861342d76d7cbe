import { describe, expect, it } from 'vitest'
import { keptSeeds } from './kept-seeds.ts'
import { runSeed } from './run-seed.ts'
import { foundBy } from './worlds.ts'

describe('a seed that found something', () => {
  it.each(keptSeeds)('finds it no more: $seed, $found', { timeout: 60_000 }, async ({ seed }) => {
    expect(await foundBy(seed)).toEqual([])
  })
})

describe('a seed', () => {
  it.each([1, 2, 5, 16])('decides all that happens: %i', { timeout: 60_000 }, async (seed) => {
    const [one, other] = [await traceOf(seed), await traceOf(seed)]

    expect(one.length).toBeGreaterThan(50)
    expect(one).toEqual(other)
  })
})

async function traceOf(seed: number): Promise<readonly string[]> {
  const lines: string[] = []
  await runSeed(seed, (line) => lines.push(line))
  return lines
}
