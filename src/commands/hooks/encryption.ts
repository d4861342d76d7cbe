/** The keys that secrets of hooks are encrypted with, as the settings give them. */
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
 * Newest first; none where none are set.
 *
 * @throws UserError when their file cannot be read, or has something else
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

/** The hook as it is written: with its secrets encrypted by the newest key, if there is one. */
export function encryptedIfPossible(hook: JsonObject, keys: readonly EncryptionKey[]): JsonObject {
  const [newest] = keys
  return newest === undefined ? hook : withEncryptedSecrets(hook, newest, newIv)
}

export function newIv(): Buffer {
  return randomBytes(ivBytes)
}

/** For commands that can do without keys: then what is encrypted stays so, and counts as readable. */
export function decryptIfPossible(keys: readonly EncryptionKey[]): Decrypt {
  return keys.length === 0 ? leaveEncrypted : decryptWith(keys)
}

/**
 * Secrets of a hook that cannot be written as they are, since there are no keys: those that are encrypted and not the
 * ones of the topic, and those in clear where the topic has them encrypted.
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

const foreign = 'is encrypted: set HOOKTIDE_ENCRYPTION_KEYS, or give it in clear'
const inClear =
  'would be written in clear, and the hook has its secrets encrypted: set HOOKTIDE_ENCRYPTION_KEYS'
