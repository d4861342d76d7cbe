import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLong, type CallLength } from '../../../src/core/lane/call-length.ts'
import { Holdings, mayHoldMore, type Asking } from '../../../src/core/lane/share.ts'

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)

/** Tenants with `hooks` hooks each take one more in turn while they may. Returns what each hook then holds. */
function settleAt(capacity: number, tenants: readonly number[]): readonly (readonly number[])[] {
  const held = tenants.map((hooks) => Array.from({ length: hooks }, () => 0))
  for (let hasTaken = true; hasTaken;) {
    hasTaken = false
    for (const hooks of held) {
      const least = Math.min(...hooks)
      if (!mayHoldMore(least, sum(hooks), capacity - sum(held.map(sum)))) continue
      hooks[hooks.indexOf(least)] = least + 1
      hasTaken = true
    }
  }
  return held
}

const totals = (held: readonly (readonly number[])[]) => held.map(sum)

describe('the share of 750 offsets', () => {
  it('is half for a hook that is alone', () => {
    expect(settleAt(750, [1])).toEqual([[375]])
  })

  it.each([
    [1, 375],
    [2, 428],
    [10, 484],
    [60, 500],
    [499, 500],
  ])('of a tenant of %i hooks is up to two thirds: %i', (hooks, most) => {
    const [tenant = 0] = totals(settleAt(750, [hooks]))
    expect(Math.abs(tenant - most)).toBeLessThanOrEqual(2)
    expect(tenant).toBeLessThanOrEqual(500)
  })

  it.each([
    [2, 250],
    [3, 188],
    [8, 84],
    [64, 12],
  ])('of %i tenants of a hook each is %i each', (tenants, each) => {
    const held = totals(
      settleAt(
        750,
        Array.from({ length: tenants }, () => 1),
      ),
    )
    for (const tenant of held) expect(Math.abs(tenant - each)).toBeLessThanOrEqual(1)
  })

  it.each([1, 2, 8, 64])('is left for a newcomer beside %i tenants of 60 hooks each', (tenants) => {
    const held = totals(
      settleAt(
        750,
        Array.from({ length: tenants }, () => 60),
      ),
    )
    const free = 750 - sum(held)
    expect(Math.abs(free - 750 / (1 + 2 * tenants))).toBeLessThan(3)
    expect(mayHoldMore(0, 0, free)).toBe(true)
  })

  it('is left for another hook of the same tenant, once sixty of it have settled', () => {
    const [hooks = []] = settleAt(750, [60])
    const tenant = sum(hooks)
    expect(Math.max(...hooks) - Math.min(...hooks)).toBeLessThanOrEqual(1)
    expect(mayHoldMore(0, tenant, 750 - tenant)).toBe(true)
  })

  it('that may be used in part leaves the rest to what may use all of it', () => {
    let held = 0
    while (mayHoldMore(held, held, 20_000 - held, 0.75)) held += 1
    expect(Math.abs(held - (6 / 13) * 20_000)).toBeLessThan(2)
    let more = 0
    for (; mayHoldMore(held, held, 20_000 - held); more += 1) held += 1
    expect(more).toBeGreaterThan(700)
  })

  it('is nothing when nothing is free', () => {
    expect(mayHoldMore(0, 0, 0)).toBe(false)
  })

  it('leaves some to a newcomer, whatever the others hold', () => {
    const tenants = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 400 }), tenants, (capacity, hooks) => {
        const held = totals(settleAt(capacity, hooks))
        const free = capacity - sum(held)
        for (const tenant of held) expect(tenant).toBeLessThanOrEqual(2 * (free + 1))
        expect(mayHoldMore(0, 0, free)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('holdings', () => {
  const capacity = { count: 750, bytes: 8_000 }
  const short = (tenantId: string | undefined) => ({ tenantId, isLong: false })
  const asking = (hookId: string, tenantId: string, length: CallLength = 'short'): Asking => ({
    hookId,
    tenantId,
    length,
  })

  function take(held: Holdings, { hookId, tenantId, length }: Asking, bytes = 1): void {
    held.hold({ tenantId, isLong: isLong(length) }, 1, bytes)
    held.holdFor(hookId, 1, bytes)
  }

  /** Takes one after another while all is free, and returns how many. */
  function takeAll(held: Holdings, askingOf: (n: number) => Asking, bytes = 1): number {
    let count = 0
    for (; held.shareOf(askingOf(count)) === 'free'; count += 1) take(held, askingOf(count), bytes)
    return count
  }

  it('give a hook that is alone half of the bytes, in records of any size', () => {
    const held = new Holdings(capacity)
    expect(takeAll(held, () => asking('a', 't'), 1_000)).toBe(4)
    expect(held.shareOf(asking('b', 't'))).toBe('free')
    expect(held.shareOf(asking('c', 'u'))).toBe('free')
  })

  it('are bounded by number where the bytes are small', () => {
    const held = new Holdings(capacity)
    expect(takeAll(held, () => asking('a', 't'))).toBe(375)
  })

  it('leave a hook that answers soon a place beside a crowd of its tenant whose calls take long', () => {
    const held = new Holdings({ count: 750, bytes: 1e9 })
    expect(takeAll(held, (n) => asking(`crowd-${n}`, 't', 'long'))).toBe(375)
    expect(takeAll(held, () => asking('soon', 't'))).toBe(94)
  })

  it('leave a hook that has made no call a place for its first one, also beside a crowd of such hooks that has more', () => {
    const held = new Holdings({ count: 750, bytes: 1e9 })
    takeAll(held, (n) => asking(`crowd-${n}`, 't', 'long'))
    take(held, asking('second-call', 't', 'unknown'))
    expect(held.shareOf(asking('second-call', 't', 'unknown'))).toBe('none')
    expect(takeAll(held, (n) => asking(`new-${n}`, 't', 'unknown'))).toBe(53)
    expect(held.shareOf(asking('soon', 't', 'short'))).toBe('free')
  })

  it('keep a part from hooks of many tenants whose calls may hang, and less from those that answered before', () => {
    const room = (length: CallLength) => {
      const held = new Holdings({ count: 750, bytes: 1e9 })
      const count = takeAll(held, (n) => asking(`hook-${n}`, `t-${n}`, length))
      return { count, next: held.shareOf(asking('next', 'next', length)) }
    }
    expect(room('long')).toEqual({ count: 600, next: 'none' })
    expect(room('unknown')).toEqual({ count: 638, next: 'none' })
    expect(room('stale')).toEqual({ count: 675, next: 'kept' })
    expect(room('short')).toEqual({ count: 750, next: 'none' })
  })

  it('count a record for many hooks once for the tenant, and for each of its hooks', () => {
    const held = new Holdings({ count: 9, bytes: 8_000 })
    held.hold(short('t'), 1, 100)
    for (const hook of ['a', 'b', 'c']) held.holdFor(hook, 1, 100)
    expect(held.total).toEqual({ count: 1, bytes: 100 })
    expect(Object.fromEntries(held.byHook())).toEqual({
      a: { count: 1, bytes: 100 },
      b: { count: 1, bytes: 100 },
      c: { count: 1, bytes: 100 },
    })
  })

  it('take nothing from anybody for what only waits to be written', () => {
    const held = new Holdings({ count: 750, bytes: 1e9 })
    const count = takeAll(held, (n) => asking(`crowd-${n}`, 't', 'unknown'))
    held.hold(short(undefined), 749 - count, 1)
    expect(held.total.count).toBe(749)
    expect(held.shareOf(asking('soon', 't'))).toBe('free')
    expect(held.shareOf(asking('other', 'u', 'long'))).toBe('free')
    held.release(short(undefined), 749 - count, 1)
    expect(held.total.count).toBe(count)
  })

  it('agree with a list of everything that is held, and forget who holds nothing', () => {
    const step = fc.record({
      hook: fc.constantFrom('a', 'b', 'c'),
      tenant: fc.constantFrom('t', 'u', undefined),
      bytes: fc.nat({ max: 2_000 }),
      isLong: fc.boolean(),
      isRelease: fc.boolean(),
      pick: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const held = new Holdings(capacity)
        const plain: {
          hook: string
          tenant: string | undefined
          bytes: number
          isLong: boolean
        }[] = []
        const holderOf = ({ tenant, isLong }: (typeof plain)[number]) => ({
          tenantId: tenant,
          isLong,
        })
        const free = (one: (typeof plain)[number]) => {
          held.release(holderOf(one), 1, one.bytes)
          held.releaseFor(one.hook, 1, one.bytes)
        }
        for (const { isRelease, pick, ...one } of steps) {
          if (isRelease) plain.splice(pick % Math.max(1, plain.length), 1).forEach(free)
          else {
            plain.push(one)
            held.hold(holderOf(one), 1, one.bytes)
            held.holdFor(one.hook, 1, one.bytes)
          }
          const bytesOf = (some: typeof plain) => some.reduce((sum, { bytes }) => sum + bytes, 0)
          const ofTenant = plain.filter(({ tenant }) => tenant === 't')
          const ofHook = plain.filter(({ hook }) => hook === 'a')
          expect(held.total).toEqual({ count: plain.length, bytes: bytesOf(plain) })
          const long = ofTenant.filter((one) => one.isLong)
          const shared = plain.filter(({ tenant }) => tenant !== undefined)
          const weights = { short: 0, unknown: ofHook.length === 0 ? 0.5 : 1, long: 1 }
          for (const length of ['short', 'unknown', 'long'] as const) {
            const counted = ofTenant.length + long.length * weights[length]
            const bytes = bytesOf(ofTenant) + bytesOf(long) * weights[length]
            expect(held.shareOf(asking('a', 't', length)) !== 'none').toBe(
              mayHoldMore(ofHook.length, counted, 750 - shared.length) &&
                mayHoldMore(bytesOf(ofHook), bytes, 8_000 - bytesOf(shared)),
            )
          }
          expect(new Map(held.byHook()).size).toBe(new Set(plain.map(({ hook }) => hook)).size)
        }
        plain.splice(0).forEach(free)
        expect(held.total).toEqual({ count: 0, bytes: 0 })
        expect([...held.byHook()]).toEqual([])
      }),
    )
  })
})
