/** The settings of `hooktide ingest`: a part of the table, and the faults of their combinations. */
import {
  integer,
  jsonFile,
  signingKeys,
  signingKeysFile,
  sourcePath,
  tenantId,
  text,
  topicName,
} from './parsers.ts'
import { secretOf, setting } from './setting.ts'

export const ingestTable = {
  ingestPort: setting(
    'HOOKTIDE_INGEST_PORT',
    '9401',
    integer(0, 65_535),
    "Port for Logto's webhooks. 0 picks a free port.",
  ),
  ingestHost: setting(
    'HOOKTIDE_INGEST_HOST',
    '0.0.0.0',
    text,
    "Address that the port for Logto's webhooks listens on.",
  ),
  ingestSigningKeys: secretOf(
    'HOOKTIDE_INGEST_SIGNING_KEYS',
    signingKeys,
    "Signing keys of Logto's webhook, separated by commas. Each of them is accepted.",
  ),
  ingestSigningKeysFile: setting(
    'HOOKTIDE_INGEST_SIGNING_KEYS_FILE',
    '',
    signingKeysFile,
    'File with the signing keys, one per line, in place of the variable.',
  ),
  ingestPath: setting(
    'HOOKTIDE_INGEST_PATH',
    '/logto',
    sourcePath,
    "Path of the URL of Logto's webhook.",
  ),
  ingestTenant: setting(
    'HOOKTIDE_INGEST_TENANT',
    'default',
    tenantId,
    "Tenant of the events of Logto's webhook.",
  ),
  ingestTopic: setting(
    'HOOKTIDE_INGEST_TOPIC',
    '',
    topicName,
    'Topic that events are written to. The default is the event topic, if only one is configured.',
  ),
  ingestSourcesFile: setting(
    'HOOKTIDE_INGEST_SOURCES_FILE',
    '',
    jsonFile,
    'JSON file with several webhooks, each with its path, tenant and keys, in place of a single one.',
  ),
  ingestMaxBodyBytes: setting(
    'HOOKTIDE_INGEST_MAX_BODY_BYTES',
    '1000000',
    integer(1_000, 30_000_000),
    'Maximum size of a body.',
  ),
  ingestAckTimeoutMs: setting(
    'HOOKTIDE_INGEST_ACK_TIMEOUT_MS',
    '8000',
    integer(100, 60_000),
    'Time limit for Kafka to acknowledge an event. After that the answer is 503. Logto waits 10 s.',
  ),
} as const

interface IngestRead {
  readonly ingestSigningKeys?: readonly string[] | undefined
  readonly ingestSigningKeysFile?: string | undefined
  readonly ingestSourcesFile?: string | undefined
}

/** A fault if keys are given in more than one way. */
export function ingestFaults(read: IngestRead): readonly string[] {
  const ways = [
    [ingestTable.ingestSigningKeys, read.ingestSigningKeys],
    [ingestTable.ingestSigningKeysFile, read.ingestSigningKeysFile],
    [ingestTable.ingestSourcesFile, read.ingestSourcesFile],
  ] as const
  const given = ways.filter(([, value]) => value !== undefined)
  return given.length > 1
    ? [`${given.map(([{ variable }]) => variable).join(' and ')} are set: keep only one of them`]
    : []
}
