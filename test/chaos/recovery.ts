/**
 * Which endpoints have got over what was done to them. A breaker opens for longer each time, up to half an hour, unless its
 * endpoint stays well for as long as the breaker had been open. One that is hit again before would be away for longer than
 * a run lasts, by its breaker and not by the fault.
 */
export class Recovery {
  /** When each was hit that is not known to answer again. */
  readonly #hitAt = new Map<string, number>()
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
      this.#restsUntil.set(id, at + (at - since))
    }
  }

  /** Those of them that can be hit. */
  rested(hookIds: readonly string[], now: number): readonly string[] {
    return hookIds.filter((id) => !this.#hitAt.has(id) && now >= (this.#restsUntil.get(id) ?? 0))
  }
}
