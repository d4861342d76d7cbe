import { expect, it } from 'vitest'
import { Entries } from '../../../src/edge/telemetry/trace-state.ts'

it('what tracing systems add is read and written in its order, without what is no entry', () => {
  const state = Entries.parse('rojo=00f067aa, congo=t61=x,,broken, =1')
  expect(state.serialize()).toBe('rojo=00f067aa,congo=t61=x')
  expect([state.get('congo'), state.get('absent')]).toEqual(['t61=x', undefined])
})

it('an entry that is set stands first, and one that is unset is gone', () => {
  const state = Entries.parse('a=1,b=2')
  expect(state.set('b', '3').serialize()).toBe('b=3,a=1')
  expect(state.unset('a').serialize()).toBe('b=2')
  expect(state.serialize()).toBe('a=1,b=2')
})
