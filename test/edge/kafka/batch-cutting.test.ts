import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutCount, defaultCutLimits, recordBytes } from '../../../src/edge/kafka/batch-cutting.ts'

const limits = { maxRecords: 5, maxBytesPerPartition: 100 }
const cut = (...sizes: readonly number[]) => cutCount(sizes, (bytes) => bytes, limits)

describe('cutting what waits for a partition into batches', () => {
  it('takes all that fits', () => {
    expect(cut(50, 50)).toBe(2)
  })

  it('stops before the record that overfills the batch', () => {
    expect(cut(60, 40, 1)).toBe(2)
  })

  it('stops at the most records', () => {
    expect(cut(1, 1, 1, 1, 1, 1, 1)).toBe(5)
  })

  it('sends a record that is over the limit by itself alone', () => {
    expect([cut(10, 500, 10), cut(500, 10), cut(10)]).toEqual([1, 1, 1])
  })

  it('stays within 512 KiB of a partition and 500 records by default', () => {
    expect(defaultCutLimits).toEqual({ maxRecords: 500, maxBytesPerPartition: 524_288 })
  })

  it('covers any queue in order, each batch within the limits or of one record', () => {
    const anyQueue = fc.array(fc.integer({ min: 1, max: 150 }))
    fc.assert(
      fc.property(anyQueue, (queue) => {
        for (let start = 0; start < queue.length;) {
          const batch = queue.slice(start, start + cut(...queue.slice(start)))
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(limits.maxRecords)
          const bytes = batch.reduce((sum, size) => sum + size, 0)
          expect(bytes <= limits.maxBytesPerPartition || batch.length === 1).toBe(true)
          start += batch.length
        }
      }),
    )
  })
})

describe('the size of a record', () => {
  it('counts key, value and headers in bytes, not characters', () => {
    const bare = recordBytes({ topic: 't', key: null, value: null, headers: [] })
    const full = recordBytes({
      topic: 't',
      key: 'ключ',
      value: Buffer.alloc(100),
      headers: [['é', Buffer.alloc(7)]],
    })
    expect(bare).toBeGreaterThan(0)
    expect(full).toBeGreaterThanOrEqual(bare + 8 + 100 + 2 + 7)
  })
})
