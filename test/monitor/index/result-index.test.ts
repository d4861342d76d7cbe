import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  countLetters,
  listEvents,
  listLetters,
  listResults,
  resultsOf,
} from '../../../src/monitor/index/delivery-queries.ts'
import { indexedResult } from '../../../src/monitor/index/indexed-result.ts'
import { ResultIndex } from '../../../src/monitor/index/result-index.ts'
import { openRuns, samplesSince, statistics } from '../../../src/monitor/index/traffic-queries.ts'
import {
  dayMs,
  hourMs,
  letterWith,
  memoryIndex,
  resultWith,
  retryingWith,
  roomy,
} from '../../support/indexed-results.ts'

const all = { before: undefined, limit: 100 }
const now = 10_000

function idsOf(index: ResultIndex): readonly string[] {
  return listResults(index.store, 'all', {}, all).items.map(({ deliveryId }) => deliveryId)
}

describe('the index of results', () => {
  it('gives back a result as it was, with all of its fields', () => {
    const index = memoryIndex()
    const result = retryingWith({
      userId: 'u1',
      sourceKey: 'k1',
      reason: 'x',
      totalMs: 1.5,
      unmatchedHooks: [{ hookId: 'h', reason: 'filter-false' }],
    })
    index.addResults([result], [], now)
    expect(resultsOf(index.store, 'dlv_1')).toEqual([{ ...result, id: 1 }])
  })

  it('says of a run what its newest result says, and of one that has ended what its first end says', () => {
    const index = memoryIndex()
    const ofRun = (run: string) => [
      retryingWith({ run, attempt: 1 }),
      resultWith({ run, attempt: 2, outcome: 'delivered' }),
      // A crash repeated the call.
      resultWith({ run, attempt: 2, outcome: 'dead', reason: 'exhausted' }),
    ]
    index.addResults(ofRun('a'), [], now)
    for (const result of ofRun('b')) index.addResults([result], [], now)
    const latest = listResults(index.store, 'latest', {}, all).items
    expect(latest.map(({ run, outcome }) => [run, outcome])).toEqual([
      ['b', 'delivered'],
      ['a', 'delivered'],
    ])
    expect(statistics(index.store, 'all', 0)[0]).toMatchObject({
      calls: 6,
      delivered: 2,
      ended: 0,
    })
  })

  it('knows which runs are open, by what they wait for', () => {
    const index = memoryIndex()
    index.addResults(
      [
        retryingWith({ run: 'a', hookId: 'h1' }),
        retryingWith({ run: 'b', hookId: 'h1', outcome: 'deferred', attempt: null }),
        resultWith({ run: 'c', hookId: 'h1' }),
      ],
      [],
      now,
    )
    expect(openRuns(index.store, 'hook')).toEqual(new Map([['h1', { retrying: 1, deferred: 1 }]]))
    index.addResults([resultWith({ run: 'a', hookId: 'h1', attempt: 2 })], [], now)
    expect(openRuns(index.store, 'hook')).toEqual(new Map([['h1', { retrying: 0, deferred: 1 }]]))
  })

  it.each([
    ['hookId', 'hook7'],
    ['tenantId', 'tenant7'],
    ['userId', 'user7'],
    ['eventId', 'event7'],
    ['eventKey', 'User.Created'],
    ['sourceKey', 'key7'],
    ['deliveryId', 'dlv_7'],
    ['outcome', 'dead'],
    ['reason', 'exhausted'],
    ['errorClass', 'timeout'],
    ['statusCode', 418],
  ])('finds results by %s', (field, value) => {
    const index = memoryIndex()
    const others = [1, 2, 3].map((at) => resultWith({ deliveryId: `dlv_${at}`, run: `r${at}` }))
    index.addResults([...others, resultWith({ run: 'sought', [field]: value })], [], now)
    const found = listResults(index.store, 'latest', { [field]: value }, all).items
    expect(found.map(({ run }) => run)).toEqual(['sought'])
  })

  it('goes on behind the last result of a page', () => {
    const index = memoryIndex()
    index.addResults(
      [1, 2, 3, 4, 5].map((at) => resultWith({ deliveryId: `dlv_${at}` })),
      [],
      now,
    )
    const first = listResults(index.store, 'all', {}, { before: undefined, limit: 2 }).items
    const next = listResults(index.store, 'all', {}, { before: first.at(-1)?.id, limit: 2 }).items
    expect([...first, ...next].map(({ deliveryId }) => deliveryId)).toEqual([
      ...['dlv_5', 'dlv_4', 'dlv_3', 'dlv_2'],
    ])
  })

  it('gathers the deliveries of an event, of one tenant', () => {
    const index = memoryIndex()
    const of = (hookId: string, tenantId: string) =>
      resultWith({ eventId: 'e1', hookId, tenantId, deliveryId: `${hookId}${tenantId}` })
    index.addResults([of('h1', 't1'), of('h2', 't1'), of('h3', 't2')], [], now)
    const found = listEvents(index.store, {}, all).items.map(({ tenantId, deliveries }) => [
      tenantId,
      deliveries.map(({ hookId }) => hookId),
    ])
    expect(found).toEqual([
      ['t2', ['h3']],
      ['t1', ['h2', 'h1']],
    ])
  })

  it('counts by hook, tenant and event key, with percentiles and what failed most', () => {
    const index = memoryIndex()
    const failed = (statusCode: number | null, errorClass: string) =>
      retryingWith({
        hookId: 'bad',
        tenantId: 't2',
        eventKey: 'Role.Created',
        statusCode,
        errorClass,
      })
    index.addResults(
      [
        ...[10, 20, 3_000].map((totalMs) => resultWith({ hookId: 'good', totalMs })),
        ...[failed(503, 'http'), failed(503, 'http'), failed(null, 'timeout')],
        resultWith({ hookId: 'bad', outcome: 'interrupted', final: false }),
      ].map((result, at) => ({ ...result, run: String(at) })),
      [],
      now,
    )
    const byHook = new Map(statistics(index.store, 'hook', 0).map((row) => [row.name, row]))
    expect(byHook.get('good')).toMatchObject({ calls: 3, delivered: 3, failures: [] })
    expect(byHook.get('good')?.total?.p50).toBeGreaterThan(19)
    expect(byHook.get('good')?.total?.p50).toBeLessThan(21)
    expect(byHook.get('good')?.total?.p99).toBeGreaterThan(2_850)
    expect(byHook.get('bad')).toMatchObject({
      calls: 3,
      delivered: 0,
      retrying: 4,
      failures: [
        { class: '503', count: 2 },
        { class: 'timeout', count: 1 },
      ],
    })
    const names = (dimension: 'tenant' | 'event') =>
      statistics(index.store, dimension, 0).map(({ name }) => name)
    expect(names('tenant')).toEqual(['default', 't2'])
    expect(names('event')).toEqual(['PostSignIn', 'Role.Created'])
  })
})

describe('the bounds of the index', () => {
  it('drop what is older than the window, and what never was within', () => {
    const index = memoryIndex({ windowMs: hourMs })
    const at = (deliveryId: string, attemptedAt: number) => resultWith({ deliveryId, attemptedAt })
    index.addResults([at('old', 0), at('young', hourMs)], [], hourMs)
    index.addLetters([letterWith({ diedAt: 1 })], [], hourMs)
    index.addSample({ lag: 1, waiting: 2 }, hourMs)
    index.addResults([at('late', 0)], [], hourMs + 60_000)
    index.addLetters([], [], hourMs + 60_000)
    index.addSample({ lag: 3, waiting: 4 }, 3 * hourMs)
    expect(idsOf(index)).toEqual(['young'])
    expect(index.size).toBe(1)
    expect(countLetters(index.store, {})).toBe(0)
    expect(samplesSince(index.store, 0, 60_000)).toEqual([{ at: 3 * hourMs, lag: 3, waiting: 4 }])
    index.addResults([], [], 3 * hourMs)
    expect(statistics(index.store, 'all', 0)).toEqual([])
  })

  it('keep what became of a run that still waits, until its attempt is long due', () => {
    const index = memoryIndex({ windowMs: hourMs })
    index.addResults([retryingWith({ nextDueAt: 10 * hourMs })], [], 1_000)
    index.addResults([], [], 5 * hourMs)
    expect(index.size).toBe(1)
    index.addResults([], [], 12 * hourMs)
    expect(index.size).toBe(0)
  })

  it('drop the oldest of too many results', () => {
    const index = memoryIndex({ maxResults: 2 })
    index.addResults(
      ['a', 'b', 'c'].map((deliveryId) => resultWith({ deliveryId })),
      [],
      now,
    )
    expect(idsOf(index)).toEqual(['c', 'b'])
  })

  it('drop the oldest of a store that takes too many bytes', () => {
    const index = memoryIndex({ maxBytes: 400_000 })
    const wide = (deliveryId: string) =>
      resultWith({ deliveryId, responseBody: 'x'.repeat(10_000) })
    for (let at = 0; at < 200; at += 1) {
      index.addResults([wide(`dlv_${at}`)], [], now + at * 20_000)
    }
    expect(index.store.usedBytes()).toBeLessThan(450_000)
    expect(index.size).toBeGreaterThan(5)
    expect(idsOf(index)[0]).toBe('dlv_199')
  })

  it('hold whatever values a record has', () => {
    const hostile = JSON.parse(
      JSON.stringify({
        ...resultWith({}),
        eventId: 'e'.repeat(100_000),
        responseBody: 'b'.repeat(100_000),
        errorMessage: { toString: 1 },
        statusCode: '200',
        attempt: 1e300,
        attemptedAt: 1e15,
        final: 'true',
        userId: ['u'],
        unmatchedHooks: [7, { hookId: 5, reason: 'r'.repeat(9_000) }],
      }),
    )
    const index = memoryIndex()
    index.addResults([indexedResult(hostile, now)], [], now)
    const [row] = listResults(index.store, 'all', {}, all).items
    expect(row).toMatchObject({
      errorMessage: null,
      statusCode: null,
      attempt: null,
      final: false,
      userId: null,
      unmatchedHooks: [{ hookId: '', reason: 'r'.repeat(512) }],
      attemptedAt: now,
    })
    expect(row?.eventId.length).toBeLessThan(1_000)
    expect(row?.responseBody?.length).toBeLessThan(20_000)
  })
})

describe('the store of the index', () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'hooktide-index-'))
    onTestFinished(() => rmSync(path, { recursive: true }))
    return path
  }

  it('has rows and the position up to which they were read, after a restart too', () => {
    const file = join(folder(), 'index.sqlite')
    const before = new ResultIndex(file, 'topics', roomy)
    const reached = { topic: 'results', partition: 3, next: 8 }
    before.addResults([resultWith({})], [reached], now)
    before.close()
    const after = new ResultIndex(file, 'topics', roomy)
    expect(after.positions('results')).toEqual([reached])
    expect(after.size).toBe(1)
    after.close()
  })

  it('is emptied when it is of other topics', () => {
    const file = join(folder(), 'index.sqlite')
    const before = new ResultIndex(file, 'topics', roomy)
    before.addResults([resultWith({})], [{ topic: 'results', partition: 0, next: 1 }], now)
    before.close()
    const after = new ResultIndex(file, 'others', roomy)
    expect(after.positions('results')).toEqual([])
    expect(after.size).toBe(0)
    after.close()
  })

  it('is bounded on disk when many dead letters come too: the oldest are dropped', () => {
    const index = memoryIndex({ ...roomy, maxBytes: 1_000_000 })
    for (let round = 0; round < 20; round += 1) {
      const letters = Array.from({ length: 500 }, (_, at) =>
        letterWith({
          offset: round * 500 + at,
          diedAt: now + round,
          deliveryId: `d${round}-${at}`,
        }),
      )
      index.addLetters(letters, [], now + round * 60_000)
    }
    expect(index.store.usedBytes()).toBeLessThan(1_200_000)
    const [newest] = listLetters(index.store, {}, { offset: 0, limit: 1 })
    expect(newest?.deliveryId).toBe('d19-499')
  })

  it('stores all of a batch or nothing', () => {
    const index = memoryIndex()
    const unstorable = resultWith({ deliveryId: 'b', totalMs: undefined as never })
    const reached = [{ topic: 'results', partition: 0, next: 2 }]
    expect(() => index.addResults([resultWith({}), unstorable], reached, now)).toThrow()
    expect(idsOf(index)).toEqual([])
    expect(index.positions('results')).toEqual([])
  })

  it('forgets a topic that was created anew, and keeps the other', () => {
    const index = memoryIndex()
    index.addResults([resultWith({})], [{ topic: 'results', partition: 0, next: 1 }], now)
    index.addLetters([letterWith({})], [{ topic: 'dead', partition: 0, next: 1 }], now)
    index.forget('results', 'results')
    expect(index.size).toBe(0)
    expect(statistics(index.store, 'hook', 0)).toEqual([])
    expect(index.positions('results')).toEqual([])
    expect(index.positions('dead')).toHaveLength(1)
    expect(listLetters(index.store, {}, { offset: 0, limit: 9 })).toEqual([letterWith({})])
  })

  it('forgets what was read of another topic with the same name', () => {
    const index = memoryIndex()
    const read = () =>
      index.addResults([resultWith({})], [{ topic: 'results', partition: 0, next: 1 }], now)
    index.identify('results', 'id-1', 'results')
    read()
    for (const same of ['id-1', undefined]) index.identify('results', same, 'results')
    index.identify('dead', 'id-2', 'letters')
    expect(index.size).toBe(1)
    index.identify('results', 'id-3', 'results')
    expect(index.size).toBe(0)
    expect(index.positions('results')).toEqual([])
    read()
    index.identify('results', 'id-3', 'results')
    expect(index.size).toBe(1)
  })

  it('says what to do about a file that is no store', () => {
    const file = folder()
    expect(() => new ResultIndex(file, 'x', { ...roomy, windowMs: dayMs })).toThrow(
      /cannot be used.*HOOKTIDE_MONITOR_STORE/,
    )
  })

  it('is used by one monitor at a time: two would count each result twice', () => {
    const file = join(folder(), 'index.sqlite')
    const first = new ResultIndex(file, 'topics', roomy)
    expect(() => new ResultIndex(file, 'topics', roomy)).toThrow(/Another monitor uses it/)
    first.addResults([resultWith({})], [], now)
    first.close()
    const next = new ResultIndex(file, 'topics', roomy)
    expect(next.size).toBe(1)
    next.close()
  })

  it('says what to do about a file whose content is damaged', () => {
    const file = join(folder(), 'index.sqlite')
    const before = new ResultIndex(file, 'topics', roomy)
    before.addResults([resultWith({})], [], now)
    before.close()
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0x55, 4_096))
    expect(() => new ResultIndex(file, 'topics', roomy)).toThrow(/malformed.*[Rr]emove it/)
  })

  it('says that its disk is full, and goes on when there is room again', () => {
    const index = new ResultIndex(join(folder(), 'index.sqlite'), 'topics', roomy)
    index.store.all('PRAGMA max_page_count = 60')
    const many = Array.from({ length: 500 }, (_, at) =>
      resultWith({ deliveryId: `d${at}`, responseBody: 'x'.repeat(2_000) }),
    )
    expect(() => index.addResults(many, [], now)).toThrow(/disk is full/)
    expect(index.size).toBe(0)
    index.store.all('PRAGMA max_page_count = 100000')
    index.addResults(many, [], now)
    expect(index.size).toBe(500)
    index.close()
  })
})
