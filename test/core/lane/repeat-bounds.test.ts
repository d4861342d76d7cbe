import { describe, expect, it } from 'vitest'
import { RepeatBounds } from '../../../src/core/lane/repeat-bounds.ts'

const yes = () => true
const no = () => false

/** Bounds of a process that ended this many calls, evenly, in the second before the time 2,000. */
function after(calls: number): RepeatBounds {
  const bounds = new RepeatBounds()
  for (let call = 0; call < calls; call += 1) {
    const at = 1_000 + (call * 1_000) / calls
    bounds.callBegan(at)
    bounds.callEnded(at, at)
  }
  return bounds
}

describe('the calls that may start', () => {
  it('are up to 200 that are young and not acknowledged, while the loop is busy', () => {
    const bounds = after(0)
    expect(bounds.mayStart(2_000, 0, yes)).toBe(200)
    for (let call = 0; call < 150; call += 1) bounds.callBegan(2_000)
    expect(bounds.mayStart(2_000, 30, yes)).toBe(20)
    expect(bounds.mayStart(2_000, 50, yes)).toBe(0)
  })

  it('are a few although hundreds have ended at once, so that these do not stop other hooks', () => {
    const bounds = after(0)
    for (let call = 0; call < 500; call += 1) bounds.callEnded(1_000, 2_000)
    expect(bounds.mayStart(2_000, 500, yes)).toBe(25)
    for (let call = 0; call < 25; call += 1) bounds.callBegan(2_000)
    expect(bounds.mayStart(2_000, 500, yes)).toBe(0)
    expect(bounds.mayStart(2_500, 500, yes)).toBe(25)
  })

  it('are as many as end in a tenth of a second, where that is more', () => {
    expect(after(10_000).mayStart(2_000, 0, yes)).toBeCloseTo(1_000, -1)
  })

  it('do not count calls of more than half a second, which wait for their endpoint', () => {
    const bounds = after(0)
    for (let call = 0; call < 300; call += 1) bounds.callBegan(2_000)
    expect(bounds.mayStart(2_400, 0, yes)).toBe(0)
    expect(bounds.mayStart(2_600, 0, yes)).toBe(200)
  })

  it('are more while the loop has time to spare', () => {
    const bounds = after(0)
    for (let call = 0; call < 5_000; call += 1) bounds.callBegan(2_000)
    expect(bounds.mayStart(2_000, 0, no)).toBe(200)
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
