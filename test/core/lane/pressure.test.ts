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
