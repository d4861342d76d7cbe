/** What many hooks have alike is kept once: of a million hooks it would be a third of the objects in memory. */

/**
 * The values that were seen last, each once. It has no say in what a value is: whoever asks after a value was forgotten gets
 * another one that is equal.
 */
export class Shared<Value> {
  readonly #most: number
  #values = new Map<string, Value>()

  /** @param most how many values it keeps before it begins anew */
  constructor(most: number) {
    this.#most = most
  }

  /** @param value used if there is none for this key */
  of(key: string, value: Value): Value {
    const known = this.#values.get(key)
    if (known !== undefined) return known
    if (this.#values.size >= this.#most) this.#values = new Map()
    this.#values.set(key, value)
    return value
  }
}
