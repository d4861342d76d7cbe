/**
 * `hooktide hooks put`: writes hooks from a file. A hook replaces the one with its id as a whole. Only signing keys, the
 * time of creation and `enabled` are kept if the new hook has none.
 */
import { isEncrypted } from '../../core/hook/encrypted-text.ts'
import { UserError } from '../../core/model/errors.ts'
import { standardSecret } from '../../core/hook/signature.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import type { Command, CommandContext } from '../command.ts'
import {
  draftsOf,
  readValues,
  urlOf,
  warnOf,
  withoutHooks,
  writeDrafts,
  type Draft,
} from './drafts.ts'
import { encryptionKeysOf } from './encryption.ts'
import { warnOfRenewals } from './renewal.ts'
import { readHooks } from './topic.ts'
import { eventsOf } from './put-warnings.ts'
import { fileOption, readInput } from '../input/input-file.ts'
import type { InputValue } from '../input/json-input.ts'
import { booleanOption } from '../option-values.ts'

export const hooksPutCommand: Command = {
  name: 'hooks put',
  summary: 'Create or replace hooks from a file.',
  usage: '-f <file> [--show-secrets]',
  examples: ['hooks put -f hook.json', 'hooks put -f - --json'],
  options: {
    file: {
      ...fileOption,
      description: 'One JSON hook, a list, or one hook per line; - for standard input.',
    },
    'show-secrets': { type: 'boolean', description: 'Show all signing keys, not only new ones.' },
    json: { type: 'boolean', description: 'One JSON object per hook.' },
  },
  uses: ['kafka', 'registry', 'topics', 'destinations', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const input = await readInput(context)
  const given = readValues(input)
  if (given.length === 0) throw withoutHooks(input.name)
  return await putHooks(context, given)
}

/**
 * Writes hooks, and shows them.
 *
 * @param isNew whether a hook that is there already is refused, rather than replaced
 * @throws UserError that names all that is wrong with them
 */
export async function putHooks(
  context: CommandContext,
  given: readonly InputValue[],
  isNew = false,
): Promise<0> {
  const { settings } = context
  const keys = encryptionKeysOf(settings)
  const drafts = draftsOf(given, { stored: await readHooks(context, keys), keys })
  if (isNew) refuseKnown(drafts)
  await warnOf(drafts, context)
  await warnOfRenewals(drafts, context)
  await writeDrafts(drafts, settings, keys)
  for (const draft of drafts) report(draft, context)
  return 0
}

/** @throws UserError when one of them is there already */
function refuseKnown(drafts: readonly Draft[]): void {
  const known = drafts.find((draft) => draft.known !== undefined)?.known
  if (known === undefined) return
  throw new UserError(
    `Hook ${known.id} exists: "hooktide hooks put" replaces it. Nothing was written.`,
  )
}

/** Ends the line about a hook: whether it is disabled, or is not any more. */
export function stateNote({ hook, known }: Pick<Draft, 'hook' | 'known'>): string {
  const wasDisabled = known?.members['enabled'] === false
  if (hook['enabled'] === true) return wasDisabled ? ', enabled again' : ''
  return wasDisabled ? ', disabled as before' : ', disabled'
}

function report(draft: Draft, context: CommandContext): void {
  const { print } = context
  const { hook, isKeyNew } = draft
  const { id, tenantId, enabled, signingKey } = hook
  const url = urlWithoutSecrets(urlOf(hook))
  const events = eventsOf(hook)
  const isShown = isKeyNew || booleanOption(context, 'show-secrets')
  if (booleanOption(context, 'json')) {
    const key = isShown ? { signingKey } : {}
    print(JSON.stringify({ id, tenantId, url, events, enabled, ...key }))
    return
  }
  const keys = events.length === 0 ? 'no events' : events.join(' ')
  const state = stateNote(draft)
  print(`put hook ${String(id)}: tenant ${String(tenantId)}, ${url}, ${keys}${state}`)
  if (!isShown || signingKey === '') return
  if (isEncrypted(String(signingKey))) {
    print('  signing key: encrypted, unchanged')
    return
  }
  print(`  signing key${isKeyNew ? ' (new)' : ''}: ${String(signingKey)}`)
  print(`  for Standard Webhooks libraries: ${standardSecret(String(signingKey))}`)
}
