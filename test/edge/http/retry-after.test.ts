import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../../src/edge/http/retry-after.ts'

const now = Date.UTC(2026, 10, 24, 12, 0, 0)

describe('Retry-After in seconds', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['-5', 0],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ])('%s', (value, waitMs) => {
    expect(parseRetryAfter(value, now)).toBe(waitMs)
  })
})

describe('Retry-After as a date', () => {
  it.each([
    ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
    ['Tuesday, 24-Nov-26 12:00:30 GMT', 30_000],
    ['Tue Nov 24 12:00:30 2026', 30_000],
    ['Tue Dec  1 12:00:00 2026', 7 * 86_400_000],
    ['Tue, 24 Nov 2026 11:59:30 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Thu, 31 Dec 2026 23:59:60 GMT', Date.UTC(2027, 0, 1) - now],
    ['Tue, 29 Feb 2028 00:00:00 GMT', Date.UTC(2028, 1, 29) - now],
  ])('is a wait from now, never below zero: %s', (value, waitMs) => {
    expect(parseRetryAfter(value, now)).toBe(waitMs)
  })

  it('takes a two-digit year more than 50 years ahead for the past', () => {
    expect(parseRetryAfter('Friday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(2076, 0, 1) - now)
    expect(parseRetryAfter('Friday, 01-Jan-77 00:00:00 GMT', now)).toBe(0)
  })

  it('agrees with the platform for every second of four centuries', () => {
    const anyTime = fc.integer({ min: -2_000_000_000, max: 10_000_000_000 })
    fc.assert(
      fc.property(anyTime, (second) => {
        const at = second * 1000
        const text = new Date(at).toUTCString()
        expect(parseRetryAfter(text, at - 5000), text).toBe(5000)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('Retry-After that cannot be read', () => {
  it.each([
    undefined,
    '',
    'soon',
    '1.5',
    '1e3',
    '0x10',
    'Tue, 24 Nov 2026 12:00:30',
    'Tue, 24 Nov 2026 24:00:00 GMT',
    'Tue, 24 Nov 2026 12:60:00 GMT',
    'Mon, 29 Feb 2027 00:00:00 GMT',
    'Tue, 00 Nov 2026 12:00:00 GMT',
    'Tue, 31 Nov 2026 12:00:00 GMT',
    '2026-11-24T12:00:30Z',
  ])('is as good as absent: %s', (value) => {
    expect(parseRetryAfter(value, now)).toBeUndefined()
  })
})
