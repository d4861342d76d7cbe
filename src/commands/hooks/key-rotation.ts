/** A new signing key for a hook, while the old one goes on signing for those who do not have the new one yet. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import type { EpochMs } from '../../core/model/model.ts'

/**
 * The hook with the new key, all else as it was. The old one joins `delivery.previousSigningKeys`, newest first, unless
 * it is empty; those that have expired leave it.
 *
 * @param overlapMs how long the old key goes on signing; 0: not at all
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
 * A hook that is written again in the middle of a rotation: where it has the key of before and says nothing of older ones,
 * those that have not expired go on signing.
 *
 * @param known the hook as it stands, with the key that it has
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
