/** A queue from which any item can be removed, at a cost that does not grow with the length. */
export interface Place<Item> {
  readonly item: Item
  before: Place<Item> | undefined
  after: Place<Item> | undefined
  isQueued: boolean
}

export class LinkedQueue<Item> {
  #head: Place<Item> | undefined
  #tail: Place<Item> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item): Place<Item> {
    const place: Place<Item> = { item, before: this.#tail, after: undefined, isQueued: true }
    if (this.#tail === undefined) this.#head = place
    else this.#tail.after = place
    this.#tail = place
    this.#size += 1
    return place
  }

  shift(): Item | undefined {
    const place = this.#head
    if (place === undefined) return undefined
    this.remove(place)
    return place.item
  }

  /** Returns false if the item was removed before. */
  remove(place: Place<Item>): boolean {
    if (!place.isQueued) return false
    place.isQueued = false
    const { before, after } = place
    if (before === undefined) this.#head = after
    else before.after = after
    if (after === undefined) this.#tail = before
    else after.before = before
    place.before = undefined
    place.after = undefined
    this.#size -= 1
    return true
  }

  /** Removes and returns the newest items for which `isTaken` is true, the newest first. */
  takeNewest(most: number, isTaken: (item: Item) => boolean): Item[] {
    const taken: Item[] = []
    for (let place = this.#tail; place !== undefined && taken.length < most;) {
      const { item, before } = place
      if (isTaken(item) && this.remove(place)) taken.push(item)
      place = before
    }
    return taken
  }

  /** Removes and returns the items for which `isTaken` is true. */
  take(isTaken: (item: Item) => boolean): Item[] {
    const taken: Item[] = []
    for (let place = this.#head; place !== undefined;) {
      const { item, after } = place
      if (isTaken(item) && this.remove(place)) taken.push(item)
      place = after
    }
    return taken
  }

  /** All items, oldest first. */
  *[Symbol.iterator](): Generator<Item> {
    for (let place = this.#head; place !== undefined; place = place.after) yield place.item
  }
}
