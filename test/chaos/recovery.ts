/**
 * Which endpoints have recovered from their last fault. A breaker opens for longer each time, up to half an hour, unless its
 * endpoint stays healthy for as long as the breaker was open. If an endpoint were hit again before, its breaker would stay
 * open for longer than the run. So it rests for as long as it failed, or for as long as its breaker was open.
 */
export class Recovery {
  /** When each was hit that is not known to answer again. */
  readonly #hitAt = new Map<string, number>()
  /** Breakers that are open, as the topic of endpoint health has them. */
  readonly #open = new Map<string, { readonly since: number; readonly until: number }>()
  readonly #restsUntil = new Map<string, number>()

  /** Something is done to them. */
  hit(hookIds: readonly string[], at: number): void {
    for (const id of hookIds) this.#hitAt.set(id, Math.min(at, this.#hitAt.get(id) ?? at))
  }

  /** They answer again. */
  answered(hookIds: readonly string[], at: number): void {
    for (const id of hookIds) {
      const since = this.#hitAt.get(id)
      if (since === undefined) continue
      this.#hitAt.delete(id)
      this.#rest(id, since, at)
    }
  }

  /**
   * What a processor has said of an endpoint. `until`: when its breaker lets the next probe through; else it is not open.
   */
  said(hookId: string, at: number, until: number | undefined): void {
    const open = this.#open.get(hookId)
    if (until !== undefined) {
      this.#open.set(hookId, { since: open?.since ?? at, until })
      return
    }
    this.#open.delete(hookId)
    if (open !== undefined) this.#rest(hookId, open.since, at)
  }

  /** Those of them that can be hit. */
  rested(hookIds: readonly string[], now: number): readonly string[] {
    return hookIds.filter(
      (id) => !this.#hitAt.has(id) && !this.#open.has(id) && now >= (this.#restsUntil.get(id) ?? 0),
    )
  }

  /** Those of them whose breaker is open, with the time of the next probe. */
  open(hookIds: readonly string[]): readonly (readonly [hookId: string, until: number])[] {
    return hookIds.flatMap((id) => {
      const open = this.#open.get(id)
      return open === undefined ? [] : [[id, open.until] as const]
    })
  }

  #rest(hookId: string, since: number, at: number): void {
    this.#restsUntil.set(hookId, Math.max(at + (at - since), this.#restsUntil.get(hookId) ?? 0))
  }
}
