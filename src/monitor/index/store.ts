/** The embedded store of the monitor's index: SQLite, which is part of Node. The only file that knows it. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { asError, UserError } from '../../core/model/errors.ts'

/** What a column holds. */
export type Cell = string | number | Uint8Array | null

export interface Store {
  /** Rows of a query, with the columns' names. `Row` says what the query selects. */
  all<Row>(sql: string, ...values: readonly Cell[]): readonly Row[]
  /** The same one by one, for those who stop early. */
  each<Row>(sql: string, ...values: readonly Cell[]): Iterable<Row>
  /** @returns how many rows it changed */
  run(sql: string, ...values: readonly Cell[]): number
  /** All of it is stored, or nothing. */
  atomically(work: () => void): void
  /** Bytes that the store takes on disk, without what it has free. */
  usedBytes(): number
  close(): void
}

/**
 * - The file is locked as long as it is open: a second monitor would add what this one has added already.
 * - A write waits for no disk. The last ones before a crash of the machine are read from the topics again.
 * - Pages in memory are bounded, in KiB, and so is the log that readers share with the writer.
 */
const pragmas = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -65536;
  PRAGMA wal_autocheckpoint = 2000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA temp_store = MEMORY;
`

/** Queries are put together of few parts. */
const maxStatements = 300

/** Result codes of SQLite (https://www.sqlite.org/rescode.html), in the low byte of `errcode`. */
const remedies: ReadonlyMap<number, string> = new Map([
  [5, 'Another monitor uses it: give each one a file of its own with HOOKTIDE_MONITOR_STORE'],
  [10, 'Look after its disk: it is tried again'],
  [11, 'Stop the monitor, remove it, and start again: it is built anew from the topics'],
  [13, 'Make room on its disk: it is tried again'],
  [26, 'Remove it, or name another with HOOKTIDE_MONITOR_STORE'],
])
const otherRemedy = 'Name a file that can be written with HOOKTIDE_MONITOR_STORE'

function storeError(file: string, thrown: unknown): Error {
  const error = asError(thrown)
  if (!('errcode' in error) || typeof error.errcode !== 'number') return error
  const remedy = remedies.get(error.errcode & 0xff) ?? otherRemedy
  const message = `The store ${file} cannot be used: ${error.message}. ${remedy}.`
  return new UserError(message, 1, { cause: error })
}

/**
 * @param file `:memory:` for a store without one
 * @throws UserError when the file cannot be opened or written, is in use by another, or is no store
 */
export function openStore(file: string): Store {
  const explained = <Result>(work: () => Result): Result => {
    try {
      return work()
    } catch (error) {
      throw storeError(file, error)
    }
  }
  const database = explained(() => new DatabaseSync(file))
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string) => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    if (statements.size >= maxStatements) statements.clear()
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const numberOf = (pragma: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  const atomically = (work: () => void) => {
    database.exec('BEGIN IMMEDIATE')
    try {
      work()
      database.exec('COMMIT')
    } catch (error) {
      // SQLite may have done so itself, such as when the disk is full.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  try {
    explained(() => database.exec(pragmas))
    // Takes the lock, whatever comes first.
    explained(() => atomically(() => undefined))
  } catch (error) {
    database.close()
    throw error
  }
  return {
    all: <Row>(sql: string, ...values: readonly Cell[]) =>
      explained(() => {
        const rows: unknown = prepared(sql).all(...values)
        return rows as readonly Row[]
      }),
    // A statement that is stepped through cannot be used by another meanwhile: it has its own.
    each<Row>(sql: string, ...values: readonly Cell[]) {
      const rows: unknown = database.prepare(sql).iterate(...values)
      return rows as Iterable<Row>
    },
    run: (sql, ...values) => explained(() => Number(prepared(sql).run(...values).changes)),
    atomically: (work) => explained(() => atomically(work)),
    usedBytes: () => (numberOf('page_count') - numberOf('freelist_count')) * numberOf('page_size'),
    close() {
      statements.clear()
      database.close()
    },
  }
}
