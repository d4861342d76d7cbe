import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cut,
  displayWidth,
  fitted,
  headingOf,
  rowOf,
  type Column,
} from '../../src/commands/columns.ts'

const columns: readonly Column[] = [
  { heading: 'ID', min: 4, max: 10, rank: 0 },
  { heading: 'COUNT', min: 5, max: 8, rank: 1, isNumber: true },
  { heading: 'NAME', min: 6, max: 40, rank: 2 },
]

describe('columns of a table', () => {
  it('are all shown in full where there is no terminal', () => {
    const shown = fitted(columns, undefined)
    expect(headingOf(shown)).toBe('ID             COUNT  NAME')
    expect(rowOf(shown, ['longer-than-ten', '12', 'x'])).toBe('longer-than-ten        12  x')
  })

  it('are left out by their rank where there is not room for all', () => {
    expect(headingOf(fitted(columns, 18))).toBe('ID           COUNT')
    expect(headingOf(fitted(columns, 27))).toBe('ID             COUNT')
    expect(headingOf(fitted(columns, 28))).toBe('ID             COUNT  NAME')
    expect(headingOf(fitted(columns, 2))).toBe('ID')
  })

  it('are as wide as what is in them can be, where there is room', () => {
    const shown = fitted(columns, 30)
    expect(rowOf(shown, ['0123456789', '7', 'a name that is long'])).toBe(
      '0123456789         7  a name …',
    )
  })

  it('never make a line that is wider than the terminal, whatever stands in it', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 20 })
    fc.assert(
      fc.property(fc.tuple(cell, cell, cell), fc.integer({ min: 10, max: 80 }), (cells, width) => {
        expect(displayWidth(rowOf(fitted(columns, width), cells))).toBeLessThanOrEqual(width)
      }),
    )
  })
})

describe('the width of a text', () => {
  it.each([
    ['plain', 5],
    ['日本語', 6],
    ['e\u0301', 1],
    ['😀!', 3],
    ['…', 1],
  ])('%s takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })

  it('counts where it is cut', () => {
    expect(cut('日本語です', 6)).toBe('日本…')
    expect(cut('x'.repeat(1_000_000), 4)).toBe('xxx…')
  })
})
