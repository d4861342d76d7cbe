import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Merge } from '../../../src/core/collections/merge.ts'

const none: ReadonlySet<number> = new Set()

describe('a merge', () => {
  it('gives out nothing while a source of which more may come has nothing', () => {
    const merge = new Merge<string>()
    merge.add(0, 10, 'a')
    expect(merge.take(new Set([0, 1]))).toEqual([])
    merge.add(1, 20, 'b')
    expect(merge.take(new Set([0, 1]))).toEqual(['a'])
    expect(merge.has(0)).toBe(false)
    expect(merge.has(1)).toBe(true)
    expect(merge.take(new Set([1]))).toEqual(['b'])
  })

  it('keeps the order of a source whose times go back', () => {
    const merge = new Merge<string>()
    for (const [at, item] of [
      [10, 'a1'],
      [5, 'a2'],
      [30, 'a3'],
    ] as const) {
      merge.add(0, at, item)
    }
    merge.add(1, 7, 'b1')
    merge.add(1, 20, 'b2')
    expect(merge.take(none)).toEqual(['b1', 'a1', 'a2', 'b2', 'a3'])
  })

  it('gives out all of every source in the order of their times, whatever portions they come in', () => {
    const sources = fc.array(fc.array(fc.nat(50), { maxLength: 20 }), { maxLength: 5 })
    fc.assert(
      fc.property(sources, fc.integer({ min: 1, max: 4 }), (unsorted, portion) => {
        const waiting = unsorted.map((times) => times.toSorted((one, other) => one - other))
        const expected = waiting.flat().toSorted((one, other) => one - other)
        const merge = new Merge<number>()
        const taken: number[] = []
        const open = () => new Set(waiting.flatMap((left, id) => (left.length > 0 ? [id] : [])))
        while (open().size > 0) {
          for (const id of open()) {
            if (merge.has(id)) continue
            for (const at of waiting[id]?.splice(0, portion) ?? []) merge.add(id, at, at)
          }
          taken.push(...merge.take(open()))
        }
        taken.push(...merge.take(none))
        expect(taken).toEqual(expected)
      }),
    )
  })
})
