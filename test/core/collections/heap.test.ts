import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap, type HeapItem } from '../../../src/core/collections/heap.ts'

interface Item extends HeapItem {
  readonly name: number
  order: number
}

const step = fc.record({
  action: fc.constantFrom('push', 'push', 'push', 'pop', 'remove', 'change'),
  order: fc.nat({ max: 9 }),
  pick: fc.nat(),
})

const createHeap = () => new Heap<Item>((one, other) => one.order < other.order)

describe('a heap', () => {
  it('has the same top as a sorted list, whatever is pushed, removed or changed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = createHeap()
        const plain: Item[] = []
        for (const [name, { action, order, pick }] of steps.entries()) {
          const picked = action === 'pop' ? heap.peek() : plain[pick % Math.max(1, plain.length)]
          if (action === 'push') {
            const item = { name, order, heapIndex: -1 }
            heap.push(item)
            plain.push(item)
          } else if (picked !== undefined && action === 'change') {
            picked.order = order
            heap.update(picked)
          } else if (picked !== undefined) {
            heap.remove(picked)
            plain.splice(plain.indexOf(picked), 1)
            expect(picked.heapIndex).toBe(-1)
          }
          expect(heap.size).toBe(plain.length)
          expect(heap.peek()?.order).toBe(
            plain.map((item) => item.order).toSorted((a, b) => a - b)[0],
          )
        }
        const orders = [...drained(heap)].map((item) => item.order)
        expect(orders).toEqual(plain.map((item) => item.order).toSorted((a, b) => a - b))
      }),
    )
  })

  it('ignores items that it does not have', () => {
    const heap = createHeap()
    const outside = { name: 1, order: 0, heapIndex: -1 }
    const inside = { name: 2, order: 5, heapIndex: -1 }
    heap.push(inside)
    heap.remove(outside)
    heap.update(outside)
    expect([heap.size, heap.peek()]).toEqual([1, inside])
  })

  it('ignores items that another heap has', () => {
    const [heap, other] = [createHeap(), createHeap()]
    const [inside, foreign] = [heap, other].map((one) =>
      [1, 2, 3, 4].map((order) => {
        const item = { name: order, order, heapIndex: -1 }
        one.push(item)
        return item
      }),
    )
    for (const item of foreign ?? []) {
      item.order = 5 - item.order
      heap.update(item)
      heap.remove(item)
      other.update(item)
    }
    expect([...drained(heap)]).toEqual(inside)
    expect([...drained(other)]).toEqual(foreign?.toReversed())
  })
})

function* drained(heap: Heap<Item>): Generator<Item> {
  for (let top = heap.peek(); top !== undefined; top = heap.peek()) {
    heap.remove(top)
    yield top
  }
}
