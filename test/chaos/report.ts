/** The report of a chaos run as text: a table of the faults, the books, and the verdict. */
import type { Comparison } from './books.ts'
import type { ChaosReport, FaultReport } from './run.ts'
import { median, stretchesOf, type Sample } from './steadiness.ts'

const maxListed = 10

export function reportOf(report: ChaosReport): readonly string[] {
  const { comparison, deaths } = report
  return [
    '',
    ...faultTable(report),
    '',
    ...steadinessTable(report.samples),
    '',
    ...booksOf(report),
    ...deaths.map(({ name, code }) => `a process ended by itself: ${name} with ${code}`),
    ...wrongLines(comparison),
    '',
    report.isRight
      ? 'The four books agree.'
      : 'THE BOOKS DO NOT AGREE, or work did not resume after a fault.',
  ]
}

function faultTable({ faults, comparison, books }: ChaosReport): readonly string[] {
  const header = [
    'fault',
    'times',
    'resumed: median',
    'most',
    'most, mixed',
    'repeated',
    'sent, not covered',
  ]
  const byKind = Map.groupBy(faults, ({ planned }) => planned.kind)
  const rows = [...byKind].map(([kind, list]) => {
    const alone = secondsOf(list.filter(({ planned }) => !planned.isMixed))
    const mixed = secondsOf(list.filter(({ planned }) => planned.isMixed))
    const ids = new Set(list.map(({ planned }) => planned.id))
    const own = books.disturbances.filter(({ fault }) => ids.has(fault))
    const sum = (of: 'repeated' | 'exposed') =>
      own.reduce((total, { id }) => total + (comparison.repeats.get(id)?.[of] ?? 0), 0)
    const crashes = own.length === 0 ? ['', ''] : [String(sum('repeated')), String(sum('exposed'))]
    return [
      kind,
      String(list.filter(({ kind: how }) => how !== 'left-out').length),
      seconds(median(alone), alone.length),
      seconds(Math.max(...alone), alone.length),
      seconds(Math.max(...mixed), mixed.length),
      ...crashes,
    ]
  })
  return aligned([header, ...rows])
}

function secondsOf(reports: readonly FaultReport[]): readonly number[] {
  return reports.flatMap(({ resumedMs }) => (resumedMs === undefined ? [] : [resumedMs / 1_000]))
}

function seconds(value: number, count: number): string {
  return count === 0 ? '' : `${value.toFixed(1)} s`
}

const parts = 6

function steadinessTable(samples: readonly Sample[]): readonly string[] {
  if (samples.length === 0) return []
  const header = ['sixth', 'RSS MiB', 'most', 'heap MiB', 'open files', 'most', 'handles', 'lag']
  const rows = stretchesOf(samples, parts).map((one, index) => [
    String(index + 1),
    ...[
      one.rssMiB,
      one.mostRssMiB,
      one.heapMiB,
      one.openFiles,
      one.mostOpenFiles,
      one.handles,
      one.lag,
    ].map(String),
  ])
  return [
    'the processor that ran the longest, and the lag of all; medians of each sixth of the time:',
    ...aligned([header, ...rows]),
  ]
}

function booksOf({ comparison, settledMs, openCount, books }: ChaosReport): readonly string[] {
  const { counts, faults, repeats } = comparison
  const endings = [...counts.endings].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
  const handOvers = books.disturbances.filter(({ kind }) => kind === 'hand-over')
  const handedOver = handOvers.reduce((sum, { id }) => sum + (repeats.get(id)?.repeated ?? 0), 0)
  const unplanned = books.disturbances.filter(({ kind, fault }) => kind === 'crash' && fault === 0)
  const byDeath = unplanned.reduce((sum, { id }) => sum + (repeats.get(id)?.repeated ?? 0), 0)
  return [
    `events produced:    ${counts.events}, required for steady hooks: ${counts.owed} deliveries`,
    `requests received:  ${counts.requests}`,
    `results recorded:   ${counts.results}; runs ended: ${endings}`,
    `offsets committed:  ${books.commits.length - faults.uncommitted.length} of ${books.commits.length} partitions to their ends`,
    `settled in ${(settledMs / 1_000).toFixed(1)} s, ${openCount} deliveries still open`,
    `lost ${faults.lost.length}, stuck ${faults.stuck.length}`,
    `repeated ${counts.repeats}: ${counts.resent} cut off by the receiver, ${counts.followUps} after a repeated attempt, ` +
      `${handedOver} long calls at hand-overs, ${byDeath} of processes that ended by themselves, ` +
      `${faults.excess.length} without a reason`,
  ]
}

function wrongLines({ faults }: Comparison): readonly string[] {
  return Object.entries(faults).flatMap(([name, list]: [string, readonly string[]]) =>
    list.length === 0
      ? []
      : [`${name}: ${list.length}`, ...list.slice(0, maxListed).map((one) => `  ${one}`)],
  )
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}
