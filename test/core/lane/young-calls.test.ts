import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { YoungCalls } from '../../../src/core/lane/young-calls.ts'

describe('young calls', () => {
  it('are those that are out and began within half a second', () => {
    const young = new YoungCalls()
    for (const at of [1_000, 1_010, 1_250]) young.began(at)
    expect(young.count(1_300)).toBe(3)
    young.ended(1_010, 1_310)
    expect(young.count(1_310)).toBe(2)
    expect(young.count(1_550)).toBe(1)
    young.ended(1_000, 1_600)
    expect(young.count(1_600)).toBe(1)
    expect(young.count(2_000)).toBe(0)
    young.ended(1_250, 60_000)
    expect(young.count(60_000)).toBe(0)
  })

  it('may be those of another time', () => {
    const young = new YoungCalls(5_000)
    young.began(1_000)
    expect([young.count(4_999), young.count(6_000)]).toEqual([1, 0])
  })

  it('are counted as a list of all calls has them, to a tenth of a second', () => {
    const steps = fc.array(
      fc.record({ waitMs: fc.nat(400), begin: fc.nat(3), end: fc.nat(2), pick: fc.nat() }),
    )
    fc.assert(
      fc.property(steps, (all) => {
        const young = new YoungCalls()
        const out: number[] = []
        let now = 0
        for (const { waitMs, begin, end, pick } of all) {
          now += waitMs
          for (let call = 0; call < begin; call += 1) {
            young.began(now)
            out.push(now)
          }
          for (let call = 0; call < end && out.length > 0; call += 1) {
            const [beganAt = 0] = out.splice(pick % out.length, 1)
            young.ended(beganAt, now)
          }
          const since = (Math.floor(now / 100) - 4) * 100
          expect(young.count(now)).toBe(out.filter((beganAt) => beganAt >= since).length)
        }
      }),
    )
  })
})
