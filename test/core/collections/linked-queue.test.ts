import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinkedQueue, type Place } from '../../../src/core/collections/linked-queue.ts'

const step = fc.record({
  action: fc.constantFrom('push', 'push', 'push', 'push', 'shift', 'remove', 'take', 'take-newest'),
  pick: fc.nat(),
})

describe('a linked queue', () => {
  it('has the items of a list in its order, whatever is removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new LinkedQueue<number>()
        const places = new Map<number, Place<number>>()
        let plain: number[] = []
        for (const [item, { action, pick }] of steps.entries()) {
          const picked = pick % Math.max(1, item)
          switch (action) {
            case 'push':
              places.set(item, queue.push(item))
              plain.push(item)
              break
            case 'shift':
              expect(queue.shift()).toBe(plain.shift())
              break
            case 'remove': {
              const place = places.get(picked)
              const isQueued = plain.includes(picked)
              if (place !== undefined) expect(queue.remove(place)).toBe(isQueued)
              plain = plain.filter((one) => one !== picked)
              break
            }
            case 'take': {
              const isTaken = (one: number) => one % 3 === pick % 3
              expect(queue.take(isTaken)).toEqual(plain.filter(isTaken))
              plain = plain.filter((one) => !isTaken(one))
              break
            }
            case 'take-newest': {
              const isTaken = (one: number) => one % 3 === pick % 3
              const newest = plain
                .filter(isTaken)
                .toReversed()
                .slice(0, pick % 4)
              expect(queue.takeNewest(pick % 4, isTaken)).toEqual(newest)
              plain = plain.filter((one) => !newest.includes(one))
            }
          }
          expect([...queue]).toEqual(plain)
          expect(queue.size).toBe(plain.length)
        }
      }),
    )
  })
})
