import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deliveryIdOf, isHookId, isTenantId } from '../../../src/core/model/identity.ts'

describe('a delivery id', () => {
  it('never changes: receivers have stored it as their idempotency key', () => {
    expect(deliveryIdOf('default', '', 'evt-1', 'w2f8p6u0c9ydj3ms7ealr')).toBe(
      'dlv_fZhx4dAEl8q9qricwYVfG3',
    )
    expect(deliveryIdOf('t"1', '/logto', 'é', 'h')).toBe('dlv_CGom9fZd84Awrwwp_i6Sho')
  })

  it('differs when any of its four parts differs, also when their concatenation is equal', () => {
    const parts = fc.tuple(fc.string(), fc.string(), fc.string(), fc.string())
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(deliveryIdOf(...one) === deliveryIdOf(...other)).toBe(isSame)
      }),
    )
    const shifted = [deliveryIdOf('a', 'b', '', 'c'), deliveryIdOf('a', '', 'b', 'c')]
    expect(new Set([...shifted, deliveryIdOf('ab', '', '', 'c')]).size).toBe(3)
  })
})

describe('the form of an id', () => {
  it.each(['w2f8p6u0c9ydj3ms7ealr', 'x', 'a/b:c', 'é', '😀'.repeat(128)])('allows %j', (id) => {
    expect([isHookId(id), isTenantId(id)]).toEqual([true, true])
  })

  it.each([
    '',
    ' ',
    'a b',
    'a\n',
    '\u{0}',
    '\u{feff}',
    '\u{d800}',
    'x'.repeat(129),
    null,
    7,
    ['a'],
  ])('refuses %j', (id) => expect([isHookId(id), isTenantId(id)]).toEqual([false, false]))

  it.each(['{"id":"x"}', '{', '"x"'])('of a hook is not how JSON begins: %s', (id) => {
    expect([isHookId(id), isTenantId(id)]).toEqual([false, true])
  })
})
