import { expect, it } from 'vitest'
import { displayWidth } from '../../src/commands/columns.ts'
import { alignedRows } from '../../src/commands/table.ts'

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
