/** The short form of `npm run chaos`: quick faults on one broker, of which some go on together. Only the books count. */
import { expect, it } from 'vitest'
import type { FaultKind, PlannedFault } from '../chaos/plan.ts'
import { runChaos } from '../chaos/run.ts'

const second = 1_000

/** When each begins and how long it lasts, in seconds. */
const faults: readonly (readonly [kind: FaultKind, at: number, lasts: number])[] = [
  ['endpoint-sliced', 1, 5],
  ['kafka-sliced', 2, 6],
  ['kill', 3, 1],
  ['hooks-edited', 4, 6],
  // Turns are given below: the odd ones are of endpoints that fail at times, which opens no breaker.
  ['endpoint-reset', 5, 4],
  ['stop', 11, 8],
  ['endpoint-hang', 13, 4],
  ['churn', 21, 4],
  ['term', 26, 1],
  ['endpoint-flood', 26, 3],
]

const planned: readonly PlannedFault[] = faults.map(([kind, at, lasts], index) => ({
  id: index + 1,
  kind,
  at: at * second,
  lastsMs: lasts * second,
  turn: 1,
  isMixed: true,
}))

it('processors that are killed, suspended, stopped and joined by others on bad connections lose nothing, and all counts agree', async () => {
  const lines: string[] = []
  const report = await runChaos({
    plan: { seed: 1, loadMs: 30 * second, faults: planned },
    brokers: 1,
    processors: 2,
    eventsPerSecond: 60,
    settleMs: 180 * second,
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
  })
  const { comparison, deaths } = report ?? {}
  const wrong = Object.entries(comparison?.faults ?? {}).filter(
    ([, list]: [string, readonly string[]]) => list.length > 0,
  )
  expect(wrong, lines.join('\n')).toEqual([])
  expect(deaths).toEqual([])
  expect(report?.faults.filter(({ kind }) => kind === 'failed')).toEqual([])
  expect(comparison?.counts.owed).toBeGreaterThan(1_000)
}, 360_000)
