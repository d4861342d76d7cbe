/**
 * Durations by size class, so that percentiles of any span of time follow from sums. A class is a tenth wider than the one
 * below it: a percentile is right to within five per cent.
 */

const step = Math.log(1.1)

/** The class of a duration in milliseconds; 0 for what is under one. */
export function durationClass(ms: number): number {
  return ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / step)
}

/** The middle of a class, in milliseconds. */
function classMiddle(durationClass: number): number {
  return durationClass === 0 ? 0.5 : Math.exp((durationClass - 0.5) * step)
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface ClassCount {
  readonly class: number
  readonly count: number
}

/** @param counts ascending by class; `null` when there are none */
export function percentilesOf(counts: readonly ClassCount[]): Percentiles | null {
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return null
  const at = (share: number) => {
    let seen = 0
    for (const { class: one, count } of counts) {
      seen += count
      if (seen >= share * total) return rounded(classMiddle(one))
    }
    return rounded(classMiddle(counts.at(-1)?.class ?? 0))
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

function rounded(ms: number): number {
  return ms < 100 ? Math.round(ms * 10) / 10 : Math.round(ms)
}
