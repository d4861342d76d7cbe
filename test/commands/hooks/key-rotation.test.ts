import { describe, expect, it } from 'vitest'
import { withKeysOf, withNewKey } from '../../../src/commands/hooks/key-rotation.ts'

const now = 1_000
const hook = {
  id: 'a',
  name: 'n',
  signingKey: 'old',
  config: { url: 'https://x.example/' },
  extra: 1,
}

describe('a new signing key', () => {
  it('replaces the old one, which still signs for the overlap, and changes nothing else', () => {
    expect(withNewKey(hook, 'new', { now, overlapMs: 50 })).toEqual({
      ...hook,
      signingKey: 'new',
      delivery: { previousSigningKeys: [{ key: 'old', expiresAt: 1_050 }] },
    })
  })

  it('keeps older keys that have not expired behind the old one, and drops the others', () => {
    const previousSigningKeys = [
      { key: 'older', expiresAt: 1_001 },
      { key: 'oldest', expiresAt: 1_000 },
    ]
    const before = { ...hook, delivery: { concurrency: 3, previousSigningKeys } }
    expect(withNewKey(before, 'new', { now, overlapMs: 50 })['delivery']).toEqual({
      concurrency: 3,
      previousSigningKeys: [
        { key: 'old', expiresAt: 1_050 },
        { key: 'older', expiresAt: 1_001 },
      ],
    })
  })

  it('without overlap, or of a hook that was not signed, leaves no previous key', () => {
    expect(withNewKey(hook, 'new', { now, overlapMs: 0 })).toEqual({ ...hook, signingKey: 'new' })
    const unsigned = { ...hook, signingKey: '', delivery: { previousSigningKeys: null } }
    expect(withNewKey(unsigned, 'new', { now, overlapMs: 50 })).toEqual({
      ...hook,
      signingKey: 'new',
      delivery: {},
    })
  })
})

describe('a hook that is written again while its key is rotated', () => {
  const previousSigningKeys = [
    { key: 'older', expiresAt: 1_001 },
    { key: 'oldest', expiresAt: 1_000 },
  ]
  const known = { signingKey: 'old', delivery: { concurrency: 3, previousSigningKeys } }

  it.each([undefined, {}, { concurrency: 5 }])(
    'keeps the keys that have not expired when it names none: with delivery %o',
    (delivery) => {
      const given = delivery === undefined ? hook : { ...hook, delivery }
      expect(withKeysOf(given, known, now)).toEqual({
        ...hook,
        delivery: { ...delivery, previousSigningKeys: [{ key: 'older', expiresAt: 1_001 }] },
      })
    },
  )

  it.each([
    ['has another key', { ...hook, signingKey: 'new' }],
    ['names keys of its own', { ...hook, delivery: { previousSigningKeys: [] } }],
    ['has a delivery that is none', { ...hook, delivery: 7 }],
  ])('is unchanged when it %s', (_, given) => {
    expect(withKeysOf(given, known, now)).toBe(given)
  })

  it('is unchanged if all previous keys have expired', () => {
    expect(withKeysOf(hook, known, 2_000)).toBe(hook)
  })
})
