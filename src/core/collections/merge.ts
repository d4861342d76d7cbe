/** Merges sources, each of which is in order, into one order. */
import { Fifo } from './fifo.ts'
import { Heap, type HeapItem } from './heap.ts'

interface Source<Item> extends HeapItem {
  readonly id: number
  readonly items: Fifo<{ readonly at: number; readonly item: Item }>
  /** Of what was added last: what stands lower behind it counts as this, so that a source keeps its own order. */
  lastAt: number
}

/**
 * Holds what was added of each source until no other source can have anything before it. Whoever adds to a source only
 * while {@link Merge.has} is false of it bounds what is held to one portion of each.
 */
export class Merge<Item> {
  readonly #sources = new Map<number, Source<Item>>()
  readonly #heads = new Heap<Source<Item>>((one, other) =>
    headOf(one) === headOf(other) ? one.id < other.id : headOf(one) < headOf(other),
  )

  /** Whether something of the source is held. */
  has(id: number): boolean {
    return (this.#sources.get(id)?.items.size ?? 0) > 0
  }

  add(id: number, at: number, item: Item): void {
    const source = this.#sources.get(id) ?? this.#opened(id)
    source.lastAt = Math.max(source.lastAt, at)
    source.items.push({ at: source.lastAt, item })
    if (source.heapIndex < 0) this.#heads.push(source)
  }

  /**
   * Takes out what is certain to come next.
   *
   * @param open the sources of which more may be added; of all others what is held is all
   */
  take(open: ReadonlySet<number>): Item[] {
    const taken: Item[] = []
    for (const id of open) if (!this.has(id)) return taken
    for (;;) {
      const source = this.#heads.peek()
      const head = source?.items.shift()
      if (source === undefined || head === undefined) return taken
      taken.push(head.item)
      if (source.items.size > 0) this.#heads.update(source)
      else {
        this.#heads.remove(source)
        if (open.has(source.id)) return taken
      }
    }
  }

  #opened(id: number): Source<Item> {
    const source = { id, items: new Fifo<{ at: number; item: Item }>(), lastAt: 0, heapIndex: -1 }
    this.#sources.set(id, source)
    return source
  }
}

function headOf<Item>({ items }: Source<Item>): number {
  return items.peek()?.at ?? Number.POSITIVE_INFINITY
}
