/** Replaces the signing key of a hook. The old key still signs for a while, for receivers that do not have the new one. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import type { EpochMs } from '../../core/model/model.ts'

/**
 * The hook with the new key. The old key is put first in `delivery.previousSigningKeys`, unless it is empty. Expired keys
 * are removed from there.
 *
 * @param overlapMs how long the old key still signs; 0 for not at all
 */
export function withNewKey(
  hook: JsonObject,
  signingKey: string,
  { now, overlapMs }: { readonly now: EpochMs; readonly overlapMs: number },
): JsonObject {
  const old = hook['signingKey']
  const isKept = typeof old === 'string' && old !== '' && overlapMs > 0
  const delivery = isJsonObject(hook['delivery']) ? hook['delivery'] : {}
  const previousSigningKeys = [
    ...(isKept ? [{ key: old, expiresAt: now + overlapMs }] : []),
    ...listOf(delivery['previousSigningKeys']).filter((key) => expiryOf(key) > now),
  ]
  const { previousSigningKeys: _, ...others } = delivery
  const next = previousSigningKeys.length === 0 ? others : { ...others, previousSigningKeys }
  if (hook['delivery'] === undefined && previousSigningKeys.length === 0) {
    return { ...hook, signingKey }
  }
  return { ...hook, signingKey, delivery: next }
}

/**
 * Keeps previous keys when a hook is written again during a rotation. If `hook` has the same signing key and names no
 * previous keys, those of the topic that have not expired are kept.
 *
 * @param known signing key and `delivery` of the hook in the topic
 */
export function withKeysOf(
  hook: JsonObject,
  known: { readonly signingKey: unknown; readonly delivery: unknown },
  now: EpochMs,
): JsonObject {
  const delivery = hook['delivery'] ?? {}
  if (hook['signingKey'] !== known.signingKey || !isJsonObject(delivery)) return hook
  const stored = isJsonObject(known.delivery) ? listOf(known.delivery['previousSigningKeys']) : []
  const previousSigningKeys = stored.filter((key) => expiryOf(key) > now)
  if (previousSigningKeys.length === 0 || Object.hasOwn(delivery, 'previousSigningKeys'))
    return hook
  return { ...hook, delivery: { ...delivery, previousSigningKeys } }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function expiryOf(key: unknown): EpochMs {
  const expiresAt = isJsonObject(key) ? key['expiresAt'] : undefined
  return typeof expiresAt === 'number' ? expiresAt : 0
}
