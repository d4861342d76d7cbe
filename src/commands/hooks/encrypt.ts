/**
 * `hooktide hooks encrypt`: encrypts all secrets in the hook topic with the newest key, so that older keys can be removed.
 * With `--decrypt` it writes all of them in plain text.
 */
import { UserError } from '../../core/model/errors.ts'
import {
  decryptWith,
  encrypt,
  isEncrypted,
  keyIdOf,
  type Decrypt,
  type EncryptionKey,
} from '../../core/hook/encrypted-text.ts'
import { mapSecrets, openerOf, ownerOf, secretsOf } from '../../core/hook/secrets.ts'
import type { JsonObject } from '../../core/text/json-text.ts'
import type { Command, CommandContext } from '../command.ts'
import { encryptionKeysOf, newIv } from './encryption.ts'
import { readHooks, tenantOf, type StoredHook } from './topic.ts'
import { writeAll } from '../kafka-session.ts'
import { booleanOption } from '../option-values.ts'
import { compareTexts } from '../table.ts'

export const hooksEncryptCommand: Command = {
  name: 'hooks encrypt',
  summary: 'Encrypt the secrets of all hooks with the newest key.',
  usage: '[--dry-run] [--decrypt]',
  examples: ['hooks encrypt --dry-run', 'hooks encrypt'],
  options: {
    'dry-run': { type: 'boolean', description: 'Only show how the secrets are encrypted now.' },
    decrypt: { type: 'boolean', description: 'Write them in plain text instead.' },
    json: { type: 'boolean', description: 'One JSON object per hook that has secrets.' },
  },
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run,
}

/** What to do with a hook. */
type Step =
  | { readonly kind: 'current' }
  | { readonly kind: 'rewrite'; readonly hook: JsonObject }
  | { readonly kind: 'left'; readonly reason: string }

interface InspectedHook {
  readonly stored: StoredHook
  /** Ids of the keys that encrypt its secrets, without repeats; `null` stands for clear text. */
  readonly encryptedWith: readonly (string | null)[]
  readonly step: Step
}

async function run(context: CommandContext): Promise<0 | 1> {
  const { settings, note } = context
  const keys = encryptionKeysOf(settings)
  const [newest] = keys
  if (newest === undefined) {
    throw new UserError('Set HOOKTIDE_ENCRYPTION_KEYS: there is no key to encrypt with.', 2)
  }
  const wanted = booleanOption(context, 'decrypt') ? undefined : newest
  const found = [...(await readHooks(context, keys)).values()]
    .filter(({ written }) => secretsOf(written).length > 0)
    .toSorted((one, other) => compareTexts(one.id, other.id))
    .map((stored) => inspect(stored, decryptWith(keys), wanted))
  const isDry = booleanOption(context, 'dry-run')
  const records = found.flatMap(({ stored, step }) =>
    step.kind === 'rewrite' ? [recordOf(settings.topics.hooks, stored, step.hook)] : [],
  )
  if (!isDry && records.length > 0) await writeAll(settings, records)
  for (const one of found) report(one, context)
  const form = wanted === undefined ? 'in plain text' : `encrypted with key ${wanted.id}`
  const done = found.filter((one) => isDone(one, isDry)).length
  note(`${done} of ${found.length} hooks with secrets have all of them ${form}.`)
  return found.some(({ stored, step }) => leftBecause(stored, step) !== null) ? 1 : 0
}

function isDone({ stored, step }: InspectedHook, isDry: boolean): boolean {
  return leftBecause(stored, step) === null && (step.kind === 'current' || !isDry)
}

/** Why some secrets of the hook stay as they are; `null` if none do. */
function leftBecause({ keys }: StoredHook, step: Step): string | null {
  if (step.kind === 'left') return step.reason
  return keys.length > 1
    ? 'the topic has older records of it under other keys: delete the hook, and put it again'
    : null
}

function inspect(
  stored: StoredHook,
  decrypt: Decrypt,
  wanted: EncryptionKey | undefined,
): InspectedHook {
  const texts = secretsOf(stored.written).map(({ text }) => text)
  const encryptedWith = [
    ...new Set(texts.map((text) => (isEncrypted(text) ? (keyIdOf(text) ?? '?') : null))),
  ]
  return { stored, encryptedWith, step: stepOf(stored, decrypt, wanted) }
}

function stepOf(stored: StoredHook, decrypt: Decrypt, wanted: EncryptionKey | undefined): Step {
  const { id, written, isCaptured } = stored
  const hook = { id, ...written }
  const owner = ownerOf(hook)
  if (owner === undefined) return { kind: 'left', reason: 'its id or tenant cannot be read' }
  const open = openerOf(hook, decrypt)
  const faults: string[] = []
  let isChanged = false
  const rewritten = mapSecrets(hook, (text, use, field) => {
    const opened = open(text, use)
    if (opened.kind === 'fault') faults.push(`${field} ${opened.message}`)
    if (opened.kind !== 'text' || isAsWanted(text, wanted)) return text
    isChanged = true
    if (wanted === undefined) return opened.text
    const encrypted = encrypt(opened.text, { ...owner, use }, wanted, newIv())
    if (keyIdOf(encrypted) === undefined) faults.push(`${field} is too long to be encrypted`)
    return encrypted
  })
  const [fault] = faults
  if (fault !== undefined) return { kind: 'left', reason: fault }
  if (!isChanged) return { kind: 'current' }
  if (isCaptured) return { kind: 'left', reason: 'it is a row captured from a database' }
  return { kind: 'rewrite', hook: rewritten }
}

function isAsWanted(text: string, wanted: EncryptionKey | undefined): boolean {
  return wanted === undefined ? !isEncrypted(text) : keyIdOf(text) === wanted.id
}

function recordOf(topic: string, { key }: StoredHook, hook: JsonObject) {
  return { topic, key, value: Buffer.from(JSON.stringify(hook)), headers: [] }
}

function report({ stored, encryptedWith, step }: InspectedHook, context: CommandContext): void {
  const { print, note } = context
  const isDry = booleanOption(context, 'dry-run')
  const { id } = stored
  const reason = leftBecause(stored, step)
  if (booleanOption(context, 'json')) {
    const state = step.kind === 'rewrite' ? (isDry ? 'due' : 'rewritten') : step.kind
    print(JSON.stringify({ id, tenantId: tenantOf(stored) ?? null, state, encryptedWith, reason }))
    return
  }
  const before = encryptedWith
    .map((key) => (key === null ? 'in plain text' : `key ${key}`))
    .join(', ')
  if (step.kind === 'rewrite') print(`${isDry ? 'due' : 'rewritten'}  ${id}: ${before}`)
  if (reason !== null) note(`left  ${id}: ${before}; ${reason}`)
}
