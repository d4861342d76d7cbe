/** Percentiles of durations in bounded memory. */

/**
 * Each bucket ends so much above the one before it. Its middle, which stands for all in it, is within 1 % of each: the
 * mapping of DDSketch (Masson, Rim, Lee: VLDB 2019).
 */
const growth = 1.02
const logGrowth = Math.log(growth)
/** What is shorter than the clocks of results tell apart is one bucket. */
const shortest = 0.1
/** 116 days. Longer ones count as this. So there are 1,280 buckets at most. */
const longest = 1e10

export class Histogram {
  readonly #counts = new Map<number, number>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @param durationMs what is no number is left out; negative ones, of clocks that differ, count as 0 */
  add(durationMs: number): void {
    if (Number.isNaN(durationMs)) return
    const clamped = Math.min(longest, Math.max(shortest, durationMs))
    const bucket = Math.ceil(Math.log(clamped / shortest) / logGrowth)
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1)
    this.#count += 1
  }

  /**
   * Milliseconds within 1 % of a value that is at least as long as such a share of all; `undefined` when there is none.
   *
   * @param share from 0 to 1
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
