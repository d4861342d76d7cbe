import { expect, it } from 'vitest'
import { endpointColumns } from '../../../src/commands/endpoints/endpoints.ts'
import { listLines } from '../../../src/commands/table.ts'

it('an endpoint that is listed has the id of its hook and its reason in full at 80 columns', () => {
  const row = [
    ...['a1b2c3d4e5f6g7h8i9j0k', 'default', 'disabled', 'failing-for-days'],
    ...['2026-09-14T09:02:11Z', '-', '12', 'https://receiver.example/a/long/path/of/a/hook'],
  ]
  const lines = listLines(endpointColumns, [row], 80)
  for (const cell of [row[0], row[2], row[4], row[7]]) expect(lines.join('\n')).toContain(cell)
  expect(lines.join('\n')).not.toContain('…')
})
