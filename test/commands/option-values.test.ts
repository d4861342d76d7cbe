import { describe, expect, it } from 'vitest'
import { parseMoment } from '../../src/commands/option-values.ts'

const now = Date.parse('2026-09-14T12:00:00Z')

describe('a time in an option', () => {
  it.each([
    ['15m', '2026-09-14T11:45:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2028-02-29T23:30:00-01:00', '2028-03-01T00:30:00.000Z'],
    ['2026-01-31T08:00:00.5+01:00', '2026-01-31T07:00:00.500Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseMoment(text, now) ?? Number.NaN).toISOString()).toBe(expected)
  })

  it.each(['1960-01-01', '1969-12-31T23:59:59.999Z', '30000d'])(
    'is never before 1970, unlike %s: negative times have special meanings in Kafka, such as -1 for the end',
    (text) => {
      expect(parseMoment(text, now)).toBe(0)
    },
  )

  it.each([
    '2026-02-31',
    '2026-02-29',
    '2026-06-31T08:00:00Z',
    '2026-13-01',
    '08:00',
    '2026-01-31T08:00',
  ])('is not %s', (text) => {
    expect(parseMoment(text, now)).toBeUndefined()
  })
})
