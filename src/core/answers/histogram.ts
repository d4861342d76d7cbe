/** Percentiles of durations in bounded memory. */

/**
 * The ratio of the upper bounds of two neighbouring buckets. Every value of a bucket is within 1 % of its middle. This is the
 * mapping of DDSketch (Masson, Rim, Lee: VLDB 2019).
 */
const growth = 1.02
const logGrowth = Math.log(growth)
/** Shorter durations share one bucket: results have tenths of a millisecond. */
const shortest = 0.1
/** 116 days. Longer durations count as this, so there are at most 1,280 buckets. */
const longest = 1e10

export class Histogram {
  readonly #counts = new Map<number, number>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @param durationMs NaN is ignored. A negative duration, from clocks that differ, counts as 0 */
  add(durationMs: number): void {
    if (Number.isNaN(durationMs)) return
    const clamped = Math.min(longest, Math.max(shortest, durationMs))
    const bucket = Math.ceil(Math.log(clamped / shortest) / logGrowth)
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1)
    this.#count += 1
  }

  /**
   * The quantile in milliseconds, within 1 %; `undefined` if there are no values.
   *
   * @param share from 0 to 1, such as 0.95
   */
  quantile(share: number): number | undefined {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (const [bucket, count] of [...this.#counts].toSorted(([one], [other]) => one - other)) {
      seen += count
      if (seen >= rank)
        return bucket === 0 ? shortest : (shortest * 2 * growth ** bucket) / (growth + 1)
    }
    return undefined
  }
}
