import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/commands/columns.ts'
import { textOf } from '../../../src/commands/line.ts'
import { durationText, jsonOf, StatisticsTable } from '../../../src/commands/stats/view.ts'
import { Statistics } from '../../../src/core/answers/statistics.ts'
import { WaitingCounts } from '../../../src/core/answers/waiting-counts.ts'
import { endWith, failureWith, resultAt, resultWith } from '../../support/results.ts'

const hostile = '\u001b[2J\u202e日本語'.repeat(20)

/** @param isWaitingKnown whether what waits may be read */
function statistics(isWaitingKnown = true): Statistics {
  const folded = new Statistics('hook')
  const add = (count: number, make: (index: number) => Parameters<Statistics['add']>[0]) => {
    for (let index = 0; index < count; index += 1) folded.add(make(index))
  }
  const run = (name: string) => (index: number) => ({ run: `auth.events/${name}/${index}` })
  const crm = { hookId: 'crm', tenantId: 'acme', eventAt: resultAt - 250 }
  add(17, (index) => resultWith({ ...run('1')(index), ...crm }))
  add(3, (index) => failureWith({ ...run('2')(index), ...crm, totalMs: 2_500 }))
  add(1, (index) => endWith({ ...run('3')(index), ...crm }))
  add(200, (index) => resultWith({ ...run('4')(index), hookId: 'billing' }))
  add(1, (index) => failureWith({ ...run('5')(index), hookId: 'billing' }))
  add(2, (index) => resultWith({ ...run('6')(index), hookId: hostile, tenantId: hostile }))
  const counts = new WaitingCounts()
  for (const [hookId, number] of [
    ['crm', 3],
    ['billing', 1],
  ] as const) {
    for (let index = 0; index < number; index += 1) {
      const { deliveryId } = resultWith({})
      const waiting = { deliveryId, hookId, tenantId: 'acme', waits: 'retrying' } as const
      counts.add({ ...waiting, run: `auth.events/${hookId}/${index}` }, hookId)
    }
  }
  if (isWaitingKnown) folded.setWaiting(counts)
  return folded
}

function linesOf(columns: number | undefined): readonly string[] {
  const table = new StatisticsTable('hook', columns)
  const { all, ...folded } = { all: statistics().all, groups: statistics().groups() }
  const lines = [...folded.groups.flatMap((group) => table.lines(group)), ...table.summary(all)]
  return [...table.headings, ...lines.map(textOf)]
}

describe('a table of statistics', () => {
  it('takes 80 columns at most, and says beneath each row what went wrong', () => {
    const lines = linesOf(80)
    expect(lines.slice(0, 5)).toEqual([
      'HOOK                     REQUESTS  FAILED     SUCCESS      P50      P95      P99',
      'crm                            20       3   85.0 % !!    12 ms    2.5 s    2.5 s',
      '  503 ×3, endpoint-disabled ×1; 1 dead, 3 retrying',
      'billing                       201       1      99.5 %    12 ms    12 ms    12 ms',
      '  503 ×1; 1 retrying',
    ])
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(80)
  })

  it.each([40, 60, 79])('takes several lines a row in a terminal of %i columns', (columns) => {
    const lines = linesOf(columns)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
    for (const text of ['85.0 % !!', '1 dead, 3 retrying', '0 deferred', 'below 90 %']) {
      expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain(text)
    }
  })

  it('ends with what is so of all together', () => {
    expect(linesOf(80).slice(-6)).toEqual([
      '(all)                         223       4    98.2 % !    12 ms    12 ms    2.5 s',
      '  503 ×4, endpoint-disabled ×1; 1 dead, 4 retrying',
      'Delivered: 99.5 % of 220 that ended; 1.00 attempts each',
      'Event to first attempt: p50 5.0 ms, p95 252 ms, p99 252 ms',
      'Not ended: 4 retrying, 0 deferred, 0 requested',
      '! below 99 % of requests, !! below 90 %',
    ])
  })

  it('says so where what waits may not be read', () => {
    const { all } = statistics(false)
    const lines = new StatisticsTable('hook', 80).summary(all).map(textOf)
    expect(lines).toContain('Not ended: not known')
    expect(jsonOf(all, 'all')).toMatchObject({ retrying: null, deferred: null, requested: null })
  })

  it('has more columns where there is room', () => {
    expect(linesOf(101)[0]).toMatch(/P99 {2}DELIVERED {2}ATTEMPTS$/)
    expect(linesOf(undefined)[0]).toMatch(/FIRST P50 {2}FIRST P95 {2}FIRST P99$/)
  })

  it('prints nothing that moves a cursor', () => {
    for (const character of ['\u001b', '\u202e']) {
      expect(linesOf(80).join('')).not.toContain(character)
    }
  })
})

it('a line of JSON has the numbers of a group under names of their own', () => {
  const [crm] = statistics().groups()
  expect(crm && JSON.parse(JSON.stringify(jsonOf(crm, 'hook')))).toEqual({
    ...{ by: 'hook', name: 'crm', tenantId: 'acme', url: 'https://receiver.example/hook' },
    ...{ requests: 20, failed: 3, interrupted: 0, successShare: 0.85 },
    ...{ delivered: 17, dead: 1, expired: 0, discarded: 0, deliveredShare: 0.9444 },
    ...{ attemptsPerDelivery: 1, retrying: 3, deferred: 0, requested: 0 },
    totalMs: { p50: 12.4, p95: 2_505.9, p99: 2_505.9 },
    eventToFirstAttemptMs: { p50: 252, p95: 252, p99: 252 },
    errors: [
      { name: '503', count: 3 },
      { name: 'endpoint-disabled', count: 1 },
    ],
  })
  expect(JSON.parse(JSON.stringify(jsonOf(statistics().all, 'all')))).toMatchObject({
    ...{ by: 'all', name: null, requests: 223 },
  })
})

it.each([
  [undefined, '-'],
  [0.1, '0.1 ms'],
  [9.96, '10 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [15_000, '15.0 s'],
  [600_000, '10 min'],
  [1e10, '116 d'],
])('a time of %s ms is said as %s, in seven columns at most', (durationMs, text) => {
  expect(durationText(durationMs)).toBe(text)
  expect(text.length).toBeLessThanOrEqual(7)
})
