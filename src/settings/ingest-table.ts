/** Settings of `hooktide ingest`, a part of the table, and what they mean together. */
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
    "Port that Logto's webhooks come in by; 0 picks a free one.",
  ),
  ingestHost: setting('HOOKTIDE_INGEST_HOST', '0.0.0.0', text, 'Address that port listens on.'),
  ingestSigningKeys: secretOf(
    'HOOKTIDE_INGEST_SIGNING_KEYS',
    signingKeys,
    "Signing keys of Logto's webhook, comma-separated: any of them counts.",
  ),
  ingestSigningKeysFile: setting(
    'HOOKTIDE_INGEST_SIGNING_KEYS_FILE',
    '',
    signingKeysFile,
    'File with these keys instead, one a line.',
  ),
  ingestPath: setting(
    'HOOKTIDE_INGEST_PATH',
    '/logto',
    sourcePath,
    'Path that the webhook comes in by.',
  ),
  ingestTenant: setting('HOOKTIDE_INGEST_TENANT', 'default', tenantId, 'Tenant of its events.'),
  ingestTopic: setting(
    'HOOKTIDE_INGEST_TOPIC',
    '',
    topicName,
    'Topic that events are written to; default the event topic, where there is one only.',
  ),
  ingestSourcesFile: setting(
    'HOOKTIDE_INGEST_SOURCES_FILE',
    '',
    jsonFile,
    'JSON file with several webhooks, each with its path, tenant and keys, instead of one.',
  ),
  ingestMaxBodyBytes: setting(
    'HOOKTIDE_INGEST_MAX_BODY_BYTES',
    '1000000',
    integer(1_000, 30_000_000),
    'Largest body that is taken.',
  ),
  ingestAckTimeoutMs: setting(
    'HOOKTIDE_INGEST_ACK_TIMEOUT_MS',
    '8000',
    integer(100, 60_000),
    'How long Kafka may take before Logto, which waits for 10 s, is answered with 503.',
  ),
} as const

interface IngestRead {
  readonly ingestSigningKeys?: readonly string[] | undefined
  readonly ingestSigningKeysFile?: string | undefined
  readonly ingestSourcesFile?: string | undefined
}

/** One sentence for keys that are given in two ways, or in none. */
export function ingestFaults(read: IngestRead): readonly string[] {
  const ways = [
    [ingestTable.ingestSigningKeys, read.ingestSigningKeys],
    [ingestTable.ingestSigningKeysFile, read.ingestSigningKeysFile],
    [ingestTable.ingestSourcesFile, read.ingestSourcesFile],
  ] as const
  const given = ways.filter(([, value]) => value !== undefined)
  return given.length > 1
    ? [
        `${given.map(([{ variable }]) => variable).join(' and ')} are set: leave all but one of them out`,
      ]
    : []
}
