import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/commands/columns.ts'
import { alignedRows, listLines } from '../../src/commands/table.ts'

it('rows are aligned as a terminal shows them, with wide and combining characters', () => {
  const rows = alignedRows([
    ['ID', 'STATE', 'URL'],
    ['日本語', 'open', 'x'],
    ['e\u0301', 'ok', 'x'],
    ['a\u001b', 'ok', 'x'],
  ])
  const widths = rows.slice(1).map((row) => displayWidth(row))
  expect(new Set(widths).size).toBe(1)
  expect(rows[1]).toBe('日本語   open   x')
})

describe('a short table', () => {
  const columns = [
    { heading: 'ID', rank: 0, min: 12 },
    { heading: 'NAME', rank: 1 },
    { heading: 'URL', rank: 0, min: 20, max: 300 },
  ]
  const hostile = '\u001b[2J\u202e日本語'.repeat(40)
  const rows = [
    ['x'.repeat(128), hostile, `https://receiver.example/${'y'.repeat(400)}`],
    ['short', 'n', 'https://a.example/'],
  ]

  it.each([10, 40, 60, 80, 120])('takes no line wider than %i columns of a terminal', (width) => {
    for (const line of listLines(columns, rows, width)) {
      expect(displayWidth(line)).toBeLessThanOrEqual(width)
    }
  })

  it('may have a million rows', () => {
    const rows = Array.from({ length: 200_000 }, () => ['a', 'b', 'c'])
    expect(listLines(columns, rows, 80)).toHaveLength(200_001)
  })

  it('has no column wider than its longest cell', () => {
    expect(listLines(columns, rows.slice(1), 80)).toEqual([
      'ID     NAME  URL',
      'short  n     https://a.example/',
    ])
  })

  it('shows everything in full where there is no terminal', () => {
    expect(listLines(columns, rows, undefined)[1]).toContain('y'.repeat(400))
  })
})
