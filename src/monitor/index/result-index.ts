/**
 * The monitor's index: a window of results, dead letters and lag. It is filled from topics, and whatever is lost of it can
 * be read again. Rows and the position that they were read up to are stored together, so nothing counts twice.
 */
import type { EpochMs } from '../../core/model/model.ts'
import type { IndexedResult } from './indexed-result.ts'
import { prepareTables, resultColumns } from './schema.ts'
import { openStore, type Cell, type Store } from './store.ts'
import { NameCounts } from './name-counts.ts'
import {
  dimensions,
  dropSums,
  isNamed,
  namedDimensions,
  wideMs,
  type Counts,
  type Dimension,
  type NamedDimension,
} from './sums.ts'
import { Tally, type CountsByName } from './tally.ts'

export interface IndexBounds {
  /** Results older than that are dropped. */
  readonly windowMs: number
  /** Of more results than these the oldest are dropped. Those of open runs count too. */
  readonly maxResults: number
  /** The store takes no more bytes than that, but for what comes in between two looks at it. */
  readonly maxBytes: number
}

/** Where reading of a partition goes on. */
export interface Reached {
  readonly topic: string
  readonly partition: number
  readonly next: number
}

/** A dead letter, as far as its headers tell. */
export interface IndexedLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly diedAt: EpochMs
  readonly deliveryId: string
  readonly hookId: string
  readonly tenantId: string
  readonly eventId: string
  readonly eventKey: string
  readonly reason: string
  readonly statusCode: number | null
  readonly attempts: number
  /** Of the event. */
  readonly bytes: number
}

/** How far the groups were behind at a moment. */
export interface Sample {
  /** Records that the live group has not completed. */
  readonly lag: number
  /** Records in retry topics: what waits there, and what is due. */
  readonly waiting: number
}

/** Of open runs the row stays for so long after its next attempt was due. */
const openGraceMs = 3_600_000
const minuteMs = 60_000
const evictEveryMs = 10_000

export class ResultIndex {
  readonly store: Store
  readonly bounds: IndexBounds
  #count: number
  #evictAt = 0
  readonly #names: CountsByName

  /** @param file `:memory:` for an index without one */
  constructor(file: string, source: string, bounds: IndexBounds) {
    this.store = openStore(file)
    this.bounds = bounds
    prepareTables(this.store, source)
    const namesOf = (dimension: NamedDimension) => new NameCounts(dimension, bounds.windowMs)
    this.#names = { hook: namesOf('hook'), tenant: namesOf('tenant'), event: namesOf('event') }
    for (const dimension of namedDimensions) this.#names[dimension].load(this.store)
    this.#count =
      this.store.all<{ readonly n: number }>('SELECT count(*) AS n FROM results')[0]?.n ?? 0
  }

  /** Results in the window, as they are stored. */
  get size(): number {
    return this.#count
  }

  /** Empty where nothing was read yet. */
  positions(topic: string): readonly Reached[] {
    return this.store.all<Reached>(
      'SELECT * FROM positions WHERE topic = ? ORDER BY partition',
      topic,
    )
  }

  /** What happened since a moment, by name: of those that have sums of their own. Whole spans are counted. */
  counts(dimension: NamedDimension, from: EpochMs): ReadonlyMap<string, Counts> {
    return this.#names[dimension].since(from)
  }

  /** Adds what was read of a topic of results. A result that is older than the window is left out. */
  addResults(results: readonly IndexedResult[], reached: readonly Reached[], now: EpochMs): void {
    const tally = new Tally(this.#names)
    let remember = () => {}
    const young = results.filter(({ attemptedAt }) => attemptedAt >= now - this.bounds.windowMs)
    this.store.atomically(() => {
      for (const result of young) tally.add(result, this.#addResult(result))
      remember = tally.write(this.store)
      this.#reach(reached)
    })
    remember()
    this.#count += young.length
    this.#evict(now)
  }

  addLetters(letters: readonly IndexedLetter[], reached: readonly Reached[], now: EpochMs): void {
    this.store.atomically(() => {
      for (const letter of letters) {
        this.store.run(letterSql, ...letterColumns.map((column) => letter[column]))
      }
      this.#reach(reached)
      this.store.run('DELETE FROM letters WHERE diedAt < ?', now - this.bounds.windowMs)
    })
    this.#evict(now)
  }

  addSample({ lag, waiting }: Sample, now: EpochMs): void {
    const minute = now - (now % minuteMs)
    this.store.run('INSERT OR REPLACE INTO samples VALUES (?, ?, ?)', minute, lag, waiting)
    this.store.run('DELETE FROM samples WHERE minute < ?', now - this.bounds.windowMs)
  }

  /** What was read of another topic with that name is forgotten. @param topicId `undefined` if brokers have none */
  identify(topic: string, topicId: string | undefined, tables: 'results' | 'letters'): void {
    if (topicId === undefined) return
    const [known] = this.store.all<{ readonly topicId: string }>(
      'SELECT topicId FROM topics WHERE topic = ?',
      topic,
    )
    if (known?.topicId === topicId) return
    if (known !== undefined) this.forget(topic, tables)
    this.store.run('INSERT OR REPLACE INTO topics VALUES (?, ?)', topic, topicId)
  }

  /** Forgets all that was read of a topic: it was created anew. */
  forget(topic: string, tables: 'results' | 'letters'): void {
    this.store.atomically(() => {
      this.store.run('DELETE FROM positions WHERE topic = ?', topic)
      for (const table of tables === 'letters' ? ['letters'] : ['results', 'sums'])
        this.store.run(`DELETE FROM ${table}`)
    })
    if (tables === 'letters') return
    this.#count = 0
    for (const dimension of namedDimensions) this.#names[dimension].clear()
  }

  close(): void {
    this.store.close()
  }

  /** @returns whether the row says what became of its run */
  #addResult(result: IndexedResult): boolean {
    const [known] = this.store.all<{ readonly id: number; readonly final: number }>(
      'SELECT id, final FROM results WHERE deliveryId = ? AND run = ? AND latest = 1',
      result.deliveryId,
      result.run,
    )
    const isLatest = known?.final !== 1
    if (known !== undefined && isLatest) {
      this.store.run('UPDATE results SET latest = 0 WHERE id = ?', known.id)
    }
    this.store.run(
      resultSql,
      isLatest ? 1 : 0,
      ...resultColumns.map((name) => cellOf(result[name])),
    )
    return isLatest
  }

  #reach(reached: readonly Reached[]): void {
    for (const { topic, partition, next } of reached) {
      this.store.run('INSERT OR REPLACE INTO positions VALUES (?, ?, ?)', topic, partition, next)
    }
  }

  #evict(now: EpochMs): void {
    const surplus = this.#count - this.bounds.maxResults
    if (surplus > 0) this.#dropOldest(surplus)
    if (now < this.#evictAt) return
    this.#evictAt = now + evictEveryMs
    const cutoff = now - this.bounds.windowMs
    const old = this.store.run(
      'DELETE FROM results WHERE attemptedAt < ? AND NOT (latest = 1 AND final = 0 AND nextDueAt > ?)',
      cutoff,
      now - openGraceMs,
    )
    this.#count -= old
    const used = this.store.usedBytes()
    // Rows are of about one size: the share that is too much is dropped, and a little more.
    const excess = 1 - (0.98 * this.bounds.maxBytes) / used
    if (used > this.bounds.maxBytes) {
      this.#dropOldest(Math.ceil(this.#count * excess))
      this.#dropOldestLetters(excess)
      this.#dropOldestSums()
    }
    this.#dropSums(dimensions, cutoff)
  }

  /** Spans that ended before a moment. */
  #dropSums(of: readonly Dimension[], cutoff: EpochMs): void {
    for (const dimension of of) {
      dropSums(this.store, dimension, cutoff)
      if (isNamed(dimension)) this.#names[dimension].drop(cutoff)
    }
  }

  /** By name, if they take more than their share of the store. Those of all results are few. */
  #dropOldestSums(): void {
    const [held] = this.store.all<{ readonly bytes: number }>(
      "SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'sums' AND aggregate = TRUE",
    )
    const most = this.bounds.maxBytes / 4
    const excess = 1 - (0.9 * most) / (held?.bytes ?? 1)
    if ((held?.bytes ?? 0) <= most) return
    const [bound] = this.store.all<{ readonly span: EpochMs }>(
      `SELECT span FROM sums WHERE dimension = 'hook' ORDER BY span
        LIMIT 1 OFFSET (SELECT CAST(count(*) * ? AS INTEGER) FROM sums WHERE dimension = 'hook')`,
      excess,
    )
    if (bound === undefined) return
    // Wide spans whole, so that they tell the same as the narrow ones.
    this.#dropSums(namedDimensions, (Math.floor(bound.span / wideMs) + 1) * wideMs)
  }

  #dropOldest(count: number): void {
    const sql = 'DELETE FROM results WHERE id IN (SELECT id FROM results ORDER BY id LIMIT ?)'
    this.#count -= this.store.run(sql, count)
  }

  #dropOldestLetters(share: number): void {
    this.store.run(
      `DELETE FROM letters WHERE (topic, partition, offset) IN (
        SELECT topic, partition, offset FROM letters ORDER BY diedAt LIMIT (SELECT ceil(count(*) * ?) FROM letters))`,
      share,
    )
  }
}

const resultSql = `INSERT INTO results (latest, ${resultColumns.join(', ')})
  VALUES (?, ${resultColumns.map(() => '?').join(', ')})`

const letterColumns = [
  ...(['topic', 'partition', 'offset', 'diedAt', 'deliveryId', 'hookId', 'tenantId'] as const),
  ...(['eventId', 'eventKey', 'reason', 'statusCode', 'attempts', 'bytes'] as const),
]
const letterSql = `INSERT OR REPLACE INTO letters (${letterColumns.join(', ')})
  VALUES (${letterColumns.map(() => '?').join(', ')})`

function cellOf(value: IndexedResult[keyof IndexedResult]): Cell {
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}
