import { expect, it } from 'vitest'
import type { Rows, Target } from './figures.ts'
import {
  comparisonText,
  headerText,
  readReport,
  reportText,
  tableText,
  targetsText,
  withMeasurement,
} from './report.ts'

const rows: Rows = {
  hooktide: { 'deliveries/s': [7_900, 8_100, 8_000], 'CPU s per 1,000': [0.129] },
  'lean loop': { 'deliveries/s': [21_700.4] },
}

it('a table has a row per subject and a column per figure, and says nothing of what was not measured', () => {
  expect(tableText('drain', rows).split('\n')).toEqual([
    'drain      deliveries/s  CPU s per 1,000',
    'hooktide           8000           0.1290',
    'lean loop         21700',
  ])
})

it('a comparison divides medians by those of the baseline, where it has them', () => {
  const baseline = { hooktide: { 'deliveries/s': [4_000, 5_000, 1] } }
  expect(comparisonText('beside', rows, baseline).split('\n')).toEqual([
    'beside     deliveries/s  CPU s per 1,000',
    'hooktide           2.00',
    'lean loop',
  ])
})

it('targets say what was asked and reached, and those not measured are left out', () => {
  const rate = { subject: 'hooktide', figure: 'deliveries/s' }
  const targets: readonly Target[] = [
    { ...rate, limit: { atLeast: 9_000 } },
    { subject: 'hooktide', figure: 'CPU s per 1,000', limit: { atMost: 0.2 } },
    { ...rate, beside: 'bare loop', limit: { atLeast: 1.25 } },
  ]
  expect(targetsText(rows, targets).split('\n')).toEqual([
    '  missed  deliveries/s, hooktide: 8000 (at least 9000)',
    '  met     CPU s per 1,000, hooktide: 0.1290 (at most 0.2)',
  ])
})

const header = {
  date: '2026-11-27T20:00:00.000Z',
  commit: 'abc1234',
  machine: { cpu: 'A CPU', cores: 2, memoryMiB: 4_096, kernel: 'Linux 6', load: 0.5 },
  versions: { node: 'v24', kafkajs: '2.2.4' },
  rounds: 5,
  events: 100_000,
}

it('the header names machine, versions and how the run was made', () => {
  expect(headerText(header).split('\n')).toEqual([
    '2026-11-27T20:00:00.000Z, commit abc1234; medians of 5 rounds; 100000 events where a backlog is drained',
    'A CPU, 2 cores, 4096 MiB, Linux 6, load 0.50 before',
    'node v24, kafkajs 2.2.4',
  ])
})

it('a report is read as it was written, and anything else is refused with a reason', () => {
  const report = { scenarios: { drain: { header, rows } } }
  expect(readReport(reportText(report))).toEqual(report)
  expect(() => readReport('[]')).toThrow('it has no scenarios')
  const other = { scenarios: { drain: { header, rows: { hooktide: { rate: ['fast'] } } } } }
  expect(() => readReport(JSON.stringify(other))).toThrow(
    'its scenario "drain" has no header, or no rows of numbers',
  )
  expect(() => readReport('no JSON')).toThrow(SyntaxError)
})

it('a report keeps the scenarios of earlier runs, and replaces what is measured again', () => {
  const [early, late] = [
    { header, rows: {} },
    { header, rows },
  ]
  const report = { scenarios: { drain: early, kill: early } }
  expect(withMeasurement(report, 'drain', late)).toEqual({
    scenarios: { drain: late, kill: early },
  })
})
