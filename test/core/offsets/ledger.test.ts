import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeCompletedRuns,
  encodeCompletedRuns,
} from '../../../src/core/offsets/completed-runs.ts'
import { Ledger } from '../../../src/core/offsets/ledger.ts'
import { maxMetadataLength, sealed } from '../../../src/core/offsets/sealed-metadata.ts'

const place = { group: 'hooktide', topic: 'auth.events', partition: 3, offset: 0 }

const ranges = (...pairs: readonly (readonly [number, number])[]) => ({
  kind: 'ranges',
  ranges: pairs.map(([from, to]) => ({ from, to })),
})

function admitAll(ledger: Ledger, offsets: readonly number[]): void {
  for (const offset of offsets) ledger.admit(offset)
}

describe('a ledger', () => {
  it('commits the lowest incomplete offset, however many above it are complete', () => {
    const ledger = new Ledger(10)
    admitAll(ledger, [10, 11, 12, 13])
    ledger.complete(11)
    ledger.complete(13)
    expect(ledger.position().offset).toBe(10)
    ledger.complete(10)
    expect(ledger.position().offset).toBe(12)
    ledger.complete(12)
    expect(ledger.position()).toMatchObject({ offset: 14, completed: [] })
  })

  it('carries completed offsets above the committed one to the next owner, who skips them', () => {
    const first = new Ledger(0)
    admitAll(first, [0, 1, 2, 3, 4, 5])
    for (const offset of [1, 2, 4]) first.complete(offset)
    const { offset, completed } = first.position()
    const second = new Ledger(offset, completed)
    const fresh = [0, 1, 2, 3, 4, 5, 6].filter((next) => second.admit(next) === 'new')
    expect(fresh).toEqual([0, 3, 5, 6])
  })

  it('keeps what was restored in its commits until reading has passed it', () => {
    const restored = new Ledger(5, [{ from: 8, to: 12 }])
    restored.admit(5)
    restored.complete(5)
    const next = new Ledger(restored.position().offset, restored.position().completed)
    expect([6, 7, 8, 11, 12].map((offset) => next.admit(offset))).toEqual([
      'new',
      'new',
      'known',
      'known',
      'new',
    ])
  })

  it('counts offsets that do not exist as complete', () => {
    const ledger = new Ledger(0)
    admitAll(ledger, [3, 9])
    expect(ledger.position().offset).toBe(3)
    ledger.complete(3)
    expect(ledger.position().offset).toBe(9)
  })

  it('knows what was admitted when a rejoin reads it again', () => {
    const ledger = new Ledger(0)
    admitAll(ledger, [0, 1, 2])
    ledger.complete(1)
    expect([0, 1, 2, 3].map((offset) => ledger.isKnown(offset))).toEqual([true, true, true, false])
  })

  it('has something to commit exactly when a completion is not covered by an acknowledged commit', () => {
    const ledger = new Ledger(0)
    admitAll(ledger, [0, 1])
    expect(ledger.uncommitted).toBe(0)
    ledger.complete(0)
    const { changes } = ledger.position()
    ledger.complete(1)
    ledger.committed(changes)
    expect(ledger.uncommitted).toBeGreaterThan(0)
    ledger.committed(ledger.position().changes)
    expect(ledger.uncommitted).toBe(0)
  })

  it('counts what is skipped as complete, and has that to commit', () => {
    const ledger = new Ledger(0)
    ledger.admit(0)
    ledger.skipTo(3)
    expect(ledger.position().offset).toBe(0)
    ledger.complete(0)
    expect(ledger.position()).toMatchObject({ offset: 3, completed: [] })
    ledger.committed(ledger.position().changes)
    ledger.skipTo(2)
    ledger.skipTo(3)
    expect(ledger.uncommitted).toBe(0)
    ledger.skipTo(4)
    expect(ledger.uncommitted).toBeGreaterThan(0)
    expect(ledger.position().offset).toBe(4)
  })

  it('keeps what was restored beyond the point that it skips to', () => {
    const ledger = new Ledger(5, [{ from: 8, to: 12 }])
    ledger.skipTo(10)
    expect(ledger.position()).toMatchObject({ offset: 12, completed: [] })
    expect([10, 11, 12].map((offset) => ledger.admit(offset))).toEqual(['known', 'known', 'new'])
  })

  it('forgets what was complete beyond the end of the log, of which other records will take the place', () => {
    const ledger = new Ledger(5, [
      { from: 6, to: 8 },
      { from: 9, to: 12 },
      { from: 14, to: 15 },
    ])
    ledger.clipTo(15)
    expect(ledger.uncommitted).toBe(0)
    ledger.clipTo(10)
    expect(ledger.uncommitted).toBeGreaterThan(0)
    expect(ledger.position().completed).toEqual([
      { from: 6, to: 8 },
      { from: 9, to: 10 },
    ])
    const fresh = [5, 6, 7, 8, 9, 10, 11, 14].filter((offset) => ledger.admit(offset) === 'new')
    expect(fresh).toEqual([5, 8, 10, 11, 14])
  })

  it('changes nothing that a commit says by being asked what is known', () => {
    const ledger = new Ledger(0, [{ from: 1, to: 2 }])
    ledger.admit(0)
    // Offset 1 does not exist, and what follows waits for room.
    expect(ledger.isKnown(2)).toBe(false)
    expect(ledger.position()).toMatchObject({ offset: 0, completed: [{ from: 1, to: 2 }] })
    ledger.complete(0)
    expect(ledger.position()).toMatchObject({ offset: 2, completed: [] })
  })

  it('counts what is open up to the end: incomplete, or not read and not restored as complete', () => {
    const ledger = new Ledger(5, [{ from: 8, to: 12 }])
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
        let ledger = new Ledger(0)
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
            const { offset: base, completed } = ledger.position()
            const at = { ...place, offset: base }
            const runs = decodeCompletedRuns(at, encodeCompletedRuns(at, completed))
            if (runs.kind === 'foreign') throw new Error('what was written is read')
            for (const offset of exists) if (offset < base) expect(complete.has(offset)).toBe(true)
            expect(exists.find((offset) => offset >= base && !complete.has(offset)) ?? base).toBe(
              base,
            )
            ledger = new Ledger(base, runs.ranges)
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

describe('the metadata of a commit', () => {
  it('leaves out the highest runs when it would be too long, and stays readable', () => {
    const all = Array.from({ length: 4_000 }, (_, index): [number, number] => [
      index * 1_000 + 300,
      index * 1_000 + 600,
    ])
    const text = encodeCompletedRuns(place, ranges(...all).ranges)
    expect(text.length).toBeLessThanOrEqual(maxMetadataLength)
    const decoded = decodeCompletedRuns(place, text)
    if (decoded.kind === 'foreign') throw new Error('it is readable')
    expect(decoded.ranges.length).toBeGreaterThan(500)
    expect(decoded).toEqual(ranges(...all.slice(0, decoded.ranges.length)))
  })

  it('fits 750 incomplete offsets in the worst pattern whole', () => {
    const all = Array.from({ length: 750 }, (_, n): [number, number] => [n * 2 + 1, n * 2 + 2])
    const text = encodeCompletedRuns(place, ranges(...all).ranges)
    expect(decodeCompletedRuns(place, text)).toEqual(ranges(...all))
  })

  it('is empty where nothing above the offset is complete, and empty says so', () => {
    expect(encodeCompletedRuns(place, [])).toBe('')
    expect(decodeCompletedRuns(place, '')).toEqual(ranges())
  })

  const written = encodeCompletedRuns(place, ranges([2, 9], [300, 4_000]).ranges)

  it.each([
    ['of digits, as another consumer leaves it', '1234567890'],
    ['of a former version', '1AQE'],
    ['of a former version, longer', '1AgesAvQc'],
    ['of a host', '1f3a9c2d4b5e'],
    ['of another form', 'hello'],
    ['of JSON', '{"offset":12}'],
    ['of the magic alone', 'hooktide1:'],
    ['of the magic and a checksum of nothing', `hooktide1:${'A'.repeat(11)}`],
    ['that goes on', `${written}A`],
    ['that has white space before it', ` ${written}`],
    ['that is longer than Kafka takes', written + 'A'.repeat(1_000_000)],
    ['of a replay', sealed('replay', place, 'AgesAvQc')],
  ])('%s is ignored', (_, text) => {
    expect(decodeCompletedRuns(place, text)).toEqual({ kind: 'foreign' })
  })

  it.each([
    ['group', { group: 'hooktide.retry' }],
    ['topic', { topic: 'auth.events2' }],
    ['partition', { partition: 4 }],
    ['offset, as a tool leaves it that sets offsets', { offset: 1 }],
  ])('that was written for another %s is ignored', (_, other) => {
    expect(decodeCompletedRuns(place, written).kind).toBe('ranges')
    expect(decodeCompletedRuns({ ...place, ...other }, written)).toEqual({ kind: 'foreign' })
  })

  it('is ignored when any character of it differs', () => {
    const character = fc.constantFrom(
      'A',
      'B',
      'a',
      'z',
      '0',
      '9',
      '-',
      '_',
      ':',
      '=',
      '/',
      ' ',
      'é',
    )
    const change = fc.tuple(fc.nat(written.length - 1), character)
    fc.assert(
      fc.property(change, ([at, put]) => {
        fc.pre(written[at] !== put)
        const changed = written.slice(0, at) + put + written.slice(at + 1)
        expect(decodeCompletedRuns(place, changed)).toEqual({ kind: 'foreign' })
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['an empty run', [0x81, 0x00, 0x00]],
    ['a run without its end', [0x01]],
    ['a length that does not end', [0x01, 0x81]],
    ['lengths beyond 2^53', [0x01, ...Array.from({ length: 9 }, () => 0xff), 0x7f]],
    ['offsets beyond 2^53', Array.from({ length: 4 }, () => [...Array(7).fill(0xff), 0x0f]).flat()],
  ])('with %s is ignored even with a valid checksum', (_, content) => {
    const text = sealed('completed', place, Buffer.from(content).toString('base64url'))
    expect(decodeCompletedRuns(place, text)).toEqual({ kind: 'foreign' })
  })
})
