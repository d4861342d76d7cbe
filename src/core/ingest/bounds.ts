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

/** The status port has 64 connections. The rest is what the process itself has open, with some to spare. */
const ownFiles = 128
/** Each topic is written by a producer of its own, with one connection to each broker that leads some of its partitions. */
const filesOfTopic = 12
/** The least that is admitted, whatever the limit of open files. */
const least = 16

/**
 * Keeps connections below the system's limit of open files. At that limit the system refuses all connections, including
 * those to Kafka.
 *
 * @param openFiles the limit of open files and sockets; `undefined` if there is none
 * @param topics that events are written to
 */
export function ingestBounds(openFiles: number | undefined, topics: number): IngestBounds {
  if (openFiles === undefined) return most
  const free = openFiles - Math.max(Math.ceil(openFiles / 8), neededFiles(topics))
  const connections = within(Math.floor((free * 2) / 7), most.connections)
  return { ...most, connections, records: within(free - connections, most.records) }
}

/** Whether what Kafka needs takes more than half of the open files. */
export function hasFewFiles(openFiles: number | undefined, topics: number): boolean {
  return openFiles !== undefined && 2 * neededFiles(topics) > openFiles
}

function neededFiles(topics: number): number {
  return ownFiles + filesOfTopic * topics
}

function within(count: number, greatest: number): number {
  return Math.max(least, Math.min(greatest, count))
}
