import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearestName, editDistance } from '../../src/settings/nearest.ts'

describe('the name that was probably meant', () => {
  const known = ['partitions', 'replication-factor', 'from', 'json', 'topic-prefix', 'topic-hooks']

  it.each([
    ['partions', 'partitions'],
    ['form', 'from'],
    ['jsno', 'json'],
    ['part', 'partitions'],
    ['topic-prefx', 'topic-prefix'],
  ])('of %s is %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant)
  })

  it.each(['x', 'colour', 'topic', 'from', ''])('is not guessed for %j', (name) => {
    expect(nearestName(name, known)).toBeUndefined()
  })
})

describe('slips between two words', () => {
  it.each([
    ['', 'abc', 3],
    ['form', 'from', 1],
    ['kitten', 'sitting', 3],
    ['HOOKTIDE_TOPIC_PREFX', 'HOOKTIDE_TOPIC_PREFIX', 1],
  ])('%j and %j: %s', (one, other, slips) => {
    expect(editDistance(one, other)).toBe(slips)
    expect(editDistance(other, one)).toBe(slips)
  })

  it('are one for any single slip', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2 }), fc.nat(), (word, seed) => {
        const index = seed % (word.length - 1)
        const missing = word.slice(0, index) + word.slice(index + 1)
        expect(editDistance(word, missing)).toBe(1)
        const [a = '', b = ''] = [word[index], word[index + 1]]
        const swapped = word.slice(0, index) + b + a + word.slice(index + 2)
        expect(editDistance(word, swapped)).toBe(a === b ? 0 : 1)
      }),
    )
  })
})
