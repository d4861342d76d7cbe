/** Reads members of a hook that are secrets and may be encrypted. */
import type { SecretUse } from './encrypted-text.ts'
import { isText, type Check, type Members } from './members.ts'
import type { OpenSecret } from './secrets.ts'

export interface SecretForm {
  readonly use: SecretUse
  /** Checks the decrypted text. */
  readonly is: Check<string>
  readonly form: string
}

/** The decrypted text. Without keys, an encrypted text as it is. `undefined` if there is a problem. */
export function readSecret(
  members: Members,
  name: string,
  open: OpenSecret,
  { use, is, form }: SecretForm,
): string | undefined {
  const text = members.required(name, isText, form)
  if (text === undefined) return undefined
  const opened = open(text, use)
  if (opened.kind === 'encrypted') return text
  if (opened.kind === 'text' && is(opened.text)) return opened.text
  members.report(name, opened.kind === 'fault' ? opened.message : `must be ${form}`)
  return undefined
}
