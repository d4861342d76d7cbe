/** Counts names from records in bounded memory. */

/** Counts all names beyond the maximum. */
export const otherNames = '(others)'

export class Counter {
  readonly #counts = new Map<string, number>()
  readonly #most: number

  /** @param most the maximum number of names with a count of their own */
  constructor(most: number) {
    this.#most = most
  }

  add(name: string): void {
    const isKept = this.#counts.has(name) || this.#counts.size < this.#most
    const kept = isKept ? name : otherNames
    this.#counts.set(kept, (this.#counts.get(kept) ?? 0) + 1)
  }

  get size(): number {
    return this.#counts.size
  }

  /** By count, highest first, then by name. */
  sorted(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].toSorted(
      ([one, count], [other, otherCount]) => otherCount - count || (one < other ? -1 : 1),
    )
  }
}
