/** The embedded store of the monitor's index: SQLite, which is part of Node. The only file that knows it. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { asError, UserError } from '../../core/model/errors.ts'

/** What a column holds. */
export type Cell = string | number | null

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
 * - A write waits for no disk. The last ones before a crash of the machine are read from the topics again.
 * - Pages in memory are bounded, in KiB, and so is the log that readers share with the writer.
 */
const pragmas = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -65536;
  PRAGMA wal_autocheckpoint = 2000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA temp_store = MEMORY;
`

/** Queries are put together of few parts. */
const maxStatements = 300

/**
 * @param file `:memory:` for a store without one
 * @throws UserError when the file cannot be opened, or is no store
 */
export function openStore(file: string): Store {
  let database: DatabaseSync
  try {
    database = new DatabaseSync(file)
    database.exec(pragmas)
  } catch (error) {
    throw new UserError(
      `The store ${file} cannot be opened: ${asError(error).message}. Remove it, or name another with HOOKTIDE_MONITOR_STORE.`,
      1,
      { cause: error },
    )
  }
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
  return {
    all<Row>(sql: string, ...values: readonly Cell[]) {
      const rows: unknown = prepared(sql).all(...values)
      return rows as readonly Row[]
    },
    // A statement that is stepped through cannot be used by another meanwhile: it has its own.
    each<Row>(sql: string, ...values: readonly Cell[]) {
      const rows: unknown = database.prepare(sql).iterate(...values)
      return rows as Iterable<Row>
    },
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    atomically(work) {
      database.exec('BEGIN')
      try {
        work()
        database.exec('COMMIT')
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    usedBytes: () => (numberOf('page_count') - numberOf('freelist_count')) * numberOf('page_size'),
    close() {
      statements.clear()
      database.close()
    },
  }
}
