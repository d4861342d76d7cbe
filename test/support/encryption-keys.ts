/** Keys for secrets of hooks. */
import { parseEncryptionKeys, type EncryptionKey } from '../../src/core/hook/encrypted-text.ts'

/** The text of a key: 32 bytes of that value. */
function encryptionKeyText(byte: number): string {
  return Buffer.alloc(32, byte).toString('base64')
}

export function encryptionKeyOf(byte: number): EncryptionKey {
  const read = parseEncryptionKeys(encryptionKeyText(byte))
  const [key] = read.kind === 'keys' ? read.keys : []
  if (key === undefined) throw new Error('No key')
  return key
}
