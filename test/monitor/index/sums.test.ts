import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listResults } from '../../../src/monitor/index/delivery-queries.ts'
import { isCall } from '../../../src/monitor/index/indexed-result.ts'
import { NameCounts } from '../../../src/monitor/index/name-counts.ts'
import { ResultIndex } from '../../../src/monitor/index/result-index.ts'
import { spanMs, type NamedDimension } from '../../../src/monitor/index/sums.ts'
import {
  openRuns,
  statistics,
  statisticsOfName,
  traffic,
} from '../../../src/monitor/index/traffic-queries.ts'
import {
  dayMs,
  hourMs,
  memoryIndex,
  resultWith,
  retryingWith,
  roomy,
} from '../../support/indexed-results.ts'

const columns = { hook: 'hookId', tenant: 'tenantId', event: 'eventKey' } as const
const named: readonly NamedDimension[] = ['hook', 'tenant', 'event']
const many = { before: undefined, limit: 100_000 }

/** The same numbers each time. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

function resultsUntil(now: number, next: (below: number) => number) {
  return Array.from({ length: 60 }, () => {
    const fields = {
      deliveryId: `dlv_${next(400)}`,
      run: `run${next(2)}`,
      hookId: `hook${next(5)}`,
      tenantId: `tenant${next(3)}`,
      eventKey: ['PostSignIn', 'User.Created'][next(2)] ?? '',
      attemptedAt: Math.max(0, now - next(3 * hourMs)),
      totalMs: next(2_000),
      attempt: 1 + next(3),
    }
    const kind = next(6)
    if (kind < 3) return resultWith(fields)
    if (kind === 3) return resultWith({ ...fields, outcome: 'dead', statusCode: 500 + next(4) })
    if (kind === 4) return retryingWith({ ...fields, nextDueAt: now + next(hourMs) })
    return retryingWith({ ...fields, outcome: 'deferred', attempt: null, nextDueAt: now })
  })
}

/** What the rows themselves say. */
function countedRows(index: ResultIndex, dimension: NamedDimension, from: number) {
  const column = columns[dimension]
  const counts = new Map<string, { calls: number; delivered: number }>()
  for (const row of listResults(index.store, 'all', {}, many).items) {
    if (!isCall(row) || row.attemptedAt < from) continue
    const count = counts.get(row[column]) ?? { calls: 0, delivered: 0 }
    count.calls += 1
    count.delivered += row.outcome === 'delivered' ? 1 : 0
    counts.set(row[column], count)
  }
  return counts
}

function openRows(index: ResultIndex, dimension: NamedDimension) {
  const open = new Map<string, { retrying: number; deferred: number }>()
  for (const row of listResults(index.store, 'open', {}, many).items) {
    const name = row[columns[dimension]]
    const sums = open.get(name) ?? { retrying: 0, deferred: 0 }
    sums[row.outcome === 'deferred' ? 'deferred' : 'retrying'] += 1
    open.set(name, sums)
  }
  return open
}

function expectSumsToEqualRows(index: ResultIndex, now: number): void {
  // Spans that are dropped in part are left out: of those the sums tell more than the rows.
  const from = Math.ceil((now - index.bounds.windowMs) / spanMs.hook) * spanMs.hook
  for (const dimension of named) {
    const rows = countedRows(index, dimension, from)
    const sums = statistics(index.store, dimension, from)
    const called = sums.filter(({ calls }) => calls > 0)
    expect(
      new Map(called.map(({ name, calls, delivered }) => [name, { calls, delivered }])),
    ).toEqual(rows)
    const inMemory = [...index.counts(dimension, from)].filter(([, { calls }]) => calls > 0)
    expect(
      new Map(inMemory.map(([name, { calls, delivered }]) => [name, { calls, delivered }])),
    ).toEqual(rows)
    expect(openRuns(index.store, dimension)).toEqual(openRows(index, dimension))
    for (const [name, { calls }] of rows) {
      const points = traffic(
        index.store,
        { dimension, name },
        { from, to: now, stepMs: spanMs.hook },
      )
      expect(points.reduce((sum, point) => sum + point.calls, 0)).toBe(calls)
      expect([statisticsOfName(index.store, { dimension, name }, { from, to: now })]).toEqual(
        sums.filter((one) => one.name === name),
      )
    }
  }
}

describe('the sums of the index', () => {
  it('equal a count over the rows, while old ones are dropped, and after a restart', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hooktide-sums-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const open = () =>
      new ResultIndex(join(folder, 'index.sqlite'), 'topics', { ...roomy, windowMs: 2 * hourMs })
    const next = numbersFrom(7)
    let index = open()
    for (let round = 1; round <= 40; round += 1) {
      const now = round * 431_000
      index.addResults(resultsUntil(now, next), [], now)
      if (round % 8 !== 0) continue
      expectSumsToEqualRows(index, now)
      index.close()
      index = open()
      expectSumsToEqualRows(index, now)
    }
    expect(index.size).toBeGreaterThan(100)
    expect(index.counts('hook', 0).size).toBe(5)
    index.addResults([], [], 40 * 431_000 + dayMs)
    for (const dimension of named) {
      expect(index.counts(dimension, 0).size).toBe(0)
      expect(openRuns(index.store, dimension)).toEqual(new Map())
    }
    index.close()
  })

  it('equal a count over the rows after a batch that could not be stored', () => {
    const index = memoryIndex()
    const next = numbersFrom(11)
    index.addResults(resultsUntil(hourMs, next), [], hourMs)
    const unstorable = resultWith({ hookId: 'never', attempt: undefined as never })
    expect(() =>
      index.addResults([...resultsUntil(hourMs, next), unstorable], [], hourMs),
    ).toThrow()
    expectSumsToEqualRows(index, hourMs)
    index.addResults(resultsUntil(hourMs, next), [], hourMs)
    expectSumsToEqualRows(index, hourMs)
  })

  it('are of a bounded number of names: what has any other is together under an empty one', () => {
    const index = memoryIndex()
    const results = Array.from({ length: 1_200 }, (_, at) =>
      resultWith({ run: `r${at}`, eventKey: `Event${at}`, attemptedAt: 1_000 }),
    )
    index.addResults(results, [], 2_000)
    index.addResults([resultWith({ eventKey: 'Event7', attemptedAt: 1_500 })], [], 2_000)
    const rows = statistics(index.store, 'event', 0)
    expect(rows).toHaveLength(1_001)
    expect(rows.find(({ name }) => name === '')).toMatchObject({ calls: 200 })
    expect(rows.find(({ name }) => name === 'Event7')).toMatchObject({ calls: 2 })
    // Those of which nothing is left make room for others.
    index.addResults([], [], 3 * dayMs)
    index.addResults([resultWith({ eventKey: 'New', attemptedAt: 3 * dayMs })], [], 3 * dayMs)
    expect(statistics(index.store, 'event', 2 * dayMs).map(({ name }) => name)).toEqual(['New'])
  })

  it('are of fewer names where the window has many spans', () => {
    const counts = new NameCounts('hook', 30 * dayMs)
    const admitted = Array.from({ length: 5_000 }, (_, at) => counts.admitted(`h${at}`))
    expect(admitted.filter((name) => name !== '')).toHaveLength(462)
  })

  it('tell a bounded number of kinds of failure apart', () => {
    const index = memoryIndex()
    const failed = Array.from({ length: 200 }, (_, at) =>
      retryingWith({ run: `r${at}`, errorClass: `${at}${'x'.repeat(500)}`, attemptedAt: 1_000 }),
    )
    index.addResults(failed, [], 2_000)
    const [row] = statistics(index.store, 'hook', 0)
    expect(row?.failures[0]).toEqual({ class: 'other', count: 170 })
    expect(index.store.usedBytes()).toBeLessThan(1_500_000)
  })

  it('take a part of the store only: the oldest by name are dropped', () => {
    const index = memoryIndex({ maxBytes: 2_000_000 })
    for (let round = 0; round < 60; round += 1) {
      const now = round * 600_000
      const results = Array.from({ length: 500 }, (_, at) =>
        resultWith({ run: `${round}-${at}`, hookId: `hook${at}`, attemptedAt: now }),
      )
      index.addResults(results, [], now)
    }
    expect(index.store.usedBytes()).toBeLessThan(2_600_000)
    expect(statistics(index.store, 'all', 0)[0]?.calls).toBe(30_000)
    const held = statistics(index.store, 'hook', 0).reduce((sum, { calls }) => sum + calls, 0)
    expect(held).toBeLessThan(15_000)
    expect(held).toBeGreaterThan(2_000)
    const inMemory = [...index.counts('hook', 0).values()]
    expect(inMemory.reduce((sum, { calls }) => sum + calls, 0)).toBe(held)
  })
})
