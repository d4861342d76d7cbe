/** Results of clocks that are wrong, of other versions, and of hostile writers: the monitor's numbers stay sane. */
import { describe, expect, it } from 'vitest'
import { listResults } from '../../../src/monitor/index/delivery-queries.ts'
import { indexedResult } from '../../../src/monitor/index/indexed-result.ts'
import {
  newestAt,
  openRuns,
  statisticsOfName,
  traffic,
} from '../../../src/monitor/index/traffic-queries.ts'
import {
  dayMs,
  hourMs,
  memoryIndex,
  resultWith,
  retryingWith,
} from '../../support/indexed-results.ts'

const now = 100 * dayMs
const all = { dimension: 'all', name: '' } as const
const newest = { before: undefined, limit: 100 }

function indexOf(...fields: readonly object[]) {
  const index = memoryIndex()
  const base = resultWith({ eventAt: now - 200, attemptedAt: now - 100 })
  const results = fields.map((one, at) =>
    indexedResult({ ...base, deliveryId: `dlv_${at}`, ...one }, now),
  )
  index.addResults(results, [], now)
  return index
}

describe('a result whose times are strange', () => {
  it('from the future counts as one of now, and goes with the window', () => {
    const index = indexOf({ attemptedAt: now + hourMs, eventAt: now + hourMs })
    expect(newestAt(index.store)).toBe(now)
    expect(statisticsOfName(index.store, all, { from: now - dayMs, to: now })).toMatchObject({
      calls: 1,
    })
    index.addResults([], [], now + dayMs + hourMs)
    expect(index.size).toBe(0)
  })

  it('from a day before is in its own hour, and does not move the newest', () => {
    const index = indexOf({}, { attemptedAt: now - 23 * hourMs, eventAt: now - 23 * hourMs })
    const points = traffic(index.store, all, { from: now - dayMs, to: now, stepMs: hourMs })
    expect(points.filter(({ calls }) => calls > 0).map(({ at }) => at)).toEqual([
      now - 23 * hourMs,
      now - hourMs,
    ])
    expect(newestAt(index.store)).toBe(now - 100)
  })

  it('older than the window is left out', () => {
    expect(indexOf({ attemptedAt: now - dayMs - 1 }).size).toBe(0)
  })

  it('with an event after its attempt has a latency of nothing', () => {
    const index = indexOf({ eventAt: now + 30 * dayMs })
    const { first } = statisticsOfName(index.store, all, { from: now - dayMs, to: now })
    expect(first).toEqual({ p50: 0.5, p95: 0.5, p99: 0.5 })
    expect(listResults(index.store, 'all', {}, newest).items[0]?.eventAt).toBeLessThanOrEqual(now)
  })

  it('without a time of its event tells no latency', () => {
    const index = indexOf({ eventAt: undefined }, { eventAt: -5 }, { eventAt: Number.NaN })
    const { first, calls } = statisticsOfName(index.store, all, { from: now - dayMs, to: now })
    expect([calls, first]).toEqual([3, null])
  })

  it.each(['queuedMs', 'connectMs', 'firstByteMs', 'totalMs'] as const)(
    'has no negative %s',
    (field) => {
      const index = indexOf({ [field]: -3_600_000 })
      const [row] = listResults(index.store, 'all', {}, newest).items
      expect(row?.[field]).toBeNull()
      const { total } = statisticsOfName(index.store, all, { from: now - dayMs, to: now })
      expect(total === null || total.p50 > 0).toBe(true)
    },
  )

  it('that waits until the end of time leaves the window at last', () => {
    const waiting = retryingWith({ attemptedAt: now - 100, eventAt: now - 200 })
    const index = indexOf({ ...waiting, nextDueAt: Number.MAX_SAFE_INTEGER })
    expect(openRuns(index.store, 'hook').size).toBe(1)
    index.addResults([], [], now + 366 * dayMs)
    expect([index.size, openRuns(index.store, 'hook').size]).toEqual([0, 0])
  })

  it('of a version without later fields is indexed with what it has', () => {
    const former = { hookId: 'h', deliveryId: 'd', outcome: 'delivered', attemptedAt: now - 5 }
    const index = memoryIndex()
    index.addResults([indexedResult({ ...former, attempt: 1, final: true }, now)], [], now)
    const counted = statisticsOfName(index.store, all, { from: now - dayMs, to: now })
    expect(counted).toMatchObject({ calls: 1, delivered: 1, total: null, first: null })
  })

  it('with counts that cannot be are as if not told', () => {
    const index = indexOf({ attempt: -1, statusCode: 1e9, maxAttempts: 0.5 })
    const [row] = listResults(index.store, 'all', {}, newest).items
    expect([row?.attempt, row?.statusCode, row?.maxAttempts]).toEqual([null, null, null])
  })
})
