/** A queue whose `shift` does not move the items that stay, so that its cost does not grow with the length. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  peek(): Item | undefined {
    return this.#items[this.#head]
  }

  shift(): Item | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head += 1
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Removes and returns the items for which `isTaken` is true. @param isTaken gets an item and its place, from 0 */
  take(isTaken: (item: Item, place: number) => boolean): Item[] {
    const taken: Item[] = []
    const left: Item[] = []
    let place = 0
    for (const item of this) {
      if (isTaken(item, place)) taken.push(item)
      else left.push(item)
      place += 1
    }
    if (taken.length > 0) {
      this.#items = left
      this.#head = 0
    }
    return taken
  }

  /** All items, oldest first. */
  *[Symbol.iterator](): Generator<Item> {
    for (let index = this.#head; index < this.#items.length; index += 1) {
      const item = this.#items[index]
      if (item !== undefined) yield item
    }
  }
}
