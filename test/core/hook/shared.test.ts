import { expect, it } from 'vitest'
import { Shared } from '../../../src/core/hook/shared.ts'

it('keeps one of the values that are alike, and no more of them than it may', () => {
  const shared = new Shared<readonly string[]>(2)
  const first = ['PostSignIn']
  expect(shared.of('PostSignIn', first)).toBe(first)
  expect(shared.of('PostSignIn', ['PostSignIn'])).toBe(first)
  shared.of('two', ['two'])
  shared.of('three', ['three'])
  const again = ['PostSignIn']
  expect(shared.of('PostSignIn', again)).toBe(again)
})
