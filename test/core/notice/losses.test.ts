import { describe, expect, it } from 'vitest'
import { NoticeBudget, noticeBounds } from '../../../src/core/notice/budget.ts'
import { collectMs, lossReasons, Losses } from '../../../src/core/notice/losses.ts'
import type { DeliveryRecorded } from '../../../src/core/signal/signal.ts'

function recordedOf(fields: Partial<DeliveryRecorded>): DeliveryRecorded {
  return {
    kind: 'delivery.recorded',
    deliveryId: 'dlv_0000000000000000000000',
    run: 'auth.events/0/0',
    trigger: 'event',
    event: 'PostSignIn',
    hookId: 'a',
    tenantId: 'default',
    outcome: 'dead',
    reason: 'exhausted',
    attempt: undefined,
    maxAttempts: undefined,
    status: undefined,
    errorClass: undefined,
    blame: 'endpoint',
    totalMs: undefined,
    sinceEventMs: undefined,
    nextDueAt: undefined,
    source: { topic: 'auth.events', partition: 0, offset: 0 },
    ...fields,
  }
}

describe('lost deliveries', () => {
  it('are collected by hook and reason, and told once they were collected for five minutes', () => {
    const losses = new Losses()
    losses.add(recordedOf({ run: 'auth.events/0/7' }), 1_000)
    losses.add(recordedOf({ reason: 'max-age', outcome: 'expired' }), 2_000)
    losses.add(recordedOf({ hookId: 'b' }), 3_000)
    losses.add(recordedOf({}), 4_000)
    expect(losses.take(999 + collectMs, false)).toEqual([])
    expect(losses.take(1_000 + collectMs, false)).toEqual([
      {
        hookId: 'a',
        tenantId: 'default',
        first: { deliveryId: 'dlv_0000000000000000000000', run: 'auth.events/0/7' },
        since: 1_000,
        until: 4_000,
        counts: { exhausted: 2, 'max-age': 1 },
      },
    ])
    expect(losses.take(1_000 + collectMs, true)).toMatchObject([{ hookId: 'b' }])
    expect(losses.isEmpty).toBe(true)
  })

  it.each([
    ['of a test', { trigger: 'test' }],
    ['of a notice', { event: 'Hooktide.Endpoint.Open' }],
    ['to a disabled endpoint', { reason: 'endpoint-disabled' }],
    ['of a deleted hook', { outcome: 'discarded', reason: 'hook-deleted' }],
    ['that goes on', { outcome: 'retrying', reason: undefined }],
    ['that was delivered', { outcome: 'delivered', reason: undefined }],
  ] as const)('do not include one %s', (_, fields) => {
    const losses = new Losses()
    losses.add(recordedOf(fields), 0)
    expect(losses.isEmpty).toBe(true)
  })

  it.each(lossReasons)('include those by %s', (reason) => {
    const losses = new Losses()
    losses.add(recordedOf({ reason }), 0)
    expect(losses.take(0, true)).toMatchObject([{ counts: { [reason]: 1 } }])
  })

  it('of more than 10,000 hooks at a time take no more memory', () => {
    const losses = new Losses()
    for (let hook = 0; hook < 10_001; hook += 1) losses.add(recordedOf({ hookId: `${hook}` }), 0)
    expect(losses.take(0, true)).toHaveLength(10_000)
  })
})

describe('notices', () => {
  it('are bounded in a minute by tenant and in all', () => {
    const budget = new NoticeBudget()
    const refusals = (tenantId: string, count: number, now: number) =>
      Array.from({ length: count }, () => budget.refusal(tenantId, now))
    const { perTenant, total } = noticeBounds
    expect(new Set(refusals('a', perTenant, 0))).toEqual(new Set([undefined]))
    expect(budget.refusal('a', 59_999)).toBe('tenant-rate')
    for (let tenant = 1; tenant < total / perTenant; tenant += 1) {
      refusals(`tenant ${tenant}`, perTenant, 1)
    }
    expect(budget.refusal('quiet', 59_999)).toBe('total-rate')
    expect(budget.refusal('a', 60_000)).toBeUndefined()
    expect(budget.refusal('a', 0)).toBeUndefined()
  })
})
