/** Limits of what one process holds at once. */

export interface IngestBounds {
  /** Connections without an event on the way to Kafka. */
  readonly connections: number
  /** Events that wait for Kafka. Each may hold a connection of its own. */
  readonly records: number
  /** Bytes of these events. */
  readonly bytes: number
  /** Written events that are remembered. Each takes about 100 bytes. */
  readonly remembered: number
}

const most = {
  connections: 4_096,
  records: 20_000,
  bytes: 64 * 1024 * 1024,
  remembered: 50_000,
} as const

/**
 * Keeps connections below the system's limit of open files. At that limit the system refuses all connections, including
 * those to Kafka. An eighth of the limit is left for these and for files.
 *
 * @param openFiles the limit of open files and sockets; `undefined` if there is none
 */
export function ingestBounds(openFiles: number | undefined): IngestBounds {
  if (openFiles === undefined) return most
  const connections = Math.min(most.connections, Math.floor(openFiles / 4))
  const left = openFiles - connections - Math.ceil(openFiles / 8)
  return { ...most, connections, records: Math.max(1, Math.min(most.records, left)) }
}
