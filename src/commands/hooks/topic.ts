/** Reads the hook topic for commands: the newest record of each hook, decoded as the processor decodes it. */
import { readHookValue } from '../../core/hook/captured-change.ts'
import { isEncrypted, type Decrypt, type EncryptionKey } from '../../core/hook/encrypted-text.ts'
import { decodeFramedHook } from '../../core/hook/framed-hook.ts'
import { hookIdOf, type DecodedHook } from '../../core/hook/hook.ts'
import { secretsOf, withDecryptedSecrets } from '../../core/hook/secrets.ts'
import { NewestRecords } from '../../core/hook/table.ts'
import type { JsonObject } from '../../core/text/json-text.ts'
import type {
  EpochMs,
  FieldProblem,
  HookId,
  InboundRecord,
  TenantId,
} from '../../core/model/model.ts'
import { filterFault } from '../../edge/filter/cel.ts'
import { createSchemaReader, type SchemaReader } from '../../edge/registry/schema-source.ts'
import type { Settings } from '../../settings/settings.ts'
import type { CommandContext } from '../command.ts'
import { decryptIfPossible } from './encryption.ts'
import { readToEnd } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'

export interface StoredHook {
  readonly id: HookId
  readonly entry: Extract<DecodedHook, { readonly kind: 'active' | 'suspended' }>
  /** The object as it was written; a captured row has the field names of a hook. Empty if the record is not an object. */
  readonly written: JsonObject
  /** The same, with its secrets decrypted as far as possible. */
  readonly members: JsonObject
  /** When its newest record was written. */
  readonly writtenAt: EpochMs
  /** Whether it is a row captured from a database. */
  readonly isCaptured: boolean
  /** The record's key: the id, or the form that change data capture writes. */
  readonly key: Buffer
  /**
   * All keys under which the topic has a value of the hook. Compaction treats each key by itself: if only one of them were
   * deleted, the hook would come back from another one once compaction has removed the tombstone.
   */
  readonly keys: readonly Buffer[]
}

/**
 * @param keys keys to decrypt secrets with; without keys, encrypted secrets stay encrypted and count as valid
 * @throws UserError when the topic cannot be read, or the registry does not answer for the schema of a framed hook
 */
export async function readHooks(
  context: Pick<CommandContext, 'settings' | 'signal'>,
  keys: readonly EncryptionKey[] = [],
): Promise<ReadonlyMap<HookId, StoredHook>> {
  const { settings } = context
  const reading = createHookReading(settings, keys)
  for await (const records of readToEnd(context, settings.topics.hooks)) {
    for (const record of records) await reading.take(record)
  }
  return reading.hooks
}

/** Hooks as far as their topic was read. */
export interface HookReading {
  readonly hooks: ReadonlyMap<HookId, StoredHook>
  /**
   * Takes the next record of a partition.
   *
   * @throws UserError when the registry cannot be asked for the schema of a framed hook
   */
  take(record: InboundRecord): Promise<void>
  /** The topic was read to its end. Records are new from then on, and nothing is kept of hooks that were deleted. */
  loaded(): void
}

/** @param keys as those of {@link readHooks} */
export function createHookReading(settings: Settings, keys: readonly EncryptionKey[]): HookReading {
  const decrypt = decryptIfPossible(keys)
  const hooks = new StoredHooks(decrypt)
  const schemas = createSchemaReader(registrySettingsOf(settings))
  return {
    hooks: hooks.newest,
    async take(record) {
      const { decoded, value } = await decode(record, schemas, decrypt)
      hooks.add(decoded, value, record)
    },
    loaded: () => hooks.loaded(),
  }
}

class StoredHooks {
  readonly newest = new Map<HookId, StoredHook>()
  /** Needed until the topic is read to its end. */
  #order: NewestRecords | undefined = new NewestRecords()
  readonly #keys = new Map<HookId, Buffer[]>()
  readonly #decrypt: Decrypt

  constructor(decrypt: Decrypt) {
    this.#decrypt = decrypt
  }

  /** @param value the record's value as JSON text */
  add(decoded: DecodedHook, value: Buffer | null, record: InboundRecord): void {
    const id = hookIdOf(decoded)
    const { key } = record
    if (id === undefined || key === null) return
    const keys = this.#keysOf(id, key, record.value !== null)
    if (this.#order?.admits(id, record) === false) return
    if (decoded.kind === 'active' || decoded.kind === 'suspended') {
      const { timestamp: writtenAt } = record
      this.newest.set(id, { id, entry: decoded, ...this.#contentOf(value), key, keys, writtenAt })
    } else this.newest.delete(id)
  }

  loaded(): void {
    this.#order = undefined
  }

  #contentOf(value: Buffer | null): Pick<StoredHook, 'written' | 'members' | 'isCaptured'> {
    const read = value === null ? undefined : readHookValue(value)
    if (read?.kind !== 'object') return { written: {}, members: {}, isCaptured: false }
    const { members: written, isCaptured } = read
    return { written, members: withDecryptedSecrets(written, this.#decrypt), isCaptured }
  }

  #keysOf(id: HookId, key: Buffer, hasValue: boolean): readonly Buffer[] {
    const keys = this.#keys.get(id) ?? []
    const index = keys.findIndex((known) => known.equals(key))
    if (hasValue && index < 0) keys.push(key)
    if (!hasValue && index >= 0) keys.splice(index, 1)
    if (keys.length > 0) this.#keys.set(id, keys)
    else this.#keys.delete(id)
    return keys
  }
}

async function decode(record: InboundRecord, schemas: SchemaReader, decrypt: Decrypt) {
  for (;;) {
    const framed = decodeFramedHook(record, schemas.find, filterFault, decrypt)
    if (framed.kind === 'hook') return framed
    await schemas.ask(framed.id)
  }
}

/** Whether the hook has secrets that are encrypted and could not be decrypted. */
export function hasUndecryptedSecrets({ members }: StoredHook): boolean {
  return secretsOf(members).some(({ text }) => isEncrypted(text))
}

export function tenantOf({ entry }: StoredHook): TenantId | undefined {
  return entry.hook.tenantId
}

export function problemsOf({ entry }: StoredHook): readonly FieldProblem[] {
  return entry.kind === 'suspended' ? entry.hook.problems : []
}

/** The problem as a sentence. */
export function problemLine({ field, message }: FieldProblem): string {
  return field === '' ? message : `${field} ${message}`
}
