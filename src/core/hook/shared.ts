/** What many hooks have alike is kept once: of a million hooks it would be a third of the objects in memory. */

/** They stay when their hooks are gone, so they bound what anybody who may write hooks can make a process keep. */
export interface SharedBounds {
  /** How many are kept before it begins anew. */
  readonly values: number
  /** Of longer keys no value is kept. */
  readonly keyLength: number
}

/**
 * The values that were seen last, each once. It has no say in what a value is: whoever asks after a value was forgotten gets
 * another one that is equal.
 */
export class Shared<Value> {
  readonly #bounds: SharedBounds
  #values = new Map<string, Value>()

  constructor(bounds: SharedBounds) {
    this.#bounds = bounds
  }

  /** @param value used if there is none for this key */
  of(key: string, value: Value): Value {
    if (key.length > this.#bounds.keyLength) return value
    const known = this.#values.get(key)
    if (known !== undefined) return known
    if (this.#values.size >= this.#bounds.values) this.#values = new Map()
    this.#values.set(key, value)
    return value
  }
}
