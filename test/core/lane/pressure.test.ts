import { describe, expect, it } from 'vitest'
import { Pressure } from '../../../src/core/lane/pressure.ts'

describe('pressure on a tenant', () => {
  it('lasts a minute after a hook of it found no room, and concerns no other tenant', () => {
    const pressure = new Pressure()
    expect(pressure.isNone).toBe(true)
    pressure.felt('t', 0)
    expect([pressure.isOn('t', 59_999), pressure.isOn('t', 60_000)]).toEqual([true, false])
    expect(pressure.isOn('u', 0)).toBe(false)
    pressure.felt('t', 5_000)
    expect([pressure.isOn('t', 64_999), pressure.isOn('t', 65_000)]).toEqual([true, false])
  })

  it('is easing in its first second, and for a second after a lane has given something back', () => {
    const pressure = new Pressure()
    const isEasing = (now: number) => pressure.isEasing('t', now)
    pressure.eased('t', 0)
    expect(isEasing(0)).toBe(false)
    pressure.felt('t', 0)
    pressure.felt('t', 900)
    expect([isEasing(999), isEasing(1_000)]).toEqual([true, false])
    pressure.eased('t', 5_000)
    expect([isEasing(5_999), isEasing(6_000)]).toEqual([true, false])
  })

  it('is forgotten when it is over', () => {
    const pressure = new Pressure()
    pressure.felt('t', 0)
    pressure.felt('u', 5_000)
    pressure.sweep(60_000)
    expect(pressure.isOn('u', 60_000)).toBe(true)
    expect(pressure.isNone).toBe(false)
    pressure.sweep(65_000)
    expect(pressure.isNone).toBe(true)
  })
})
