import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallCounter, MeanDuration, RateLimit, RateMeter } from '../../../src/core/lane/rate.ts'

describe('a rate meter', () => {
  it('counts only the time with calls in flight', () => {
    const meter = new RateMeter()
    for (let call = 0; call < 10; call += 1) {
      meter.begin(call * 400)
      meter.end(call * 400 + 100, true)
    }
    expect(meter.busyMs(4_000)).toBe(1_000)
    expect(meter.perMs(4_000)).toBeCloseTo(0.01)
  })

  it('forgets what was more than ten seconds ago', () => {
    const meter = new RateMeter()
    meter.begin(0)
    meter.end(1_000, true)
    expect(meter.perMs(9_999)).toBeCloseTo(0.001)
    expect(meter.perMs(10_000)).toBe(0)
    expect(meter.busyMs(10_000)).toBe(0)
  })

  it('gives how long no call has ended while some are in flight', () => {
    const meter = new RateMeter()
    expect(meter.silentMs(5_000)).toBe(0)
    meter.begin(5_000)
    expect(meter.silentMs(7_000)).toBe(2_000)
    meter.end(7_500, false)
    expect(meter.silentMs(8_000)).toBe(500)
    meter.end(8_000, true)
    expect(meter.silentMs(20_000)).toBe(0)
  })

  it('counts the time of a silent lane, however long it is', () => {
    const meter = new RateMeter()
    meter.begin(0)
    for (let at = 100; at <= 4_000; at += 100) meter.end(at, false)
    expect(meter.perMs(4_000)).toBeCloseTo(0.01)
    expect(meter.perMs(9_000)).toBeCloseTo(40 / 9_000)
    expect(meter.perMs(31_000)).toBe(0)
    expect(meter.busyMs(31_000)).toBe(6_000)
  })

  it('agrees with a list of everything within the window that it looks at', () => {
    const step = fc.record({ isCall: fc.boolean(), forMs: fc.integer({ min: 1, max: 4_000 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const meter = new RateMeter()
        const calls: { from: number; to: number }[] = []
        let now = 0
        for (const { isCall, forMs } of steps) {
          if (isCall) {
            meter.begin(now)
            meter.end(now + forMs, true)
            calls.push({ from: now, to: now + forMs })
          }
          now += forMs
          const since = (Math.floor(now / 5_000) - 1) * 5_000
          const busy = calls.reduce(
            (sum, { from, to }) => sum + Math.max(0, to - Math.max(from, since)),
            0,
          )
          const ended = calls.filter(({ to }) => to >= since).length
          expect(meter.busyMs(now)).toBe(busy)
          expect(meter.perMs(now)).toBeCloseTo(ended / Math.max(1, busy), 9)
        }
      }),
    )
  })
})

describe('how long calls take', () => {
  /** Calls one after the other from `from` on; returns when the last has ended. */
  function callInTurn(mean: MeanDuration, count: number, forMs: number, from = 0): number {
    for (let call = 0; call < count; call += 1) {
      const startedAt = from + call * forMs
      mean.add(startedAt, startedAt + forMs, forMs)
    }
    return from + count * forMs
  }

  /** Calls that are out at once and end together. */
  function endTogether(mean: MeanDuration, count: number, forMs: number, from: number): number {
    for (let call = 0; call < count; call += 1) {
      mean.add(from, from + forMs, call === 0 ? forMs : 0)
    }
    return from + forMs
  }

  it('is not known before one has ended', () => {
    const mean = new MeanDuration()
    expect([mean.ms, mean.usualMs]).toEqual([undefined, undefined])
  })

  it('is the mean, where the newer ones count more', () => {
    const mean = new MeanDuration()
    const now = callInTurn(mean, 1, 40)
    expect([mean.ms, mean.usualMs]).toEqual([40, 40])
    callInTurn(mean, 1, 140, now)
    expect(mean.ms).toBeCloseTo(50, 9)
    expect(mean.usualMs).toBeCloseTo(50, 9)
  })

  it('usually is what it was before a silence, until that is forgotten', () => {
    const mean = new MeanDuration()
    let now = callInTurn(mean, 10, 40)
    now = endTogether(mean, 16, 2_000, now)
    expect(mean.ms).toBeGreaterThan(1_500)
    expect(mean.usualMs).toBeCloseTo(40, 9)
    for (let call = 0; call < 60; call += 1) {
      now = callInTurn(mean, 1, 40, now)
      expect(mean.usualMs).toBeLessThan(55)
    }
    expect(mean.ms).toBeLessThan(45)
  })

  it('usually is longer, once calls that began after the silence take longer too', () => {
    const mean = new MeanDuration()
    let now = callInTurn(mean, 10, 40)
    now = endTogether(mean, 16, 900, now)
    now = endTogether(mean, 16, 2_000, now)
    callInTurn(mean, 50, 900, now)
    expect(mean.usualMs).toBeGreaterThan(890)
  })

  it('usually is as long as in the silence before, once a lane is silent again', () => {
    const mean = new MeanDuration()
    let now = callInTurn(mean, 10, 40)
    now = endTogether(mean, 16, 5_000, now)
    endTogether(mean, 16, 5_000, now)
    expect(mean.usualMs).toBeGreaterThan(4_000)
  })

  it('usually is not known, where all calls that have ended were out in the first silence', () => {
    const mean = new MeanDuration()
    const now = endTogether(mean, 2, 1_500, 0)
    expect(mean.ms).toBe(1_500)
    expect(mean.usualMs).toBeUndefined()
    callInTurn(mean, 50, 40, now)
    expect(mean.usualMs).toBeLessThan(50)
  })

  it('is known of a lane that calls once at a time, each for longer than a silence', () => {
    const mean = new MeanDuration()
    callInTurn(mean, 2, 5_000)
    expect(mean.usualMs).toBe(5_000)
  })
})

describe('a rate limit', () => {
  it('allows no more calls per second, apart from a tenth of a second of catching up', () => {
    const rate = fc.double({ min: 0.5, max: 200, noNaN: true })
    const waits = fc.array(fc.nat({ max: 500 }), { maxLength: 200 })
    fc.assert(
      fc.property(rate, waits, (ratePerSecond, pauses) => {
        const limit = new RateLimit()
        const starts: number[] = []
        let now = 0
        for (const pause of pauses) {
          now = Math.max(now + pause, limit.nextAt)
          limit.started(ratePerSecond, now)
          starts.push(now)
        }
        for (const [index, from] of starts.entries()) {
          const within = starts.slice(index).filter((at) => at < from + 1_000).length
          expect(within).toBeLessThanOrEqual(ratePerSecond * 1.1 + 2)
        }
      }),
    )
  })

  it('catches up no more than a tenth of a second after a long rest', () => {
    const limit = new RateLimit()
    limit.started(100, 0)
    let started = 0
    for (; limit.nextAt <= 60_000; started += 1) limit.started(100, 60_000)
    expect(started).toBe(11)
  })
})

describe('a counter of the calls of a process', () => {
  it('knows what ended in the last quarter of a second, to the share of the window before', () => {
    const counter = new CallCounter()
    for (let now = 0; now < 250; now += 1) counter.add(now)
    expect(counter.lately(249)).toBeCloseTo(250, 6)
    expect(counter.lately(250)).toBeCloseTo(250, 6)
    expect(counter.lately(375)).toBeCloseTo(125, 6)
    expect(counter.lately(499)).toBeCloseTo(1, 6)
    expect(counter.lately(500)).toBe(0)
  })

  it('sees a steady rate as it is, whenever it is asked', () => {
    const counter = new CallCounter()
    for (let now = 0; now < 5_000; now += 2) {
      counter.add(now)
      if (now < 500) continue
      expect(counter.lately(now)).toBeGreaterThan(122)
      expect(counter.lately(now)).toBeLessThan(128)
    }
  })

  it('has a full second behind it once its first call ended a second ago', () => {
    const counter = new CallCounter()
    expect(counter.hasFullSecond(9_000)).toBe(false)
    counter.add(9_000)
    expect(counter.hasFullSecond(9_999)).toBe(false)
    expect(counter.hasFullSecond(10_000)).toBe(true)
  })

  it('counts what is within the quarter, whatever comes when', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 400 }), { maxLength: 80, size: 'max' }), (waits) => {
        const counter = new CallCounter()
        const ends: number[] = []
        let now = 0
        for (const wait of waits) {
          now += wait
          counter.add(now)
          ends.push(now)
          const window = Math.floor(now / 250) * 250
          const own = ends.filter((at) => at >= window).length
          const before = ends.filter((at) => at >= window - 250 && at < window).length
          expect(counter.lately(now)).toBeCloseTo(own + before * (1 - (now - window) / 250), 6)
        }
      }),
    )
  })
})
