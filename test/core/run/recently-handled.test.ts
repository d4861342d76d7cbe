import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Run } from '../../../src/core/model/model.ts'
import { RecentlyHandled } from '../../../src/core/run/recently-handled.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'

const at = (attempt: number, hop: number, fields: Partial<Run> = {}) =>
  runOf({ run: 'auth.events/0/7', attempt, hop, ...fields })

describe('what was recently handled', () => {
  it.each([
    [1, 2, true],
    [1, 1, true],
    [0, 0, true],
    [0, 5, true],
    [1, 3, false],
    [2, 2, false],
    [2, 3, false],
  ])('of a run that came to attempt 1, hop 2 is attempt %i, hop %i: %s', (attempt, hop, is) => {
    const handled = new RecentlyHandled(10)
    handled.add(at(1, 2), false)
    expect(handled.has(at(attempt, hop))).toBe(is)
  })

  it('is of that run alone: neither of another of its delivery, nor of a sibling of its event', () => {
    const handled = new RecentlyHandled(10)
    handled.add(at(1, 2), false)
    expect(handled.has(at(1, 2, { run: 'auth.events/0/8' }))).toBe(false)
    expect(handled.has(at(1, 2, { deliveryId: 'dlv_1111111111111111111111' }))).toBe(false)
  })

  it('of a run that is named 0 goes by where its event stands, as the name of one would now', () => {
    const handled = new RecentlyHandled(10)
    const event = (offset: number) =>
      eventOf({ source: { topic: 'auth.events', partition: 0, offset } })
    handled.add(at(1, 2, { run: '0', event: event(7) }), false)
    expect(handled.has(at(1, 1, { run: '0', event: event(8) }))).toBe(false)
    expect(handled.has(at(1, 1, { run: '0', event: event(7) }))).toBe(true)
    expect(handled.has(at(0, 0))).toBe(true)
  })

  it('stays as far as it came when an earlier record of the run is handled after it', () => {
    const handled = new RecentlyHandled(10)
    handled.add(at(3, 4), false)
    handled.add(at(1, 1), false)
    expect(handled.has(at(3, 4))).toBe(true)
  })

  it('never covers later records of the run, however often it was deferred', () => {
    const step = fc.record({ attempts: fc.nat({ max: 1 }), hops: fc.nat({ max: 2 ** 40 }) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const handled = new RecentlyHandled(10)
        let [attempt, hop] = [0, 0]
        for (const { attempts, hops } of steps) {
          handled.add(at(attempt, hop), false)
          attempt += attempts
          hop += 1 + hops
          expect(handled.has(at(attempt, hop))).toBe(false)
        }
      }),
    )
  })

  it('has at most as many runs as its capacity, and always the newest half of them', () => {
    const handled = new RecentlyHandled(10)
    const runs = Array.from({ length: 100 }, (_, offset) =>
      at(1, 1, { run: `auth.events/0/${offset}` }),
    )
    for (const [index, run] of runs.entries()) {
      handled.add(run, false)
      const known = runs.map((one) => handled.has(one))
      expect(known.filter(Boolean).length).toBeLessThanOrEqual(10)
      expect(known.slice(Math.max(0, index - 4), index + 1)).not.toContain(false)
    }
  })

  it('counts every record of a run as a repeat once it has ended', () => {
    const handled = new RecentlyHandled(10)
    handled.add(at(1, 1), true)
    expect([handled.has(at(1, 1)), handled.has(at(2, 9))]).toEqual([true, true])
    handled.add(at(0, 1), false)
    expect(handled.has(at(2, 9))).toBe(true)
  })
})
