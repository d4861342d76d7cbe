import { describe, expect, it } from 'vitest'
import type { Token } from '../../../src/core/oauth/token-request.ts'
import { TokenSource } from '../../../src/edge/oauth/token-source.ts'

/** A source, a hand-moved clock, and the fetches that wait for their end. */
function rig() {
  let now = 0
  const fetches: PromiseWithResolvers<Token>[] = []
  const source = new TokenSource({
    now: () => now,
    failureMs: 10,
    leastLeftMs: 5,
    fetch() {
      const fetch = Promise.withResolvers<Token>()
      fetches.push(fetch)
      return fetch.promise
    },
  })
  const token = (value: string): Token => ({
    value,
    askedAt: now,
    renewAt: now + 80,
    expiresAt: now + 100,
  })
  return {
    source,
    fetches,
    moveTo: (ms: number) => void (now = ms),
    give: (value: string) => fetches.at(-1)?.resolve(token(value)),
    fail: (message: string) => fetches.at(-1)?.reject(new Error(message)),
    async first(value: string) {
      const current = source.current()
      this.give(value)
      return await current
    },
  }
}

describe('a source of tokens', () => {
  it('fetches once for all who come meanwhile', async () => {
    const { source, fetches, give } = rig()
    const both = [source.current(), source.current()]
    give('a')
    expect(await Promise.all(both)).toMatchObject([{ value: 'a' }, { value: 'a' }])
    expect(await source.current()).toMatchObject({ value: 'a' })
    expect(fetches).toHaveLength(1)
  })

  it('fetches the next one before the end of the former one', async () => {
    const all = rig()
    await all.first('a')
    all.moveTo(79)
    await all.source.current()
    expect(all.fetches).toHaveLength(1)
    all.moveTo(80)
    const next = all.source.current()
    all.give('b')
    expect(await next).toMatchObject({ value: 'b' })
  })

  it('hands out the former one until shortly before its end, when no next one can be had', async () => {
    const all = rig()
    await all.first('a')
    all.moveTo(85)
    const renewal = all.source.current()
    all.fail('away')
    expect(await renewal).toMatchObject({ value: 'a' })
    expect(await all.source.current()).toMatchObject({ value: 'a' })
    expect(all.fetches).toHaveLength(2)
    all.moveTo(94)
    expect(await all.source.current()).toMatchObject({ value: 'a' })
    all.moveTo(95)
    const late = all.source.current()
    all.fail('still away')
    await expect(late).rejects.toThrow('still away')
  })

  it('lets a failure count for all for a moment', async () => {
    const { source, fetches, fail, give, moveTo } = rig()
    const both = [source.current(), source.current()]
    fail('away')
    for (const one of both) await expect(one).rejects.toThrow('away')
    moveTo(9)
    await expect(source.current()).rejects.toThrow('away')
    expect(fetches).toHaveLength(1)
    moveTo(10)
    const next = source.current()
    give('a')
    expect(await next).toMatchObject({ value: 'a' })
  })

  it('does not hand out again what was refused, and keeps what came after it', async () => {
    const all = rig()
    const first = await all.first('a')
    all.source.drop(first)
    const second = await all.first('b')
    expect(second).toMatchObject({ value: 'b' })
    all.source.drop(first)
    expect(await all.source.current()).toBe(second)
    expect(all.fetches).toHaveLength(2)
  })

  it('keeps what came after a refused one, even if it is the same token again', async () => {
    const all = rig()
    const first = await all.first('a')
    all.source.drop(first)
    const second = await all.first('a')
    all.source.drop(first)
    expect(await all.source.current()).toBe(second)
    expect(all.fetches).toHaveLength(2)
  })
})
