/** The keys that secrets of hooks are encrypted with, as the settings give them. */
import { readFile } from 'node:fs/promises'
import { asError, UserError } from '../core/errors.ts'
import {
  decryptWith,
  leaveEncrypted,
  parseEncryptionKeys,
  type Decrypt,
  type EncryptionKey,
} from '../core/encrypted-text.ts'
import type { Settings } from '../settings/settings.ts'

/**
 * Newest first; none where none are set.
 *
 * @throws UserError when their file cannot be read, or has something else
 */
export async function encryptionKeysOf({
  encryptionKeys,
  encryptionKeysFile: file,
}: Pick<Settings, 'encryptionKeys' | 'encryptionKeysFile'>): Promise<readonly EncryptionKey[]> {
  if (file === undefined) return encryptionKeys ?? []
  const read = parseEncryptionKeys(await textOf(file))
  if (read.kind === 'keys') return read.keys
  throw new UserError(`The file of HOOKTIDE_ENCRYPTION_KEYS_FILE, ${file}, ${read.message}.`, 2)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UserError(
      `HOOKTIDE_ENCRYPTION_KEYS_FILE cannot be read: ${asError(error).message}.`,
      2,
      { cause: error },
    )
  }
}

/** For commands that can do without keys: then what is encrypted stays so, and counts as readable. */
export function decryptIfPossible(keys: readonly EncryptionKey[]): Decrypt {
  return keys.length === 0 ? leaveEncrypted : decryptWith(keys)
}
