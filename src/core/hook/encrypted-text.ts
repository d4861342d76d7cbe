/**
 * Secrets of a hook encrypted at rest: AES-256-GCM (NIST SP 800-38D), as text that stands where the secret would.
 *
 * Form: `hooktide-enc:v1:<key id>:<base64url of 12 bytes IV, ciphertext, 16 bytes tag>`. Nothing that begins with
 * `hooktide-enc:` is taken for a secret itself. Tenant, hook and use are authenticated with it: text that was copied to
 * another hook, or from a signing key to a header, cannot be decrypted there.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  type KeyObject,
} from 'node:crypto'
import type { HookId, TenantId } from '../model/model.ts'

export interface EncryptionKey {
  /** The first 12 hex digits of the key's SHA-256: two keys never share a name by mistake. */
  readonly id: string
  readonly secret: KeyObject
}

/** Whose secret it is, and what for. */
export interface SecretPlace {
  readonly tenantId: TenantId
  readonly hookId: HookId
  readonly use: SecretUse
}

/** A header's name is in lower case. */
export type SecretUse =
  | 'signing-key'
  | 'oauth-client-secret'
  | 'client-certificate-key'
  | `header:${string}`

export type Decrypted =
  | { readonly kind: 'text'; readonly text: string }
  /** Left as it is, for want of keys. */
  | { readonly kind: 'encrypted' }
  /** Completes a sentence that begins with the field's name. Never has anything of the text but the id of its key. */
  | { readonly kind: 'fault'; readonly message: string }

/** Text that is not encrypted is given back as it is. */
export type Decrypt = (text: string, place: SecretPlace) => Decrypted

const algorithm = 'aes-256-gcm'
const keyBytes = 32
export const ivBytes = 12
const tagBytes = 16
const maxKeys = 16
const prefix = 'hooktide-enc:'
const version = 'v1'
/** Headers of a hook may have 8,192 characters, of two bytes each in UTF-8. Longer text is not encrypted. */
const form = /^hooktide-enc:v1:([\da-f]{12}):([\w-]{39,22528})$/

export function isEncrypted(text: string): boolean {
  return text.startsWith(prefix)
}

/** The id of the key that it was encrypted with; `undefined` when it is no text of {@link encrypt}. */
export function keyIdOf(text: string): string | undefined {
  return form.exec(text)?.[1]
}

/**
 * Reads keys of 32 bytes, each as base64 or as hex, several apart by commas or white space: the first encrypts, all
 * decrypt. A fault completes the sentence "<variable> …", and has nothing of the text.
 */
export function parseEncryptionKeys(
  text: string,
):
  | { readonly kind: 'keys'; readonly keys: readonly EncryptionKey[] }
  | { readonly kind: 'fault'; readonly message: string } {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  if (words.length === 0) return { kind: 'fault', message: 'has no key' }
  if (words.length > maxKeys) return { kind: 'fault', message: `has more than ${maxKeys} keys` }
  const keys: EncryptionKey[] = []
  for (const [index, word] of words.entries()) {
    const key = readKey(word)
    if (key === undefined) {
      const message = `must be keys of ${keyBytes} bytes as base64 or hex, and key ${index + 1} is none: "openssl rand -base64 32" makes one`
      return { kind: 'fault', message }
    }
    if (keys.some(({ id }) => id === key.id)) {
      return { kind: 'fault', message: `has key ${key.id} twice` }
    }
    keys.push(key)
  }
  return { kind: 'keys', keys }
}

function readKey(word: string): EncryptionKey | undefined {
  const bytes = /^[\da-f]{64}$/i.test(word) ? Buffer.from(word, 'hex') : Buffer.from(word, 'base64')
  const isBase64 = bytes.toString('base64') === word
  if (bytes.length !== keyBytes || !(isBase64 || word.length === 2 * keyBytes)) return undefined
  return { id: hash('sha256', bytes, 'hex').slice(0, 12), secret: createSecretKey(bytes) }
}

/** @param iv 12 random bytes, never used before with this key */
export function encrypt(text: string, place: SecretPlace, key: EncryptionKey, iv: Buffer): string {
  const cipher = createCipheriv(algorithm, key.secret, iv, { authTagLength: tagBytes })
  cipher.setAAD(placeBytes(place))
  const parts = [iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return `${prefix}${version}:${key.id}:${Buffer.concat(parts).toString('base64url')}`
}

/** For who has the keys, or is to have them: what cannot be decrypted is a fault. */
export function decryptWith(keys: readonly EncryptionKey[]): Decrypt {
  return (text, place) => {
    if (!isEncrypted(text)) return { kind: 'text', text }
    const [, keyId, body] = form.exec(text) ?? []
    if (keyId === undefined || body === undefined) return unreadable
    const key = keys.find(({ id }) => id === keyId)
    if (key === undefined) return { kind: 'fault', message: missing(keyId, keys.length > 0) }
    const plain = decrypted(Buffer.from(body, 'base64url'), place, key)
    if (plain === undefined) return foreign
    return isEncrypted(plain) ? unreadable : { kind: 'text', text: plain }
  }
}

/** For who has no keys and needs none: whether it could be decrypted is not said. */
export function leaveEncrypted(text: string): Decrypted {
  if (!isEncrypted(text)) return { kind: 'text', text }
  return keyIdOf(text) === undefined ? unreadable : { kind: 'encrypted' }
}

const unreadable: Decrypted = {
  kind: 'fault',
  message: `begins with ${prefix} and is no text that hooktide has encrypted`,
}
const foreign: Decrypted = {
  kind: 'fault',
  message:
    'cannot be decrypted: it was encrypted for another hook, tenant or field, or changed afterwards',
}

function missing(keyId: string, hasKeys: boolean): string {
  return hasKeys
    ? `is encrypted with key ${keyId}, which HOOKTIDE_ENCRYPTION_KEYS does not have`
    : `is encrypted with key ${keyId}: set HOOKTIDE_ENCRYPTION_KEYS`
}

function decrypted(bytes: Buffer, place: SecretPlace, key: EncryptionKey): string | undefined {
  const tagAt = bytes.length - tagBytes
  const iv = bytes.subarray(0, ivBytes)
  const decipher = createDecipheriv(algorithm, key.secret, iv, { authTagLength: tagBytes })
  decipher.setAAD(placeBytes(place))
  decipher.setAuthTag(bytes.subarray(tagAt))
  try {
    const text = decipher.update(bytes.subarray(ivBytes, tagAt), undefined, 'utf8')
    return text + decipher.final('utf8')
  } catch {
    return undefined
  }
}

function placeBytes({ tenantId, hookId, use }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([prefix + version, tenantId, hookId, use]))
}
