import { describe, expect, it } from 'vitest'
import { bodyFor } from '../../../src/core/event/event.ts'
import { allocateHeld, heldText } from '../../../src/core/event/held-bytes.ts'
import { limits } from '../../../src/limits.ts'

const kibi = 1024

/** What is in memory while these are held: a view keeps all of the memory that it is a part of. */
function keptBytes(held: readonly Buffer[]): number {
  return [...new Set(held.map(({ buffer }) => buffer))].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  )
}

/** Every hundredth of many. */
function fewOf(make: () => Buffer): readonly Buffer[] {
  return Array.from({ length: 3_000 }, make).filter((_, index) => index % 100 === 0)
}

describe('bytes that are held among others that are not', () => {
  it.each([0, 1, 100, kibi, 2 * kibi, 3 * kibi, 40 * kibi])(
    'keep at most four KiB in memory, or their own size: %d',
    (bytes) => {
      const few = fewOf(() => allocateHeld(bytes))
      expect(few.every(({ length }) => length === bytes)).toBe(true)
      expect(keptBytes(few)).toBeLessThanOrEqual(few.length * Math.max(4 * kibi, bytes))
    },
  )

  it('keep less than admitted events may take, if as many wait as may', () => {
    expect(limits.deliveries * 4 * kibi).toBeLessThan(limits.totalBytes)
  })

  it('do not share what they are written to', () => {
    const all = Array.from({ length: 300 }, (_, n) => allocateHeld(n * 10).fill(n % 256))
    expect(all.every((held, n) => held.every((byte) => byte === n % 256))).toBe(true)
  })

  it('are UTF-8 where they are of a text', () => {
    const text = '{"name":"Żaneta"}'
    expect(heldText(text)).toEqual(Buffer.from(text))
    expect(keptBytes(fewOf(() => heldText(text)))).toBeLessThanOrEqual(30 * 4 * kibi)
  })

  it('are those of the bodies of calls, which may take long', () => {
    const event = { body: Buffer.from(`{"event":"PostSignIn","filler":"${'x'.repeat(kibi)}"}`) }
    const few = fewOf(() => bodyFor(event, 'hook'))
    expect(keptBytes(few)).toBeLessThanOrEqual(few.length * 4 * kibi)
  })
})
