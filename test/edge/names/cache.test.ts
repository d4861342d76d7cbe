import { describe, expect, it } from 'vitest'
import type { NameAnswer } from '../../../src/edge/names/answer.ts'
import { NameCache } from '../../../src/edge/names/cache.ts'
import { LineLimit } from '../../../src/edge/names/line-limit.ts'

function answer(...addresses: readonly string[]): NameAnswer {
  return {
    kind: 'addresses',
    addresses: addresses.map((address) => ({ address, family: 4 })),
    ttlMs: 60_000,
  }
}

function isKnown(cache: NameCache, name: string, tenantId = 'one'): boolean {
  return cache.consult(name, tenantId, 1).kind === 'use'
}

describe('the cache of names', () => {
  it('gives a name its addresses in turns', () => {
    const cache = new NameCache(9)
    cache.learn('a', 'one', answer('192.0.2.1', '192.0.2.2'), 0)
    const firsts = [1, 2, 3].map((now) => {
      const advice = cache.consult('a', 'one', now)
      return advice.kind === 'use' && advice.addresses[0]?.address
    })
    expect(firsts).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1'])
  })

  it('is bounded, and forgets what was used longest ago', () => {
    const cache = new NameCache(3)
    for (const name of ['a', 'b', 'c']) cache.learn(name, 'one', answer('192.0.2.1'), 0)
    cache.consult('a', 'one', 1)
    cache.learn('d', 'one', answer('192.0.2.1'), 1)
    expect(['a', 'b', 'c', 'd'].map((name) => isKnown(cache, name))).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(cache.size).toBe(3)
  })

  it('lets no tenant push out the names of others, however many it has', () => {
    const cache = new NameCache(100)
    for (let count = 0; count < 30; count += 1) {
      cache.learn(`quiet-${count}`, `tenant-${count % 3}`, answer('192.0.2.1'), 0)
    }
    for (let count = 0; count < 10_000; count += 1) {
      cache.learn(`many-${count}`, 'greedy', { kind: 'silent' }, 0)
    }
    const kept = Array.from({ length: 30 }, (_, count) =>
      isKnown(cache, `quiet-${count}`, `tenant-${count % 3}`),
    )
    expect(kept).not.toContain(false)
    expect(cache.size).toBe(100)
  })

  it('takes room for a new tenant from the one that has the most', () => {
    const cache = new NameCache(10)
    for (let count = 0; count < 100; count += 1) {
      cache.learn(`many-${count}`, 'greedy', answer('192.0.2.1'), 0)
    }
    for (let count = 0; count < 5; count += 1) {
      cache.learn(`few-${count}`, 'late', answer('192.0.2.1'), 0)
    }
    const kept = [0, 1, 2, 3, 4].map((count) => isKnown(cache, `few-${count}`, 'late'))
    expect(kept).not.toContain(false)
    expect(cache.size).toBe(10)
  })

  it('counts a name that several tenants use as one of the last', () => {
    const cache = new NameCache(4)
    cache.learn('shared', 'greedy', answer('192.0.2.1'), 0)
    cache.consult('shared', 'quiet', 1)
    for (let count = 0; count < 50; count += 1) {
      cache.learn(`many-${count}`, 'greedy', answer('192.0.2.1'), 1)
    }
    expect(isKnown(cache, 'shared', 'quiet')).toBe(true)
  })

  it('tells once that a name is used beyond its time, and once that this is over', () => {
    const cache = new NameCache(9)
    expect(cache.markStale('a', 0)).toBe(false)
    cache.learn('a', 'one', answer('192.0.2.1'), 0)
    expect(cache.learn('a', 'one', { kind: 'silent' }, 59_000)).toBeUndefined()
    expect([cache.markStale('a', 61_000), cache.markStale('a', 62_000)]).toEqual([true, false])
    expect(cache.learn('a', 'one', { kind: 'silent' }, 65_000)).toBeUndefined()
    expect(cache.learn('a', 'one', answer('192.0.2.1'), 70_000)).toBe(61_000)
    expect(cache.learn('a', 'one', answer('192.0.2.1'), 71_000)).toBeUndefined()
    expect(cache.markStale('a', 200_000)).toBe(true)
  })

  it('asks anew for what former name servers did not answer', () => {
    const cache = new NameCache(9)
    cache.learn('a', 'one', { kind: 'silent' }, 0)
    cache.learn('b', 'one', { kind: 'no-name' }, 0)
    expect(cache.consult('a', 'one', 10).kind).toBe('fail')
    cache.serversChanged(20)
    expect(cache.consult('a', 'one', 20).kind).toBe('ask')
    expect(cache.consult('b', 'one', 20).kind).toBe('fail')
  })
})

describe('what can be said very often', () => {
  it('is said so many times in a period, and then counted with the next', () => {
    const limit = new LineLimit(2, 60_000)
    const said = [0, 1, 2, 3, 59_999, 60_000, 60_001, 60_002].map((now) => limit.admit(now))
    expect(said).toEqual([0, 0, undefined, undefined, undefined, 3, 0, undefined])
    expect(limit.admit(200_000)).toBe(1)
  })
})
