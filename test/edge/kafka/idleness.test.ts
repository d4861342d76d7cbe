import { describe, expect, it } from 'vitest'
import { type Found, Idleness } from '../../../src/edge/kafka/idleness.ts'

/** How many rounds are made until reading is over; `undefined`: it goes on after all of them. */
function roundsOf(founds: readonly Found[]): number | undefined {
  const idleness = new Idleness()
  const index = founds.findIndex((found) => idleness.isOver(found))
  return index < 0 ? undefined : index + 1
}

const times = (count: number, found: Found) => Array.from({ length: count }, () => found)

describe('reading up to the end of a topic', () => {
  it('is over soon when the leaders have all of it, and nothing of it is left', () => {
    expect(roundsOf(times(5, 'nothing'))).toBe(2)
  })

  it('waits for a new leader that does not know yet how far the others are', () => {
    const founds = [
      ...times(10, 'less-than-there-was'),
      'something',
      ...times(2, 'nothing'),
    ] as const
    expect(roundsOf(founds)).toBe(13)
  })

  it('does not wait for ever for what was lost', () => {
    expect(roundsOf(times(100, 'less-than-there-was'))).toBe(40)
  })

  it('is not over while records come, or while fetches fail', () => {
    const founds = ['nothing', 'something', 'nothing', 'unknown', 'nothing'] as const
    expect(roundsOf(founds)).toBeUndefined()
  })
})
