/** Tables of the index. A store of another form, or of other topics, is emptied and read anew. */
import type { IndexedResult } from './indexed-result.ts'
import type { Store } from './store.ts'

/** Raised with every change of the tables: what is stored can always be read again. */
const form = '3'

const columnTypes: Readonly<Record<keyof IndexedResult, string>> = {
  deliveryId: 'TEXT',
  run: 'TEXT',
  hookId: 'TEXT',
  tenantId: 'TEXT',
  eventId: 'TEXT',
  eventKey: 'TEXT',
  configVersion: 'TEXT',
  attempt: 'INTEGER',
  maxAttempts: 'INTEGER',
  trigger: 'TEXT',
  outcome: 'TEXT',
  reason: 'TEXT',
  final: 'INTEGER',
  statusCode: 'INTEGER',
  errorClass: 'TEXT',
  errorMessage: 'TEXT',
  blame: 'TEXT',
  url: 'TEXT',
  queuedMs: 'REAL',
  connectMs: 'REAL',
  firstByteMs: 'REAL',
  totalMs: 'REAL',
  responseBody: 'TEXT',
  nextDueAt: 'INTEGER',
  sourceTopic: 'TEXT',
  sourcePartition: 'INTEGER',
  sourceOffset: 'INTEGER',
  eventAt: 'INTEGER',
  attemptedAt: 'INTEGER',
  instance: 'TEXT',
  userId: 'TEXT',
  sourceKey: 'TEXT',
  unmatchedHooks: 'TEXT',
}

function isColumn(name: string): name is keyof IndexedResult {
  return Object.hasOwn(columnTypes, name)
}

/** Columns of `results`: those of the schema of results, by the same names. */
export const resultColumns = Object.keys(columnTypes).filter(isColumn)

const columns = resultColumns.map((name) => `${name} ${columnTypes[name]}`).join(', ')

/**
 * - `results`: one row per result. `latest` marks the row that says what became of the run: the first final one, or else
 *   the newest. Rows have their ids in the order in which they were read.
 *   A delivery may have any number of runs and results, so `results_run` leads to the one row that is sought.
 * - `sums`: of results over spans of time, by hook, tenant, event key, and of all together. Those of one span are beside
 *   each other, so that the oldest are dropped by whole pages.
 * - `open_runs`: how many runs are open. Triggers keep it, whatever changes `results`.
 * - `letters`: dead letters.
 * - `samples`: how far the groups were behind, once a minute.
 * - `positions`: where reading goes on. `topics`: of which topics that is.
 */
const tables = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS positions (
    topic TEXT, partition INTEGER, next INTEGER, PRIMARY KEY (topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS topics (topic TEXT PRIMARY KEY, topicId TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS results (id INTEGER PRIMARY KEY, latest INTEGER NOT NULL, ${columns});
  CREATE INDEX IF NOT EXISTS results_time ON results (attemptedAt);
  CREATE INDEX IF NOT EXISTS results_run ON results (deliveryId, run, latest);
  CREATE INDEX IF NOT EXISTS results_hook ON results (hookId);
  CREATE INDEX IF NOT EXISTS results_event ON results (eventId);
  CREATE INDEX IF NOT EXISTS results_user ON results (userId) WHERE userId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS results_key ON results (sourceKey) WHERE sourceKey IS NOT NULL;
  CREATE INDEX IF NOT EXISTS results_trouble ON results (outcome) WHERE outcome <> 'delivered';
  CREATE INDEX IF NOT EXISTS results_open ON results (latest) WHERE latest = 1 AND final = 0;
  CREATE TABLE IF NOT EXISTS sums (
    dimension TEXT, span INTEGER, name TEXT, calls INTEGER, delivered INTEGER, ended INTEGER,
    total BLOB, first BLOB, failures TEXT, PRIMARY KEY (dimension, span, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS open_runs (
    hookId TEXT, tenantId TEXT, eventKey TEXT, isDeferred INTEGER, count INTEGER NOT NULL,
    PRIMARY KEY (hookId, tenantId, eventKey, isDeferred)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS letters (
    topic TEXT, partition INTEGER, offset INTEGER, diedAt INTEGER, deliveryId TEXT, hookId TEXT, tenantId TEXT,
    eventId TEXT, eventKey TEXT, reason TEXT, statusCode INTEGER, attempts INTEGER, bytes INTEGER,
    PRIMARY KEY (topic, partition, offset)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS letters_time ON letters (diedAt);
  CREATE INDEX IF NOT EXISTS letters_hook ON letters (hookId, diedAt);
  CREATE INDEX IF NOT EXISTS letters_delivery ON letters (deliveryId);
  CREATE TABLE IF NOT EXISTS samples (minute INTEGER PRIMARY KEY, lag INTEGER, waiting INTEGER);
`

const isOpen = (row: 'old' | 'new') => `${row}.latest = 1 AND ${row}.final = 0`
const openKey = (row: 'old' | 'new') =>
  `${row}.hookId, ${row}.tenantId, ${row}.eventKey, ${row}.outcome = 'deferred'`
const closeRun = `
  UPDATE open_runs SET count = count - 1 WHERE (hookId, tenantId, eventKey, isDeferred) = (${openKey('old')});
  DELETE FROM open_runs WHERE (hookId, tenantId, eventKey, isDeferred) = (${openKey('old')}) AND count = 0;`

const triggers = [
  `CREATE TRIGGER IF NOT EXISTS run_opened AFTER INSERT ON results WHEN ${isOpen('new')} BEGIN
    INSERT INTO open_runs VALUES (${openKey('new')}, 1) ON CONFLICT DO UPDATE SET count = count + 1;
  END`,
  `CREATE TRIGGER IF NOT EXISTS run_closed AFTER UPDATE OF latest ON results
    WHEN ${isOpen('old')} AND NOT (${isOpen('new')}) BEGIN ${closeRun} END`,
  `CREATE TRIGGER IF NOT EXISTS run_dropped AFTER DELETE ON results WHEN ${isOpen('old')} BEGIN ${closeRun} END`,
]

const tableNames = [
  ...['meta', 'positions', 'topics', 'results', 'sums', 'open_runs', 'letters', 'samples'],
]

/** @param source what the store is filled from: a store of another source is emptied */
export function prepareTables(store: Store, source: string): void {
  store.run(
    'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
  )
  const identity = JSON.stringify([form, source])
  const [known] = store.all<{ readonly value: string }>(
    "SELECT value FROM meta WHERE name = 'identity'",
  )
  if (known?.value !== identity)
    for (const name of tableNames) store.run(`DROP TABLE IF EXISTS ${name}`)
  const statements = [...tables.split(';').filter((one) => one.trim() !== ''), ...triggers]
  for (const statement of statements) store.run(statement)
  store.run("INSERT OR REPLACE INTO meta VALUES ('identity', ?)", identity)
}
