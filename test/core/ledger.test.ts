import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeCompletedRuns,
  encodeCompletedRuns,
  maxMetadataLength,
} from '../../src/core/completed-runs.ts'
import { Ledger } from '../../src/core/ledger.ts'

function admitAll(ledger: Ledger, offsets: readonly number[]): void {
  for (const offset of offsets) ledger.admit(offset)
}

describe('a ledger', () => {
  it('commits the lowest incomplete offset, however many above it are complete', () => {
    const ledger = new Ledger(10, '')
    admitAll(ledger, [10, 11, 12, 13])
    ledger.complete(11)
    ledger.complete(13)
    expect(ledger.position().offset).toBe(10)
    ledger.complete(10)
    expect(ledger.position().offset).toBe(12)
    ledger.complete(12)
    expect(ledger.position()).toMatchObject({ offset: 14, metadata: '' })
  })

  it('carries completed offsets above the committed one to the next owner, who skips them', () => {
    const first = new Ledger(0, '')
    admitAll(first, [0, 1, 2, 3, 4, 5])
    for (const offset of [1, 2, 4]) first.complete(offset)
    const { offset, metadata } = first.position()
    const second = new Ledger(offset, metadata)
    const fresh = [0, 1, 2, 3, 4, 5, 6].filter((next) => second.admit(next) === 'new')
    expect(fresh).toEqual([0, 3, 5, 6])
  })

  it('keeps what was restored in its commits until reading has passed it', () => {
    const restored = new Ledger(5, encodeCompletedRuns(5, [{ from: 8, to: 12 }]))
    restored.admit(5)
    restored.complete(5)
    const next = new Ledger(restored.position().offset, restored.position().metadata)
    expect([6, 7, 8, 11, 12].map((offset) => next.admit(offset))).toEqual([
      'new',
      'new',
      'known',
      'known',
      'new',
    ])
  })

  it('counts offsets that do not exist as complete', () => {
    const ledger = new Ledger(0, '')
    admitAll(ledger, [3, 9])
    expect(ledger.position().offset).toBe(3)
    ledger.complete(3)
    expect(ledger.position().offset).toBe(9)
  })

  it('knows what was admitted when a rejoin reads it again', () => {
    const ledger = new Ledger(0, '')
    admitAll(ledger, [0, 1, 2])
    ledger.complete(1)
    expect([0, 1, 2, 3].map((offset) => ledger.isKnown(offset))).toEqual([true, true, true, false])
  })

  it('has something to commit exactly when a completion is not covered by an acknowledged commit', () => {
    const ledger = new Ledger(0, '')
    admitAll(ledger, [0, 1])
    expect(ledger.hasChanged).toBe(false)
    ledger.complete(0)
    const { changes } = ledger.position()
    ledger.complete(1)
    ledger.committed(changes)
    expect(ledger.hasChanged).toBe(true)
    ledger.committed(ledger.position().changes)
    expect(ledger.hasChanged).toBe(false)
  })

  it('counts what is skipped as complete, and has that to commit', () => {
    const ledger = new Ledger(0, '')
    ledger.admit(0)
    ledger.skipTo(3)
    expect(ledger.position().offset).toBe(0)
    ledger.complete(0)
    expect(ledger.position()).toMatchObject({ offset: 3, metadata: '' })
    ledger.committed(ledger.position().changes)
    ledger.skipTo(2)
    ledger.skipTo(3)
    expect(ledger.hasChanged).toBe(false)
    ledger.skipTo(4)
    expect(ledger.hasChanged).toBe(true)
    expect(ledger.position().offset).toBe(4)
  })

  it('keeps what was restored beyond the point that it skips to', () => {
    const ledger = new Ledger(5, encodeCompletedRuns(5, [{ from: 8, to: 12 }]))
    ledger.skipTo(10)
    expect(ledger.position()).toMatchObject({ offset: 12, metadata: '' })
    expect([10, 11, 12].map((offset) => ledger.admit(offset))).toEqual(['known', 'known', 'new'])
  })

  it('changes nothing that a commit says by being asked what is known', () => {
    const ledger = new Ledger(0, encodeCompletedRuns(0, [{ from: 1, to: 2 }]))
    ledger.admit(0)
    // Offset 1 does not exist, and what follows waits for room.
    expect(ledger.isKnown(2)).toBe(false)
    expect(ledger.position()).toMatchObject({ offset: 0, metadata: '1AQE' })
    ledger.complete(0)
    expect(ledger.position()).toMatchObject({ offset: 2, metadata: '' })
  })

  it('counts what is open up to the end: incomplete, or not read and not restored as complete', () => {
    const ledger = new Ledger(5, encodeCompletedRuns(5, [{ from: 8, to: 12 }]))
    expect(ledger.openBelow(20)).toBe(3 + 8)
    expect(ledger.openBelow(10)).toBe(3)
    expect(ledger.openBelow(5)).toBe(0)
    admitAll(ledger, [5, 6])
    ledger.complete(5)
    expect(ledger.openBelow(20)).toBe(2 + 8)
    admitAll(ledger, [7, 8, 12])
    expect(ledger.openBelow(20)).toBe(3 + 7)
  })

  it('agrees with a plain set of completed offsets over random histories and hand-overs', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('admit' as const), gap: fc.nat({ max: 3 }) }),
      fc.record({ kind: fc.constant('complete' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('skip' as const), gap: fc.nat({ max: 3 }) }),
      fc.record({ kind: fc.constant('handOver' as const) }),
    )
    const unread = 3
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const complete = new Set<number>()
        const exists: number[] = []
        let open: number[] = []
        let ledger = new Ledger(0, '')
        let next = 0
        for (const action of steps) {
          if (action.kind === 'admit') {
            const offset = next + action.gap
            next = offset + 1
            exists.push(offset)
            expect(ledger.admit(offset)).toBe('new')
            open.push(offset)
          } else if (action.kind === 'complete') {
            const offset = open[action.pick % Math.max(1, open.length)]
            if (offset === undefined) continue
            open = open.filter((other) => other !== offset)
            ledger.complete(offset)
            complete.add(offset)
          } else if (action.kind === 'skip') {
            next += action.gap
            ledger.skipTo(next)
          } else {
            const { offset: base, metadata } = ledger.position()
            for (const offset of exists) if (offset < base) expect(complete.has(offset)).toBe(true)
            expect(exists.find((offset) => offset >= base && !complete.has(offset)) ?? base).toBe(
              base,
            )
            ledger = new Ledger(base, metadata)
            expect(ledger.openBelow(next + unread)).toBe(open.length + unread)
            const again = exists.filter((o) => o >= base && ledger.admit(o) === 'new')
            expect(again).toEqual(exists.filter((o) => o >= base && !complete.has(o)))
            open = again
          }
          expect(ledger.openBelow(next + unread)).toBe(open.length + unread)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the text of completed runs', () => {
  it('leaves the highest runs out where it would be too long, and stays readable', () => {
    const ranges = Array.from({ length: 4_000 }, (_, index) => ({
      from: index * 1_000 + 300,
      to: index * 1_000 + 600,
    }))
    const text = encodeCompletedRuns(0, ranges)
    expect(text.length).toBeLessThanOrEqual(maxMetadataLength)
    const decoded = decodeCompletedRuns(0, text)
    expect(decoded.length).toBeGreaterThan(500)
    expect(decoded).toEqual(ranges.slice(0, decoded.length))
  })

  it('fits 750 incomplete offsets in the worst pattern whole', () => {
    const ranges = Array.from({ length: 750 }, (_, index) => ({
      from: index * 2 + 1,
      to: index * 2 + 2,
    }))
    expect(decodeCompletedRuns(0, encodeCompletedRuns(0, ranges))).toEqual(ranges)
  })

  it.each(['', 'hello', '2abc', '1!', '1gA', '1gICAgICAgICAgICAgAE', '1AA', '1AQ'])(
    'takes %j, which another program may have written, for nothing completed',
    (text) => {
      expect(decodeCompletedRuns(7, text)).toEqual([])
    },
  )
})
