import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cutEnd,
  defaultCutLimits,
  recordBytes,
  type QueuedRecord,
} from '../../../src/edge/kafka/batch-cutting.ts'

const one = { name: 'partition 1' }
const two = { name: 'partition 2' }
const queued = (target: object, ...sizes: readonly number[]): readonly QueuedRecord[] =>
  sizes.map((bytes) => ({ target, bytes }))
const limits = { maxRecords: 5, maxBytesPerPartition: 100 }

describe('cutting a queue into sends', () => {
  it('takes all that fits', () => {
    expect(cutEnd([...queued(one, 50, 50), ...queued(two, 100)], 0, limits)).toBe(3)
  })

  it('stops before the record that overfills its partition', () => {
    expect(cutEnd(queued(one, 60, 40, 1), 0, limits)).toBe(2)
  })

  it('stops at the most records of a send', () => {
    expect(cutEnd(queued(one, 1, 1, 1, 1, 1, 1, 1), 1, limits)).toBe(6)
  })

  it('sends a record that is over the limit by itself alone', () => {
    const queue = queued(one, 10, 500, 10)
    expect([cutEnd(queue, 0, limits), cutEnd(queue, 1, limits), cutEnd(queue, 2, limits)]).toEqual([
      1, 2, 3,
    ])
  })

  it('stays within 512 KiB of a partition and 2,000 records by default', () => {
    expect(defaultCutLimits).toEqual({ maxRecords: 2000, maxBytesPerPartition: 524_288 })
  })

  it('covers any queue in order, each send within the limits or of one record', () => {
    const anyQueue = fc.array(
      fc.record({ target: fc.constantFrom(one, two), bytes: fc.integer({ min: 1, max: 150 }) }),
    )
    fc.assert(
      fc.property(anyQueue, (queue) => {
        for (let start = 0; start < queue.length;) {
          const end = cutEnd(queue, start, limits)
          const send = queue.slice(start, end)
          expect(send.length).toBeGreaterThan(0)
          expect(send.length).toBeLessThanOrEqual(limits.maxRecords)
          for (const [, records] of Map.groupBy(send, (record) => record.target)) {
            const bytes = records.reduce((sum, record) => sum + record.bytes, 0)
            expect(bytes <= limits.maxBytesPerPartition || send.length === 1).toBe(true)
          }
          start = end
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
