import { describe, expect, it } from 'vitest'
import { textOf } from '../../../src/commands/line.ts'
import { ResultTable } from '../../../src/commands/results/result-line.ts'
import { failureWith } from '../../support/results.ts'
import { alignedRows } from '../../../src/commands/table.ts'
import { printable, printableJson } from '../../../src/core/text/printable-text.ts'

/** One character of each kind, as a code point. */
const unsafe = [
  0x00, 0x07, 0x09, 0x0a, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xad, 0x61c, 0x180e,
  0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xd800, 0xdfff,
  0xfeff, 0xfff9, 0xe0001, 0xe007f,
]

function textWith(point: number): string {
  return point >= 0xd800 && point <= 0xdfff
    ? String.fromCharCode(point)
    : String.fromCodePoint(point)
}

describe('text that is printed', () => {
  it.each(unsafe.map((point) => [point.toString(16), textWith(point)]))(
    'has U+%s as JSON would write it',
    (_, character) => {
      const shown = printable(`a${character}b`)
      expect(shown).toMatch(/^a(?:\\u[\da-f]{4})+b$/)
      expect(JSON.parse(`"${shown}"`)).toBe(`a${character}b`)
    },
  )

  it.each(['Zoë Ångström', '日本語', '👩‍💻'.replaceAll('\u200d', ''), 'a\\u202eb', '🇩🇪', ' '])(
    'keeps what shows as itself: %s',
    (text) => {
      expect(printable(text)).toBe(text)
    },
  )

  it('is not escaped twice', () => {
    const once = printable('a\u202eb\n')
    expect(printable(once)).toBe(once)
    expect(printableJson(once)).toBe(once)
  })

  it('means the same as JSON, on one line or on several', () => {
    const text = unsafe.map(textWith).join('x')
    const value = { [text]: [text, { [`${text}2`]: text }] }
    for (const indent of [0, 2]) {
      const json = JSON.stringify(value, undefined, indent)
      const shown = printableJson(json)
      expect(JSON.parse(shown)).toEqual(value)
      expect(shown).toMatch(/^[\n\x20-\x7e]*$/)
      expect(shown.split('\n')).toHaveLength(json.split('\n').length)
    }
    expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value)
  })
})

describe('lines', () => {
  it('have their styles from us alone', () => {
    expect(textOf('\u001b[31mred')).toBe('\\u001b[31mred')
    expect(textOf(['a\u009b', { text: '\u001b[8mb', style: 'red' }])).toContain('\\u001b[8mb')
    expect(textOf('one\ntwo')).toBe('one\\u000atwo')
  })

  it('of a table are as wide as what is printed', () => {
    expect(
      alignedRows([
        ['\u202e', 'x'],
        ['abc', 'y'],
      ]),
    ).toEqual(['\\u202e  x', 'abc     y'])
  })

  it('about a result are as wide as what is printed', () => {
    const table = new ResultTable(undefined)
    const line = (tenantId: string) =>
      table
        .lines(failureWith({ tenantId, hookId: 'h', errorMessage: '\u202edetartsnu' }), 0)
        .map(textOf)
        .join('\n')
    expect(line('a\u009b')).toContain('a\\u009b     h')
    expect(line('acmeacme')).toContain('acmeacme    h')
    expect(line('a')).toMatch(/, \\u202edetartsnu$/)
  })
})
