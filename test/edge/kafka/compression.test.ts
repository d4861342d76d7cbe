import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compress, decompress } from '../../../src/edge/kafka/compression.ts'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const mebibyte = 1024 * 1024

describe.each(codecs)('%s', (codec) => {
  it('gives back what it was given, whatever its size', async () => {
    const plain = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 200_000 }).map((size) => Buffer.alloc(size, 'auth event ')),
      fc.integer({ min: 0, max: 100_000 }).map((size) => randomBytes(size)),
    )
    const property = fc.asyncProperty(plain, async (bytes) => {
      const given = Buffer.from(bytes)
      const back = await decompress(codec, await compress(codec, given), given.length + 65_536)
      expect(back.equals(given)).toBe(true)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('refuses what would unfold beyond the bound', async () => {
    const bomb = await compress(codec, Buffer.alloc(16 * mebibyte))
    expect(bomb.length).toBeLessThan(mebibyte)
    await expect(decompress(codec, bomb, mebibyte)).rejects.toThrow()
  })

  it('refuses broken bytes, or gives back no more than the bound', async () => {
    const whole = await compress(codec, Buffer.alloc(5_000, 'abcdefg'))
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.integer({ min: 0, max: 255 }) })
    const property = fc.asyncProperty(
      fc.array(change),
      fc.nat(whole.length),
      async (changes, end) => {
        const broken = Buffer.from(whole.subarray(0, end))
        for (const { at, to } of changes) if (at < end) broken[at] = to
        const length = await decompress(codec, broken, 10_000).then(
          (plain) => plain.length,
          () => 0,
        )
        expect(length).toBeLessThanOrEqual(10_000)
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })
})

describe('snappy', () => {
  it('is also read as one bare block, as clients that are not Java write it', async () => {
    const stream = await compress('snappy', Buffer.from('an event'))
    const block = stream.subarray(16 + 4)
    expect(String(await decompress('snappy', block, 100))).toBe('an event')
  })
})
