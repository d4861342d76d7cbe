/** The hook topic as commands see it: the newest record of each hook, read as the processor reads it. */
import { decodeHook, type DecodedHook } from '../core/hook.ts'
import { readJsonObject, type JsonObject } from '../core/json-text.ts'
import type { Settings } from '../config.ts'
import type { FieldProblem, HookId, TenantId } from '../core/model.ts'
import { readTopic } from '../edge/kafka-reader.ts'
import type { CommandContext } from './command.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'

export interface StoredHook {
  readonly id: HookId
  readonly entry: Extract<DecodedHook, { readonly kind: 'active' | 'suspended' }>
  /** The object as it was written; empty when the record is none. */
  readonly members: JsonObject
}

/** @throws UserError when the topic cannot be read */
export async function readHooks({
  settings,
  signal,
}: Pick<CommandContext, 'settings' | 'signal'>): Promise<ReadonlyMap<HookId, StoredHook>> {
  const hooks = new Map<HookId, StoredHook>()
  for await (const records of readTopic({ ...hookTopic(settings), signal, log: quiet })) {
    for (const record of records) {
      const decoded = decodeHook(record)
      if (decoded.kind === 'unusable') continue
      if (decoded.kind === 'tombstone') hooks.delete(decoded.id)
      else
        hooks.set(decoded.hook.id, {
          id: decoded.hook.id,
          entry: decoded,
          members: membersOf(record.value),
        })
    }
  }
  return hooks
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
