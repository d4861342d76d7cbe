import { describe, expect, it } from 'vitest'
import { choosePartition, murmur2 } from '../../../src/edge/kafka/partition-choice.ts'

describe('the partition of a record', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  it('is one that exists, and the same for the same key', () => {
    for (let index = 0; index < 500; index += 1) {
      const key = Buffer.from(`key-${index}`)
      const partition = choosePartition(key, 7, index)
      expect(partition).toBeGreaterThanOrEqual(0)
      expect(partition).toBeLessThan(7)
      expect(choosePartition(key, 7, index + 1)).toBe(partition)
    }
  })

  it('takes turns without a key', () => {
    expect([0, 1, 2, 3].map((turn) => choosePartition(null, 3, turn))).toEqual([0, 1, 2, 0])
  })
})
