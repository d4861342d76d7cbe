/** What measurements are, and the arithmetic on them. Pure. */

/** What one subject showed in one round, by the figure's name with its unit. A figure that could not be had is absent. */
export type Figures = Readonly<Record<string, number>>

/** Values of each round, by subject and figure. */
export type Rows = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>

/** What a figure has to reach. */
export interface Target {
  readonly subject: string
  readonly figure: string
  /** The subject whose figure of the same round it is divided by; without it the figure itself counts. */
  readonly beside?: string
  readonly limit: { readonly atLeast: number } | { readonly atMost: number }
}

export interface Judged extends Target {
  /** The median over rounds. */
  readonly value: number
  readonly isMet: boolean
}

/** Of an even number, the mean of the two in the middle. Not a number where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  if (!Number.isInteger(middle)) return upper
  return ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * The smallest value that at least this share of all is not above.
 *
 * @param sorted ascending
 * @param share from 0 to 1
 */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/**
 * How much a reading grew while it should have stayed what it was: the median of the last third of the samples divided by
 * that of the third before. The first is left out, as what is filled and compiled then.
 */
export function growthOf(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3)
  return median(samples.slice(-third)) / median(samples.slice(-2 * third, -third))
}

/** Adds a round's figures of a subject. Those that are no numbers are left out. */
export function withRound(rows: Rows, subject: string, figures: Figures): Rows {
  const row = { ...rows[subject] }
  for (const [figure, value] of Object.entries(figures)) {
    if (Number.isFinite(value)) row[figure] = [...(row[figure] ?? []), value]
  }
  return { ...rows, [subject]: row }
}

/** `undefined` where what it is about was not measured. */
export function judge(rows: Rows, target: Target): Judged | undefined {
  const own = rows[target.subject]?.[target.figure] ?? []
  const values =
    target.beside === undefined ? own : ratios(own, rows[target.beside]?.[target.figure])
  const value = median(values)
  if (Number.isNaN(value)) return undefined
  const { limit } = target
  return {
    ...target,
    value,
    isMet: 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost,
  }
}

/**
 * Of each round by itself: what slows the machine down for a while then slows both sides. Rounds that one side lacks
 * leave nothing to pair.
 */
function ratios(own: readonly number[], others: readonly number[] = []): readonly number[] {
  if (own.length !== others.length) return []
  return own.map((value, round) => value / (others[round] ?? Number.NaN))
}
