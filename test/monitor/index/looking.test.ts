/** Queries over very many rows, of which few are what is sought. */
import { describe, expect, it } from 'vitest'
import {
  countResults,
  listEvents,
  listResults,
} from '../../../src/monitor/index/delivery-queries.ts'
import type { ResultFilter, Rows } from '../../../src/monitor/index/looking.ts'
import { addCopies, memoryIndex, resultWith, retryingWith } from '../../support/indexed-results.ts'

const newest = { before: undefined, limit: 20 }
const many = 120_000

/** Among so many deliveries of one hook three are rare, the oldest ones. */
function crowdedIndex() {
  const index = memoryIndex()
  const rare = { eventKey: 'Rare', tenantId: 'rare', statusCode: 418, hookId: 'busy' }
  index.addResults(
    [
      resultWith({ ...rare, deliveryId: 'r1' }),
      resultWith({ ...rare, deliveryId: 'r2', eventId: 'e1', userId: 'u1', sourceKey: 'k1' }),
      retryingWith({ ...rare, deliveryId: 'r3' }),
      resultWith({ hookId: 'busy', deliveryId: 'common' }),
    ],
    [],
    10_000,
  )
  addCopies(index, many)
  return index
}

const index = crowdedIndex()

function plansOf(rows: Rows, filter: ResultFilter): string {
  const plans: string[] = []
  const spied = {
    ...index.store,
    all<Row>(sql: string, ...values: readonly (string | number | Uint8Array | null)[]) {
      const steps = index.store.all<{ readonly detail: string }>(
        `EXPLAIN QUERY PLAN ${sql}`,
        ...values,
      )
      plans.push(...steps.map(({ detail }) => detail))
      return index.store.all<Row>(sql, ...values)
    },
  }
  listResults(spied, rows, filter, newest)
  countResults(spied, rows, filter, { before: undefined, most: 10 })
  return plans.join('; ')
}

describe('a query for what is rare', () => {
  it.each<ResultFilter>([
    { tenantId: 'rare' },
    { eventKey: 'Rare' },
    { hookId: 'busy', eventKey: 'Rare' },
    { statusCode: 418 },
    { hookId: 'busy', to: 0 },
    { outcome: 'delivered', tenantId: 'rare' },
  ])('looks at a part of the rows, and says where it goes on: %o', (filter) => {
    const first = listResults(index.store, 'calls', filter, newest)
    expect(first).toEqual({ items: [], next: many + 5 - 50_000 })
    const second = listResults(index.store, 'calls', filter, { ...newest, before: first.next })
    expect(second).toEqual({ items: [], next: many + 5 - 100_000 })
    const last = listResults(index.store, 'calls', filter, { ...newest, before: second.next })
    expect(last.next).toBeUndefined()
    const isAny = filter.to === 0
    expect(last.items.length > 0).toBe(!isAny)
    expect(countResults(index.store, 'calls', filter, { before: undefined, most: 100 })).toEqual({
      count: 0,
      isCapped: true,
    })
  })

  it.each<ResultFilter>([
    { userId: 'u1' },
    { eventId: 'e1', hookId: 'busy' },
    { sourceKey: 'k1', tenantId: 'rare' },
    { deliveryId: 'r2', eventKey: 'Rare' },
  ])('finds at once what an index leads to: %o', (filter) => {
    const found = listResults(index.store, 'latest', filter, newest)
    expect(found.items.map(({ deliveryId }) => deliveryId)).toEqual(['r2'])
    expect(found.next).toBeUndefined()
    expect(countResults(index.store, 'latest', filter, { before: undefined, most: 9 })).toEqual({
      count: 1,
      isCapped: false,
    })
  })

  it.each<[Rows, ResultFilter]>([
    ['calls', { outcome: 'retrying', hookId: 'busy' }],
    ['open', {}],
    ['open', { hookId: 'busy' }],
    ['open', { tenantId: 'rare' }],
  ])('takes the index that has the fewest rows: %s %o', (rows, filter) => {
    const found = listResults(index.store, rows, filter, newest)
    expect(found.items.map(({ deliveryId }) => deliveryId)).toEqual(['r3'])
    expect(found.next).toBeUndefined()
  })

  it.each<[Rows, ResultFilter]>([
    ['latest', {}],
    ['latest', { hookId: 'busy', from: 1, to: 5_000 }],
    ['open', { hookId: 'busy' }],
    ['calls', { hookId: 'busy', outcome: 'retrying', eventKey: 'Rare' }],
    ['all', { tenantId: 'rare', userId: 'u1' }],
  ])('sorts nothing and scans no table: %s %o', (rows, filter) => {
    const plans = plansOf(rows, filter)
    expect(plans).toContain('SEARCH')
    expect(plans).not.toMatch(/TEMP B-TREE|results_time|SCAN results(?! USING COVERING INDEX)/)
  })

  it('goes on behind a full part with its last item', () => {
    const { items, next } = listResults(index.store, 'latest', { hookId: 'busy' }, newest)
    expect([items.length, next]).toEqual([20, items.at(-1)?.id])
  })

  it('finds events in parts too', () => {
    const parts = []
    for (let before: number | undefined; ;) {
      const part = listEvents(index.store, { tenantId: 'rare' }, { before, limit: 20 })
      parts.push(part.items.map(({ eventId }) => eventId))
      before = part.next
      if (before === undefined) break
    }
    expect(parts).toEqual([[], [], ['event-of-r3', 'e1', 'event-of-r1']])
  })
})
