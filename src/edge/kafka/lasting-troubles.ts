/** What fails now, and since when. */

/** A leader that moves fails a few tries. */
const lastingAfterMs = 1_000

export class LastingTroubles {
  readonly #found = new Map<string, { readonly since: number; error: string }>()

  get isNone(): boolean {
    return this.#found.size === 0
  }

  /** @param what fails, as long as it is not ended. @param error why, in words that name it */
  begin(what: string, error: string): void {
    const known = this.#found.get(what)
    if (known === undefined) this.#found.set(what, { since: performance.now(), error })
    else known.error = error
  }

  end(what: string): void {
    this.#found.delete(what)
  }

  /** The error of what has failed for the longest time, if that has lasted a while. */
  lasting(): string | undefined {
    const [oldest] = this.#found.values()
    if (oldest === undefined || performance.now() - oldest.since < lastingAfterMs) return undefined
    return oldest.error
  }
}
