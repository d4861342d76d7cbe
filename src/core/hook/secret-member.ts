/** Reads members of a hook that are secrets, and so may be encrypted. */
import type { SecretUse } from './encrypted-text.ts'
import { isText, type Check, type Members } from './members.ts'
import type { OpenSecret } from './secrets.ts'

export interface SecretForm {
  readonly use: SecretUse
  /** Of the text in clear. */
  readonly is: Check<string>
  readonly form: string
}

/** Text that may be encrypted, in clear if it can be; `undefined` where something is wrong with it. */
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
