import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/commands/columns.ts'
import { textOf } from '../../../src/commands/line.ts'
import { dueWords, ResultTable } from '../../../src/commands/results/result-line.ts'
import { roughWait } from '../../../src/core/model/durations.ts'
import { eventKeys } from '../../../src/core/event/event-keys.ts'
import { endWith, failureWith, resultAt, resultWith } from '../../support/results.ts'

const hostile = '\u001b[2J\u202e日本語'.repeat(50)
const results = [
  resultWith({ hookId: 'crm' }),
  failureWith({ attempt: 10, hookId: 'a1b2c3d4e5f6g7h8i9j0k', trigger: 'replay' }),
  failureWith({ errorClass: 'protocol', statusCode: null, eventKey: 'User.Data.Updated' }),
  endWith({ hookId: 'crm' }),
  endWith({ hookId: '', outcome: 'unmatched', reason: 'event-unknown' }),
  failureWith({ hookId: hostile, eventKey: hostile, tenantId: hostile, errorMessage: hostile }),
]

function linesAt(columns: number | undefined): readonly string[] {
  const table = new ResultTable(columns)
  const lines = results.flatMap((result) => table.lines(result, resultAt))
  return [...table.headings, ...lines.map(textOf)]
}

describe('a line about a result', () => {
  it('takes 80 columns at most, and says what came, of which attempt, and what began it', () => {
    const lines = linesAt(80)
    expect(lines.slice(0, 10)).toEqual([
      'TIME            OUTCOME        TRY    TRIGGER  HOOK                   EVENT',
      '09-14 09:02:11  delivered 200  1/10   event    crm                    PostSignIn',
      '09-14 09:02:11  retrying 503   10/10  replay   a1b2c3d4e5f6g7h8i9j0k  PostSignIn',
      '09-14 09:02:11  retrying       1/10   event    hook-1                 User.Data.',
      '                protocol                                              Updated',
      '09-14 09:02:11  dead           -      event    crm                    PostSignIn',
      '                endpoint-',
      '                disabled',
      '09-14 09:02:11  unmatched      -      event    -                      PostSignIn',
      '                event-unknown',
    ])
  })

  it.each([40, 50, 79, 80, 100, 120, 160, 240])(
    'is never wider than a terminal of %i columns',
    (columns) => {
      for (const line of linesAt(columns)) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
    },
  )

  it('takes two lines where the terminal is narrow', () => {
    expect(linesAt(44).slice(0, 4)).toEqual([
      'TIME            OUTCOME           TRY',
      '  TRIGGER  HOOK                   EVENT',
      '09-14 09:02:11  delivered 200     1/10',
      '  event    crm                    PostSignIn',
    ])
  })

  it('has ids in full, and more columns, where there is room', () => {
    expect(linesAt(120)[0]).toMatch(/EVENT +DELIVERY$/)
    expect(linesAt(120)[2]).toContain('  a1b2c3d4e5f6g7h8i9j0k  ')
    expect(linesAt(200)[0]).toMatch(/DELIVERY +TOOK +TENANT +NEXT$/)
  })

  it('has all in full where no terminal shows it', () => {
    const [heading = '', , , retry, dead] = linesAt(undefined)
    expect(heading.split(/ {2,}/)).toEqual([
      ...['TIME', 'OUTCOME', 'ANSWER', 'ATTEMPT', 'TRIGGER', 'TENANT', 'HOOK', 'EVENT'],
      ...['DELIVERY', 'TOOK', 'EVENT ID', 'NEXT'],
    ])
    expect(retry).toMatch(/User\.Data\.Updated .* 2026-09-14T09:03:11\.019Z \(in 60 s\)$/)
    expect(dead).toMatch(/ endpoint-disabled$/)
  })

  it('has room for every event key that Logto sends', () => {
    const [heading = ''] = new ResultTable(undefined).headings
    const width = heading.indexOf('DELIVERY') - heading.indexOf('EVENT ')
    for (const key of eventKeys) expect(key.length).toBeLessThan(width)
  })
})

it.each([
  [400, '0 s'],
  [65_000, '65 s'],
  [358_000, '6 min'],
  [7_190_000, '2 h'],
  [345_600_000, '4 d'],
])('a wait of %s ms is printed as %s', (waitMs, words) => {
  expect(roughWait(waitMs)).toBe(words)
})

it.each([
  [65_000, '1970-01-01T00:01:05.000Z (in 65 s)'],
  [1, '1970-01-01T00:00:00.001Z (in 0 s)'],
  [0, '1970-01-01T00:00:00.000Z'],
  [-1_000, '1969-12-31T23:59:59.000Z'],
])('what is due at %s is told at 0 as %s', (dueAt, words) => {
  expect(dueWords(dueAt, 0)).toBe(words)
})
