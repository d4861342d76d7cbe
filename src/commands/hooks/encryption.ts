/** The encryption keys of the settings, and what commands do without them. */
import { randomBytes } from 'node:crypto'
import { asError, UserError } from '../../core/model/errors.ts'
import {
  decryptWith,
  isEncrypted,
  ivBytes,
  keyIdOf,
  leaveEncrypted,
  parseEncryptionKeys,
  type Decrypt,
  type EncryptionKey,
} from '../../core/hook/encrypted-text.ts'
import { secretsOf, withEncryptedSecrets } from '../../core/hook/secrets.ts'
import type { JsonObject } from '../../core/text/json-text.ts'
import type { FieldProblem } from '../../core/model/model.ts'
import { readSettingFile } from '../../edge/bounded-file.ts'
import type { Settings } from '../../settings/settings.ts'

/**
 * The encryption keys, newest first; an empty list if none are set.
 *
 * @throws UserError when the key file cannot be read, or does not hold keys
 */
export function encryptionKeysOf({
  encryptionKeys,
  encryptionKeysFile: file,
}: Pick<Settings, 'encryptionKeys' | 'encryptionKeysFile'>): readonly EncryptionKey[] {
  if (file === undefined) return encryptionKeys ?? []
  const read = parseEncryptionKeys(textOf(file))
  if (read.kind === 'keys') return read.keys
  throw new UserError(`The file of HOOKTIDE_ENCRYPTION_KEYS_FILE, ${file}, ${read.message}.`, 2)
}

function textOf(file: string): string {
  try {
    return readSettingFile(file)
  } catch (error) {
    throw new UserError(
      `HOOKTIDE_ENCRYPTION_KEYS_FILE cannot be read: ${asError(error).message}.`,
      2,
      { cause: error },
    )
  }
}

/** The hook as it is to be written: its secrets encrypted with the newest key, if there is a key. */
export function encryptedIfPossible(hook: JsonObject, keys: readonly EncryptionKey[]): JsonObject {
  const [newest] = keys
  return newest === undefined ? hook : withEncryptedSecrets(hook, newest, newIv)
}

export function newIv(): Buffer {
  return randomBytes(ivBytes)
}

/** Without keys, encrypted secrets stay encrypted and count as valid. */
export function decryptIfPossible(keys: readonly EncryptionKey[]): Decrypt {
  return keys.length === 0 ? leaveEncrypted : decryptWith(keys)
}

/**
 * Problems with the secrets of a hook that is written without encryption keys: a secret that is encrypted and differs from
 * the one in the topic, or a secret in plain text although the topic has the hook's secrets encrypted.
 *
 * @param stored the hook as the topic has it
 */
export function encryptionProblems(
  hook: JsonObject,
  stored: JsonObject,
  keys: readonly EncryptionKey[],
): readonly FieldProblem[] {
  if (keys.length > 0) return []
  const known = new Set(secretsOf(stored).map(({ text }) => text))
  const isStoredEncrypted = [...known].some(isEncrypted)
  return secretsOf(hook).flatMap(({ field, text }) => {
    if (keyIdOf(text) !== undefined) return known.has(text) ? [] : [{ field, message: foreign }]
    return isStoredEncrypted && !isEncrypted(text) ? [{ field, message: inClear }] : []
  })
}

const foreign = 'is encrypted: set HOOKTIDE_ENCRYPTION_KEYS, or write it in plain text'
const inClear =
  'would be written in plain text, but the secrets of this hook are encrypted: set HOOKTIDE_ENCRYPTION_KEYS'
