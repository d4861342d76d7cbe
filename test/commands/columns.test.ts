import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cut,
  displayWidth,
  fitted,
  headingsOf,
  paragraph,
  rowOf,
  type Column,
  type Layout,
} from '../../src/commands/columns.ts'
import { textOf, type LinePart } from '../../src/commands/line.ts'

const columns: readonly Column[] = [
  { heading: 'ID', min: 4, max: 10, rank: 0 },
  { heading: 'COUNT', min: 5, max: 8, rank: 1, isNumber: true },
  { heading: 'NAME', min: 6, max: 40, rank: 2 },
]

const needed = columns.map((column) => ({ ...column, rank: 0 }))
const wrapping = needed.map((column) => ({ ...column, isWrapped: true }))

function textsOf(layout: Layout, cells: readonly LinePart[]): readonly string[] {
  return rowOf(layout, cells).map(textOf)
}

describe('columns of a table', () => {
  it('are all shown in full where there is no terminal', () => {
    const shown = fitted(columns, undefined)
    expect(headingsOf(shown)).toEqual(['ID             COUNT  NAME'])
    expect(textsOf(shown, ['longer-than-ten', '12', 'x'])).toEqual(['longer-than-ten        12  x'])
  })

  it('are left out by their rank where there is not room for all', () => {
    expect(headingsOf(fitted(columns, 18))).toEqual(['ID           COUNT'])
    expect(headingsOf(fitted(columns, 27))).toEqual(['ID             COUNT'])
    expect(headingsOf(fitted(columns, 28))).toEqual(['ID             COUNT  NAME'])
    expect(headingsOf(fitted(columns, 2))).toEqual(['ID'])
  })

  it('are as wide as what is in them can be, where there is room', () => {
    const shown = fitted(columns, 30)
    expect(textsOf(shown, ['0123456789', '7', 'a name that is long'])).toEqual([
      '0123456789         7  a name …',
    ])
  })

  it('never make a line that is wider than the terminal, whatever stands in it', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 20 })
    fc.assert(
      fc.property(fc.tuple(cell, cell, cell), fc.integer({ min: 10, max: 80 }), (cells, width) => {
        for (const table of [columns, needed, wrapping]) {
          for (const line of textsOf(fitted(table, width), cells)) {
            expect(displayWidth(line)).toBeLessThanOrEqual(width)
          }
        }
      }),
    )
  })

  it('take several lines for each row where not even those that are always shown fit on one', () => {
    const shown = fitted(needed, 18)
    expect(headingsOf(shown)).toEqual(['ID           COUNT', '  NAME'])
    expect(textsOf(shown, ['0123456789', '7', 'a name that is long'])).toEqual([
      '0123456789       7',
      '  a name that is …',
    ])
    expect(headingsOf(fitted(needed, 10))).toEqual(['ID', '     COUNT', '  NAME'])
  })

  it('take as many lines as a name needs that is not to be cut', () => {
    const outcome = { heading: 'OUTCOME', min: 16, max: 16, rank: 0, isWrapped: true }
    const other = { heading: 'OTHER', min: 5, max: 5, rank: 0 }
    const event = { ...outcome, heading: 'EVENT' }
    const shown = fitted([outcome, other, event], 80)
    const lines = (...cells: readonly LinePart[]) => textsOf(shown, cells)
    expect(lines('delivered 200', '1/10', 'User.Created')).toHaveLength(1)
    expect(lines('unmatched event-unknown', '1/10', 'OrganizationRole.Data.Updated')).toEqual([
      'unmatched event-  1/10   Organization',
      'unknown                  Role.Data.',
      '                         Updated',
    ])
    expect(lines('x', 'y', 'PostSignInAdaptiveMfaTriggered')).toEqual([
      'x                 y      PostSignIn',
      '                         AdaptiveMfa',
      '                         Triggered',
    ])
    // Anyone may write results, so a name may be of any length.
    expect(lines('x', 'y', 'a'.repeat(1_000_000)).map((line) => line.slice(25))).toEqual([
      ...Array.from({ length: 3 }, () => 'a'.repeat(16)),
      `${'a'.repeat(15)}…`,
    ])
    const red = { text: 'unmatched event-unknown', style: 'red' } as const
    expect(rowOf(shown, [red, '', ''])).toEqual([
      [{ text: 'unmatched event-', style: 'red' }],
      [{ text: 'unknown', style: 'red' }],
    ])
    expect(textsOf(fitted([outcome, other, event], undefined), ['x'.repeat(30), '', ''])).toEqual([
      'x'.repeat(30),
    ])
  })

  it('keep the colour of a cell, which is padded and cut as others are', () => {
    const cells = ['x', { text: '12', style: 'red' }, 'n'] as const
    expect(rowOf(fitted(needed, 18), cells)).toEqual([
      ['x         ', '  ', { text: '    12', style: 'red' }],
      ['  ', 'n'],
    ])
  })
})

describe('a paragraph', () => {
  it('has a time and how far away it is with their units, unbroken', () => {
    expect(paragraph('due 09:00:00Z (in 19 s) or so', 19)).toEqual([
      'due 09:00:00Z',
      '(in 19 s) or so',
    ])
    expect(paragraph('waits for 5 min', 11)).toEqual(['waits for', '5 min'])
    expect(paragraph('takes 5 seats', 7)).toEqual(['takes 5', 'seats'])
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
