import { describe, expect, it } from 'vitest'
import { DeferralBudget } from '../../../src/core/lane/deferral-budget.ts'

/** Takes one at a time as often as allowed within `ms` milliseconds, trying every five. */
function takenWithin(budget: DeferralBudget, ms: number, spentMs: number, size = 1): number {
  let taken = 0
  for (let now = 0; now <= ms; now += 5) {
    while (budget.hasLeft(now, false)) {
      budget.take(size, spentMs, now)
      taken += size
    }
  }
  return taken
}

describe('the budget of deferrals', () => {
  it('lets through 5,000 deliveries a second, whatever is asked', () => {
    const taken = takenWithin(new DeferralBudget(), 10_000, 0)
    expect(taken).toBeGreaterThan(49_000)
    expect(taken).toBeLessThanOrEqual(50_200)
  })

  it('lets a burst through at once, and no more of it after a long rest', () => {
    const budget = new DeferralBudget()
    expect(takenWithin(budget, 0, 0)).toBe(100)
    let taken = 0
    for (; budget.hasLeft(3_600_000, false); taken += 1) budget.take(1, 0, 3_600_000)
    expect(taken).toBe(100)
  })

  it('leaves half of the loop’s time to others, however long a deferral takes', () => {
    for (const spentMs of [0.05, 0.3, 1, 7, 40]) {
      const budget = new DeferralBudget()
      let now = 0
      let busyMs = 0
      while (now < 10_000) {
        if (budget.hasLeft(now, false)) {
          now += spentMs
          busyMs += spentMs
          budget.take(1, spentMs, now)
        } else now += 1
      }
      expect(busyMs).toBeLessThanOrEqual(5_000 + 2 * spentMs + 5)
    }
  })

  it('lets through what fits into half of the loop’s time where its pauses end late', () => {
    const budget = new DeferralBudget()
    let now = 0
    let taken = 0
    while (now < 10_000) {
      for (; budget.hasLeft(now, false); taken += 1) {
        now += 0.1
        budget.take(1, 0.1, now)
      }
      // The partition is tried again after five milliseconds at the earliest.
      now += 7
    }
    expect(taken).toBeGreaterThan(30_000)
  })

  it('pauses after each deferral whose cause is doubtful, for as long as it took', () => {
    const budget = new DeferralBudget()
    budget.take(1, 0.1, 1_000)
    budget.take(1, 0.1, 1_000)
    expect(budget.hasLeft(1_000.15, true)).toBe(false)
    expect(budget.hasLeft(1_000.15, false)).toBe(true)
    expect(budget.hasLeft(1_000.21, true)).toBe(true)
  })

  it('can be overdrawn by an event of many deliveries, and then has to recover', () => {
    const budget = new DeferralBudget()
    expect(budget.hasLeft(0, false)).toBe(true)
    budget.take(5_100, 0, 0)
    expect(budget.hasLeft(999, false)).toBe(false)
    expect(budget.hasLeft(1_001, false)).toBe(true)
  })

  it('lets events of 20 deliveries through at the same rate of deliveries', () => {
    const taken = takenWithin(new DeferralBudget(), 10_000, 0, 20)
    expect(taken).toBeGreaterThan(49_000)
    expect(taken).toBeLessThanOrEqual(50_300)
  })
})
