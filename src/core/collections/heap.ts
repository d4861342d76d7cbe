/**
 * A binary heap in which each item knows its index. So an item can be moved or removed in logarithmic time, without a
 * search.
 */
export interface HeapItem {
  /** The item's index in its heap; -1 outside of a heap. Only the heap writes it. */
  heapIndex: number
}

export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = []
  readonly #isBefore: (one: Item, other: Item) => boolean

  constructor(isBefore: (one: Item, other: Item) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  peek(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    item.heapIndex = this.#items.length
    this.#items.push(item)
    this.#up(item)
  }

  /** Does nothing if this heap does not have the item, because no heap or another one does. */
  remove(item: Item): void {
    const { heapIndex } = item
    if (!this.#has(item)) return
    const last = this.#items.pop()
    item.heapIndex = -1
    if (last === undefined || last === item) return
    this.#items[heapIndex] = last
    last.heapIndex = heapIndex
    this.update(last)
  }

  /** Moves an item whose order may have changed. Does nothing if this heap does not have it. */
  update(item: Item): void {
    if (!this.#has(item)) return
    this.#up(item)
    this.#down(item)
  }

  /** The index may be one of another heap. To move the item by it would put it in both, and lose one of this heap's. */
  #has(item: Item): boolean {
    return item.heapIndex >= 0 && this.#items[item.heapIndex] === item
  }

  #up(item: Item): void {
    while (item.heapIndex > 0) {
      const parent = this.#items[(item.heapIndex - 1) >> 1]
      if (parent === undefined || !this.#isBefore(item, parent)) return
      this.#swap(item, parent)
    }
  }

  #down(item: Item): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1]
      const right = this.#items[2 * item.heapIndex + 2]
      const child =
        right !== undefined && left !== undefined && this.#isBefore(right, left) ? right : left
      if (child === undefined || !this.#isBefore(child, item)) return
      this.#swap(child, item)
    }
  }

  #swap(one: Item, other: Item): void {
    const index = one.heapIndex
    one.heapIndex = other.heapIndex
    other.heapIndex = index
    this.#items[one.heapIndex] = one
    this.#items[other.heapIndex] = other
  }
}
