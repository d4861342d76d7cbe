import { describe, expect, it } from 'vitest'
import { Shared } from '../../../src/core/hook/shared.ts'

describe('values that many hooks have', () => {
  it('are kept once, and no more of them than may be', () => {
    const shared = new Shared<readonly string[]>({ values: 2, keyLength: 100 })
    const first = ['PostSignIn']
    expect(shared.of('PostSignIn', first)).toBe(first)
    expect(shared.of('PostSignIn', ['PostSignIn'])).toBe(first)
    shared.of('two', ['two'])
    shared.of('three', ['three'])
    const again = ['PostSignIn']
    expect(shared.of('PostSignIn', again)).toBe(again)
  })

  it('are not kept if they are long, since they would stay when their hooks are gone', () => {
    const shared = new Shared<readonly string[]>({ values: 2, keyLength: 9 })
    shared.of('PostSignIn', ['PostSignIn'])
    const other = ['PostSignIn']
    expect(shared.of('PostSignIn', other)).toBe(other)
  })
})
