/** The hook topic as commands see it: the newest record of each hook, read as the processor reads it. */
import { decodeFramedHook } from '../core/framed-value.ts'
import type { DecodedHook } from '../core/hook.ts'
import { readJsonObject, type JsonObject } from '../core/json-text.ts'
import type { Settings } from '../config.ts'
import type { FieldProblem, HookId, InboundRecord, TenantId } from '../core/model.ts'
import { readTopic } from '../edge/kafka-reader.ts'
import { createSchemaReader, type SchemaReader } from '../edge/schema-source.ts'
import type { CommandContext } from './command.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'
import { registrySettingsOf } from './option-values.ts'

export interface StoredHook {
  readonly id: HookId
  readonly entry: Extract<DecodedHook, { readonly kind: 'active' | 'suspended' }>
  /** The object as it was written; empty when the record is none. */
  readonly members: JsonObject
}

/** @throws UserError when the topic cannot be read, or the registry cannot be asked for the schema of a framed hook */
export async function readHooks({
  settings,
  signal,
}: Pick<CommandContext, 'settings' | 'signal'>): Promise<ReadonlyMap<HookId, StoredHook>> {
  const hooks = new Map<HookId, StoredHook>()
  const schemas = createSchemaReader(registrySettingsOf(settings))
  for await (const records of readTopic({ ...hookTopic(settings), signal, log: quiet })) {
    for (const record of records) {
      const { decoded, value } = await decode(record, schemas)
      if (decoded.kind === 'unusable') continue
      if (decoded.kind === 'tombstone') hooks.delete(decoded.id)
      else
        hooks.set(decoded.hook.id, {
          id: decoded.hook.id,
          entry: decoded,
          members: membersOf(value),
        })
    }
  }
  return hooks
}

async function decode(record: InboundRecord, schemas: SchemaReader) {
  for (;;) {
    const framed = decodeFramedHook(record, schemas.find)
    if (framed.kind === 'hook') return framed
    await schemas.ask(framed.id)
  }
}

function hookTopic(settings: Settings) {
  const kafka = kafkaSettingsOf(settings)
  return {
    settings: kafka,
    topic: settings.topics.hooks,
    from: 'earliest',
    isFollowing: false,
  } as const
}

function membersOf(value: Buffer | null): JsonObject {
  const json = readJsonObject(value)
  return json.kind === 'object' ? json.members : {}
}

export function tenantOf({ entry }: StoredHook): TenantId | undefined {
  return entry.hook.tenantId
}

export function problemsOf({ entry }: StoredHook): readonly FieldProblem[] {
  return entry.kind === 'suspended' ? entry.hook.problems : []
}

/** One line for people. */
export function problemLine({ field, message }: FieldProblem): string {
  return field === '' ? message : `${field} ${message}`
}
