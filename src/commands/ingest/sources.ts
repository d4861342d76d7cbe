/** The sources of webhooks, from the settings and the files that they name. */
import {
  maxSigningKeys,
  readSources,
  sourceKeyFault,
  splitKeys,
  type Source,
  type SourceEntry,
} from '../../core/ingest/source.ts'
import { asError, UserError } from '../../core/model/errors.ts'
import { readSettingFile } from '../../edge/bounded-file.ts'
import type { Settings } from '../../settings/settings.ts'
import { problemLine } from '../hooks/topic.ts'

/** @throws UserError that lists every problem, without any key */
export function sourcesOf(settings: Settings): readonly Source[] {
  const { ingestSourcesFile: file } = settings
  const faults: string[] = []
  const entries = file === undefined ? [ownEntry(settings)] : entriesOf(file)
  const sources = entries.map((entry): Source => {
    const { path, tenantId, signingKeysFile } = entry
    const topic = entry.topic ?? settings.ingestTopic ?? onlyTopic(settings)
    if (topic === undefined) faults.push(`${path}: ${noTopic}`)
    const read = signingKeysFile === undefined ? entry : keysIn(signingKeysFile, path)
    if ('fault' in read) faults.push(read.fault)
    const signingKeys = 'fault' in read ? [] : read.signingKeys
    return { path, tenantId, topic: topic ?? '', signingKeys }
  })
  if (faults.length > 0) throw UserError.listing('hooktide ingest cannot start', faults, 2)
  return sources
}

const noTopic =
  'several event topics are configured: choose one with HOOKTIDE_INGEST_TOPIC, or with "topic" in the sources file'

function onlyTopic({ topics }: Settings): string | undefined {
  const [topic, ...others] = topics.events
  return others.length === 0 ? topic : undefined
}

function ownEntry(settings: Settings): SourceEntry {
  const { ingestSigningKeys, ingestSigningKeysFile } = settings
  if (ingestSigningKeys === undefined && ingestSigningKeysFile === undefined) {
    throw new UserError(
      "The signing key of Logto's webhook is missing: set HOOKTIDE_INGEST_SIGNING_KEYS or HOOKTIDE_INGEST_SIGNING_KEYS_FILE, or HOOKTIDE_INGEST_SOURCES_FILE for several webhooks.",
      2,
    )
  }
  return {
    path: settings.ingestPath,
    tenantId: settings.ingestTenant,
    topic: undefined,
    signingKeys: ingestSigningKeys ?? [],
    signingKeysFile: ingestSigningKeysFile,
  }
}

function entriesOf(file: string): readonly SourceEntry[] {
  const name = 'The file of HOOKTIDE_INGEST_SOURCES_FILE'
  const read = readSources(textOf(file, 'HOOKTIDE_INGEST_SOURCES_FILE'))
  if (read.kind === 'sources') return read.entries
  throw UserError.listing(`${name} is not usable`, read.problems.map(problemLine), 2)
}

function textOf(file: string, of: string): string {
  try {
    return readSettingFile(file)
  } catch (error) {
    throw new UserError(`${of} cannot be read: ${asError(error).message}.`, 2, { cause: error })
  }
}

/** @param path of the source */
function keysIn(
  file: string,
  path: string,
): { readonly signingKeys: readonly string[] } | { readonly fault: string } {
  const signingKeys = splitKeys(textOf(file, `The file with the signing keys of ${path}`))
  const words = `${path}: its file of signing keys`
  if (signingKeys.length === 0) return { fault: `${words} is empty` }
  if (signingKeys.length > maxSigningKeys) {
    return { fault: `${words} has more than ${maxSigningKeys} keys` }
  }
  const fault = signingKeys.map(sourceKeyFault).find((one) => one !== undefined)
  return fault === undefined ? { signingKeys } : { fault: `${words} has a key that ${fault}` }
}
