/** How much a process takes at once. */

export interface IngestBounds {
  /** Connections that wait, with no event of theirs under way. */
  readonly connections: number
  /** Events that wait for Kafka: each may have a connection of its own. */
  readonly records: number
  /** Of these events. */
  readonly bytes: number
  /** Events that were written and are known as such: each takes about 100 bytes. */
  readonly remembered: number
}

const most = {
  connections: 4_096,
  records: 20_000,
  bytes: 64 * 1024 * 1024,
  remembered: 50_000,
} as const

/**
 * Beyond the system's limit connections would be refused whoever comes, and so would those to Kafka. An eighth of the limit
 * is left to these and to files.
 *
 * @param openFiles how many files and sockets may be open; `undefined` for any number
 */
export function ingestBounds(openFiles: number | undefined): IngestBounds {
  if (openFiles === undefined) return most
  const connections = Math.min(most.connections, Math.floor(openFiles / 4))
  const left = openFiles - connections - Math.ceil(openFiles / 8)
  return { ...most, connections, records: Math.max(1, Math.min(most.records, left)) }
}
