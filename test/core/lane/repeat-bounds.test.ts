import { describe, expect, it } from 'vitest'
import {
  RepeatBounds,
  type CallCounts,
  type CountedAs,
} from '../../../src/core/lane/repeat-bounds.ts'

const yes = () => true
const no = () => false
const none: CallCounts = { short: 0, long: 0 }
const all = ['short', 'stale', 'unknown', 'long']
const notLong = ['short', 'stale']
const notShort = ['unknown', 'long']

/** Bounds of a process that ended this many calls, evenly, in the second before the time 2,000. */
function after(calls: number): RepeatBounds {
  const bounds = new RepeatBounds()
  for (let call = 0; call < calls; call += 1) {
    const at = 1_000 + (call * 1_000) / calls
    bounds.callBegan('short', at)
    bounds.callEnded('short', at, at)
  }
  return bounds
}

function begin(bounds: RepeatBounds, as: CountedAs, count: number): void {
  for (let call = 0; call < count; call += 1) bounds.callBegan(as, 2_000)
}

/** Starts calls of this length while they may, and returns how many. */
function startAll(bounds: RepeatBounds, as: CountedAs, pending = none): number {
  let count = 0
  for (;;) {
    const may = bounds.mayStart(2_000, pending, yes)
    if (may.count === 0 || !may.lengths.includes(as)) return count
    begin(bounds, as, may.count)
    count += may.count
  }
}

describe('the calls that may start', () => {
  it('are up to 200 that are young and not acknowledged, while the loop is busy', () => {
    expect(startAll(after(0), 'short')).toBe(200)
    const bounds = after(0)
    begin(bounds, 'short', 150)
    expect(bounds.mayStart(2_000, { short: 30, long: 0 }, yes)).toEqual({ count: 20, lengths: all })
    const may = bounds.mayStart(2_000, { short: 50, long: 0 }, yes)
    expect(may).toEqual({ count: 25, lengths: notShort })
  })

  it('are half as many of those that may take long', () => {
    expect(startAll(after(0), 'long')).toBe(100)
    const bounds = after(0)
    expect(startAll(bounds, 'short')).toBe(200)
    expect(startAll(bounds, 'long')).toBe(25)
  })

  it('are as many short ones beside any number of those that may take long', () => {
    const bounds = after(0)
    begin(bounds, 'long', 500)
    const pending = { short: 0, long: 500 }
    expect(bounds.mayStart(2_000, pending, yes)).toEqual({ count: 100, lengths: notLong })
    expect(startAll(bounds, 'short', pending)).toBe(100)
  })

  it('are a few although hundreds have ended at once, so that these do not stop other hooks', () => {
    const bounds = after(0)
    for (const as of ['short', 'long'] as const) {
      for (let call = 0; call < 500; call += 1) bounds.callEnded(as, 1_000, 2_000)
    }
    const pending = { short: 500, long: 500 }
    expect(bounds.mayStart(2_000, pending, yes)).toEqual({ count: 25, lengths: all })
    begin(bounds, 'short', 25)
    expect(bounds.mayStart(2_000, pending, yes)).toEqual({ count: 25, lengths: notShort })
    begin(bounds, 'long', 25)
    expect(bounds.mayStart(2_000, pending, yes)).toEqual({ count: 0, lengths: [] })
    expect(bounds.mayStart(2_500, pending, yes)).toEqual({ count: 25, lengths: all })
  })

  it('are as many as end in a tenth of a second, where that is more', () => {
    expect(startAll(after(10_000), 'short')).toBeCloseTo(1_000, -1)
  })

  it('do not count calls of more than half a second, which wait for their endpoint', () => {
    const bounds = after(0)
    for (const as of ['short', 'long'] as const) begin(bounds, as, 300)
    expect(bounds.mayStart(2_400, none, yes).count).toBe(0)
    expect(bounds.mayStart(2_600, none, yes)).toEqual({ count: 100, lengths: all })
  })

  it('are more while the loop has time to spare', () => {
    const bounds = after(0)
    begin(bounds, 'short', 5_000)
    begin(bounds, 'long', 5_000)
    expect(bounds.mayStart(2_000, none, no)).toEqual({ count: 200, lengths: all })
  })
})

describe('an event for several hooks', () => {
  it('is admitted beside 400 deliveries, whatever the process does', () => {
    expect(after(0).mayFanOut(2_000, 400, yes)).toBe(true)
  })

  it('is admitted beside more once there is a second of calls, by a process that is not slow', () => {
    expect(after(0).mayFanOut(2_000, 401, no)).toBe(false)
    expect(after(1_000).mayFanOut(2_000, 401, yes)).toBe(false)
    expect(after(1_000).mayFanOut(2_000, 401, no)).toBe(true)
  })

  it('is admitted beside as many as end in a quarter of a second', () => {
    expect(after(10_000).mayFanOut(2_000, 2_000, yes)).toBe(true)
  })
})

describe('half-done events', () => {
  it('may hold 50 deliveries that have ended, or as many as end in 12 ms', () => {
    expect(after(0).maxHalfDone(2_000)).toBe(50)
    expect(after(10_000).maxHalfDone(2_000)).toBeCloseTo(125, -1)
  })
})
