import { describe, expect, it } from 'vitest'
import {
  attemptsPerDelivery,
  deliveredShare,
  Statistics,
  successShare,
  type Grouping,
} from '../../../src/core/answers/statistics.ts'
import { WaitingCounts, type WaitingKind } from '../../../src/core/answers/waiting-counts.ts'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { endWith, failureWith, resultAt, resultWith } from '../../support/results.ts'

function statisticsOf(grouping: Grouping, results: readonly DeliveryResult[]): Statistics {
  const statistics = new Statistics(grouping)
  for (const result of results) statistics.add(result)
  return statistics
}

const ofRun = (number: number) => ({ run: `auth.events/0/${number}` })

/** A run that failed twice and was delivered, and one that failed and waits. */
const story = [
  failureWith({ ...ofRun(1), totalMs: 100 }),
  failureWith({
    ...ofRun(1),
    attempt: 2,
    errorClass: 'timeout',
    statusCode: null,
    totalMs: 15_000,
  }),
  failureWith({ ...ofRun(2), totalMs: 200 }),
  resultWith({ ...ofRun(1), attempt: 3, totalMs: 50 }),
]

describe('statistics of results', () => {
  it('count requests, failures and ends', () => {
    const { all } = statisticsOf('hook', story)
    expect(all).toMatchObject({
      ...{ requests: 4, failed: 3, ended: { delivered: 1, dead: 0 } },
      ...{ attempts: { sum: 3, runs: 1 }, open: undefined },
    })
    expect(successShare(all)).toBe(0.25)
    expect(deliveredShare(all)).toBe(1)
    expect(attemptsPerDelivery(all)).toBe(3)
    expect(all.details.sorted()).toEqual([
      ['503', 2],
      ['timeout', 1],
    ])
  })

  it('leave out events that went to no hook', () => {
    const unmatched = endWith({ outcome: 'unmatched', reason: 'event-unknown', hookId: '' })
    const statistics = statisticsOf('hook', [unmatched])
    expect(statistics.groups()).toEqual([])
    expect(statistics.all).toMatchObject({ requests: 0, failed: 0 })
  })

  it('have the time from the event to the first attempt of runs that events began', () => {
    const { all } = statisticsOf('hook', [
      resultWith({ ...ofRun(1), eventAt: resultAt - 1_000 }),
      failureWith({ ...ofRun(2), attempt: 2, eventAt: resultAt - 90_000 }),
      resultWith({ ...ofRun(3), trigger: 'replay', eventAt: resultAt - 900_000 }),
    ])
    expect(all.toFirst.count).toBe(1)
    expect(all.toFirst.quantile(0.5)).toBeCloseTo(1_000, -2)
  })

  it('do not count deferred deliveries as failures', () => {
    const deferred = endWith({ outcome: 'deferred', reason: null, final: false })
    const { all } = statisticsOf('hook', [deferred])
    expect(all).toMatchObject({ requests: 0, failed: 0 })
    expect(all.details.size).toBe(0)
  })

  it('do not count an end twice that a crash repeated, but do count the call that was made', () => {
    const late = failureWith(ofRun(1))
    const { all } = statisticsOf('hook', [...story, resultWith({ ...ofRun(1), attempt: 3 }), late])
    expect(all).toMatchObject({
      ...{ requests: 6, ended: { delivered: 1 } },
      attempts: { sum: 3, runs: 1 },
    })
  })

  it('leave calls out that a process gave up', () => {
    const given = failureWith({ outcome: 'interrupted', statusCode: null, errorClass: null })
    const { all } = statisticsOf('hook', [given, resultWith({})])
    expect(all).toMatchObject({ requests: 1, failed: 0, interrupted: 1 })
  })

  it('count what a hook owner ended neither as delivered nor as lost', () => {
    const { all } = statisticsOf('hook', [
      resultWith(ofRun(1)),
      endWith({ ...ofRun(2), outcome: 'discarded', reason: 'hook-deleted' }),
    ])
    expect(deliveredShare(all)).toBe(1)
    expect(all.ended).toEqual({ delivered: 1, dead: 0, expired: 0, discarded: 1 })
  })

  it('say what waits now, also of hooks that no result is about', () => {
    const statistics = statisticsOf('hook', story)
    const counts = new WaitingCounts()
    const waiting = (number: number, hookId: string, waits: WaitingKind) => {
      const run = { deliveryId: 'dlv_1', hookId, tenantId: 'acme', waits, ...ofRun(number) }
      counts.add(run, hookId)
    }
    waiting(1, 'hook-1', 'retrying')
    waiting(2, 'quiet', 'requested')
    waiting(3, 'quiet', 'deferred')
    // It moved on while it was counted.
    waiting(3, 'quiet', 'retrying')
    statistics.setWaiting(counts)
    expect(statistics.groups()).toMatchObject([
      { name: 'hook-1', tenantId: 'default', open: { retrying: 1, deferred: 0, requested: 0 } },
      {
        name: 'quiet',
        tenantId: 'acme',
        requests: 0,
        open: { retrying: 0, deferred: 1, requested: 1 },
      },
    ])
    expect(statistics.all.open).toEqual({ retrying: 1, deferred: 1, requested: 1 })
  })

  it.each([
    ['hook', ['b', 'a']],
    ['tenant', ['t2', 't1']],
    ['event', ['User.Created', 'PostSignIn']],
    ['class', ['503', 'endpoint-disabled']],
  ] as const)('by %s have the group that fails most first', (grouping, names) => {
    const statistics = statisticsOf(grouping, [
      resultWith({ ...ofRun(1), hookId: 'a', tenantId: 't1' }),
      endWith({ ...ofRun(2), hookId: 'a', tenantId: 't1' }),
      failureWith({ ...ofRun(3), hookId: 'b', tenantId: 't2', eventKey: 'User.Created' }),
    ])
    expect(statistics.groups().map(({ name }) => name)).toEqual(names)
  })

  it('of failures say which hooks they are of', () => {
    const [group] = statisticsOf('class', [
      failureWith({ ...ofRun(1), hookId: 'a' }),
      failureWith({ ...ofRun(2), hookId: 'b' }),
      failureWith({ ...ofRun(2), hookId: 'b', attempt: 2 }),
    ]).groups()
    expect(group?.details.sorted()).toEqual([
      ['b', 2],
      ['a', 1],
    ])
  })

  it('take no more memory for hooks without end than for ten thousand', () => {
    const many = Array.from({ length: 10_050 }, (_, index) =>
      resultWith({ ...ofRun(index), hookId: `hook-${index}` }),
    )
    const groups = statisticsOf('hook', many).groups()
    expect(groups).toHaveLength(10_001)
    expect(groups.find(({ name }) => name === '(others)')?.requests).toBe(50)
  })
})
