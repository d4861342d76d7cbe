/** What a run of benchmarks found, as JSON to keep and as tables to read. Pure. */
import { judge, median, type Judged, type Rows, type Target } from './figures.ts'

export interface Report {
  /** By the scenario's name. */
  readonly scenarios: Readonly<Record<string, Measurement>>
}

/** What a scenario found. Each has a header: a report may hold those of several runs. */
export interface Measurement {
  readonly header: Header
  readonly rows: Rows
}

/** Replaces what an earlier run found of the same scenario. */
export function withMeasurement(report: Report, name: string, measurement: Measurement): Report {
  return { scenarios: { ...report.scenarios, [name]: measurement } }
}

export function reportText(report: Report): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}

/** What figures depend on besides the program. */
export interface Header {
  /** When the run began, as ISO 8601. */
  readonly date: string
  /** Of the checkout; empty where there is none. */
  readonly commit: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryMiB: number
    readonly kernel: string
    /** Processes that ran or waited to, on the average of the minute before. */
    readonly load: number
  }
  /** By program or package. */
  readonly versions: Readonly<Record<string, string>>
  readonly rounds: number
  readonly events: number
}

export function headerText({ date, commit, machine, versions, rounds, events }: Header): string {
  const { cpu, cores, memoryMiB, kernel, load } = machine
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${date}${commit === '' ? '' : `, commit ${commit}`}; medians of ${rounds} rounds; ${events} events where a backlog is drained`,
    `${cpu}, ${cores} cores, ${memoryMiB} MiB, ${kernel}, load ${load.toFixed(2)} before`,
    named.join(', '),
  ].join('\n')
}

/** One row per subject, one column per figure, medians in them. */
export function tableText(title: string, rows: Rows): string {
  return gridText(title, rows, (values) => shown(median(values)))
}

/** The same with each median divided by the baseline's; empty where the baseline has none. */
export function comparisonText(title: string, rows: Rows, baseline: Rows): string {
  return gridText(title, rows, (values, subject, figure) => {
    const ratio = median(values) / median(baseline[subject]?.[figure] ?? [])
    return Number.isFinite(ratio) ? ratio.toFixed(2) : ''
  })
}

/** One line per target that was measured. */
export function targetsText(rows: Rows, targets: readonly Target[]): string {
  const judged = targets.map((target) => judge(rows, target)).filter((one) => one !== undefined)
  return judged.map(targetLine).join('\n')
}

function targetLine({ subject, figure, beside, limit, value, isMet }: Judged): string {
  const asked = 'atLeast' in limit ? `at least ${limit.atLeast}` : `at most ${limit.atMost}`
  const what = beside === undefined ? `${figure}, ${subject}` : `${figure}, ${subject} / ${beside}`
  return `  ${isMet ? 'met   ' : 'missed'}  ${what}: ${shown(value)} (${asked})`
}

function gridText(
  title: string,
  rows: Rows,
  cellOf: (values: readonly number[], subject: string, figure: string) => string,
): string {
  const figures = [...new Set(Object.values(rows).flatMap((row) => Object.keys(row)))]
  const lines = Object.entries(rows).map(([subject, row]) => [
    subject,
    ...figures.map((figure) => {
      const values = row[figure]
      return values === undefined ? '' : cellOf(values, subject, figure)
    }),
  ])
  const grid = [[title, ...figures], ...lines]
  const widths = grid[0]?.map((_, column) =>
    Math.max(...grid.map((line) => line[column]?.length ?? 0)),
  )
  return grid
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths?.[column] ?? 0
          return column === 0 ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Three digits that mean something, and no more than that behind the point. */
function shown(value: number): string {
  if (Number.isNaN(value)) return ''
  if (Number.isInteger(value) || Math.abs(value) >= 100) return String(Math.round(value))
  if (Math.abs(value) >= 10) return value.toFixed(1)
  return value.toFixed(Math.abs(value) >= 1 ? 2 : 4)
}

/**
 * Reads what `--json` wrote.
 *
 * @throws {TypeError} that says what is wrong
 */
export function readReport(text: string): Report {
  const parsed: unknown = JSON.parse(text)
  if (!isRecord(parsed) || !isRecord(parsed['scenarios'])) {
    throw new TypeError('it has no scenarios')
  }
  for (const [name, found] of Object.entries(parsed['scenarios'])) {
    if (!isRecord(found) || !isRecord(found['header']) || !isRows(found['rows'])) {
      throw new TypeError(`its scenario "${name}" has no header, or no rows of numbers`)
    }
  }
  return parsed as unknown as Report
}

function isRows(rows: unknown): rows is Rows {
  if (!isRecord(rows)) return false
  return Object.values(rows).every((row) => isRecord(row) && Object.values(row).every(isNumbers))
}

function isNumbers(values: unknown): boolean {
  return Array.isArray(values) && values.every((value) => typeof value === 'number')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
