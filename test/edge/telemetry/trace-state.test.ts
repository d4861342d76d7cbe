import { expect, it } from 'vitest'
import { Entries } from '../../../src/edge/telemetry/trace-state.ts'

it('what tracing systems add is read and written in its order', () => {
  const state = Entries.parse('rojo=00f067aa, congo=t61,,')
  expect(state.serialize()).toBe('rojo=00f067aa,congo=t61')
  expect([state.get('congo'), state.get('absent')]).toEqual(['t61', undefined])
})

it('a list with an entry that is not valid counts as empty', () => {
  expect(Entries.parse('rojo=1,broken').serialize()).toBe('')
})

it('an entry that is set stands first, and one that is unset is gone', () => {
  const state = Entries.parse('a=1,b=2')
  expect(state.set('b', '3').serialize()).toBe('b=3,a=1')
  expect(state.unset('a').serialize()).toBe('b=2')
  expect(state.unset('a').unset('b').serialize()).toBe('')
  expect(state.serialize()).toBe('a=1,b=2')
})

it.each([
  ['A', '1'],
  ['', '1'],
  ['a', ''],
  ['a', '1,b=2'],
  ['a', '1\r\nx-evil: 1'],
  ['a=b', '1'],
  ['k'.repeat(257), '1'],
  ['a', 'x'.repeat(257)],
])('an entry that is not valid changes nothing: %j %j', (key, value) => {
  expect(Entries.parse('a=0').set(key, value).serialize()).toBe('a=0')
})

it('the oldest entries make room for what is set', () => {
  const full = Array.from({ length: 32 }, (_, at) => `k${at}=1`)
  const state = Entries.parse(full.join(','))
  expect(state.set('new', '1').serialize()).toBe(['new=1', ...full.slice(0, 31)].join(','))
  const long = `a=${'x'.repeat(126)},b=${'x'.repeat(126)},c=${'x'.repeat(126)},d=${'x'.repeat(100)}`
  expect(Entries.parse(long).set('e', 'x'.repeat(40)).serialize()).toBe(
    `e=${'x'.repeat(40)},${long.slice(0, 386)}`,
  )
})
