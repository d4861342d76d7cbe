import { describe, expect, it } from 'vitest'
import { validTracestate } from '../../../src/core/event/trace-context.ts'

const member = (name: string, length: number) => `${name}=${'x'.repeat(length - name.length - 1)}`
const many = (count: number) => Array.from({ length: count }, (_, at) => `k${at}=1`).join(',')

describe('what tracing systems add to a trace', () => {
  it.each([
    ['congo=t61rcWkgMzE,rojo=00f067aa0ba902b7'],
    ['tenant@system=1'],
    ['1a_-*/=with space'],
    [`${'k'.repeat(256)}=1`],
    [member('a', 258)],
    [many(32)],
  ])('is passed on if it is valid: %j', (text) => {
    expect(validTracestate(text)).toBe(text)
  })

  it.each([
    ['a=1 ,\t b=2', 'a=1,b=2'],
    [',a=1,,', 'a=1'],
    ['a=1,b=2,a=3', 'a=1,b=2'],
  ])('has no spaces between members, and each key once: %j', (text, kept) => {
    expect(validTracestate(text)).toBe(kept)
  })

  it.each([
    [''],
    [' , '],
    ['a'],
    ['a='],
    ['=1'],
    ['A=1'],
    ['a=1=2'],
    ['a=\u00e9'],
    ['a=1\r\nx-evil: 1'],
    ['a=1\r\n'],
    ['a=1,b'],
    [`${'k'.repeat(257)}=1`],
    [member('a', 259)],
    [many(33)],
    [`a=1${' '.repeat(16_384)}`],
  ])('is left out if any of it is not valid: %j', (text) => {
    expect(validTracestate(text)).toBeUndefined()
  })

  it('has at most 512 characters: without long members first, then without the last ones', () => {
    const [long, longest] = [member('long', 129), member('most', 128)]
    const fits = [longest, member('b', 128), member('c', 128), member('d', 125)].join(',')
    expect(validTracestate(fits)).toBe(fits)
    expect(validTracestate([long, fits].join(','))).toBe(fits)
    expect(validTracestate([fits, 'e=1'].join(','))).toBe(fits)
    expect(validTracestate(['z=1', fits].join(','))).toBe(`z=1,${fits.slice(0, 386)}`)
  })
})
