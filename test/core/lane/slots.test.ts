import { describe, expect, it } from 'vitest'
import {
  longestWait,
  ofProcess,
  simulate,
  type SimulatedHook,
} from '../../support/slot-simulation.ts'

const second = 1_000
const slots = ofProcess.maxInFlight

/** Hooks of a tenant that accept calls and never answer. */
function hanging(tenantId: string, count: number): readonly SimulatedHook[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${tenantId}-${index}`,
    tenantId,
    callMs: 10 * second,
    outcome: 'failure',
    everyMs: second,
    from: index % 1_000,
    mostQueued: 4,
  }))
}

/** A hook that answers in 9 ms and gets 100 a second. */
const quick = (fields: Partial<SimulatedHook>): SimulatedHook => ({
  id: 'quick',
  tenantId: 'victim',
  callMs: 9,
  everyMs: 10,
  ...fields,
})

describe('slots by occupancy', () => {
  it.each([1, 2, 4, 16, 64])(
    'settle %i greedy tenants whose calls take long at S/(2+k) each, or 0.8 S/(1+k), and leave the rest free to others',
    (count) => {
      const greedy = Array.from({ length: count }, (_, tenant) => `t${tenant}`).flatMap(
        (tenantId) =>
          Array.from({ length: 300 }, (_, hook) => ({
            id: `${tenantId}-${hook}`,
            tenantId,
            callMs: second + ((hook * 37) % 500),
            everyMs: 400,
            from: hook,
            mostQueued: 4,
          })),
      )
      const { held, lanes } = simulate(greedy.slice(0, 20_000), 10 * second, { maxInFlight: 400 })
      // While some of their hooks have made no call, it is a little more.
      const least = Math.min(400 / (2 + count), (0.8 * 400) / (1 + count))
      const most = Math.min(400 / (1.5 + count), (0.85 * 400) / (0.75 + count))
      for (const calls of Object.values(held)) {
        expect(calls).toBeGreaterThan(least - 1)
        expect(calls).toBeLessThan(most + 1)
      }
      expect(lanes.inFlight).toBeLessThanOrEqual(0.85 * 400)
    },
    30_000,
  )

  it('settle a lone greedy hook whose calls take long at a quarter, so that its tenant and others have some left', () => {
    const lone = quick({ id: 'lone', callMs: 2 * second, concurrency: 5_000, everyMs: 0.25 })
    const { held } = simulate([lone], 60 * second)
    expect(Math.abs((held['victim'] ?? 0) - slots / 4)).toBeLessThan(2)
  })
})

describe('4,500 hanging hooks of a tenant', () => {
  it('add nothing to the latency of another tenant', () => {
    const simulation = simulate([...hanging('hangs', 4_500), quick({ from: 3_000 })], 60 * second)
    expect(simulation.hooks.get('quick')?.waits.length).toBeGreaterThan(5_600)
    expect(longestWait(simulation, 'quick')).toBe(0)
  }, 30_000)

  it('make another hook of theirs that has answered before wait for less than two seconds', () => {
    const simulation = simulate(
      [...hanging('hangs', 4_500), quick({ tenantId: 'hangs', from: -100, everyMs: 50 })],
      60 * second,
    )
    expect(simulation.hooks.get('quick')?.waits.length).toBeGreaterThan(1_100)
    expect(longestWait(simulation, 'quick')).toBeLessThan(2 * second)
  }, 30_000)
})

describe('hanging tenants', () => {
  it.each([8, 64])(
    '%i of them, of 100 hooks each, add nothing to the latency of another one',
    (count) => {
      const tenants = Array.from({ length: count }, (_, tenant) => `t${tenant}`)
      const hooks = tenants.flatMap((tenantId) => hanging(tenantId, 100))
      const simulation = simulate([...hooks, quick({ from: 3_000 })], 40 * second)
      expect(simulation.hooks.get('quick')?.waits.length).toBeGreaterThan(3_600)
      expect(longestWait(simulation, 'quick')).toBe(0)
    },
    30_000,
  )
})

describe('16 warmed hooks of 256 calls at once that take 55 s', () => {
  const warmed = Array.from({ length: 16 }, (_, index) => ({
    id: `w${index}`,
    tenantId: 'warm',
    concurrency: 256,
    callMs: 55 * second,
    everyMs: 5,
  }))

  it.each([
    ['another tenant', 'victim'],
    ['another hook of theirs', 'warm'],
  ])('let calls of %s start at once', (_, tenantId) => {
    const simulation = simulate([...warmed, quick({ tenantId, from: 5 * second })], 60 * second, {
      initialConcurrency: 256,
    })
    expect(simulation.lanes.inFlight).toBeGreaterThan(0.3 * slots)
    expect(simulation.hooks.get('quick')?.waits.length).toBeGreaterThan(5_000)
    expect(longestWait(simulation, 'quick')).toBe(0)
  })
})
