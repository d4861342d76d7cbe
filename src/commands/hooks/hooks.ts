/** `hooktide hooks get`, `list` and `delete`. */
import { endpointStateOf } from '../../core/health/record.ts'
import { UserError } from '../../core/model/errors.ts'
import type { EndpointState } from '../../core/model/record-values.ts'
import { hookOperand, hooksOperand } from '../id-forms.ts'
import type { Command, CommandContext } from '../command.ts'
import { encryptionKeysOf } from './encryption.ts'
import { hookColumns, hookRow, summaryOf } from './row.ts'
import { hookWithoutSecrets } from './hidden-secrets.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import {
  hasUndecryptedSecrets,
  type StoredHook,
  problemLine,
  problemsOf,
  readHooks,
  tenantOf,
} from './topic.ts'
import { confirmationFor, yesOption } from '../confirmation.ts'
import { writeAll } from '../kafka-session.ts'
import { noteUnknown } from '../needed-rights.ts'
import { booleanOption, textOption, wideOption } from '../option-values.ts'
import { compareTexts, listLines } from '../table.ts'

const showSecretsOption = {
  type: 'boolean',
  description: 'Show signing keys, headers that look like credentials, and the whole URL.',
} as const

export const hooksGetCommand: Command = {
  name: 'hooks get',
  summary: 'Show one hook as JSON.',
  usage: '<id> [--show-secrets]',
  examples: ['hooks get my-hook', 'hooks get my-hook --show-secrets --json'],
  options: {
    'show-secrets': showSecretsOption,
    json: { type: 'boolean', description: 'On one line.' },
  },
  operand: hookOperand,
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run: get,
}

export const hooksListCommand: Command = {
  name: 'hooks list',
  summary: 'List hooks, the states of their endpoints, and what is wrong.',
  usage: '[--tenant <id>]',
  examples: ['hooks list', 'hooks list --tenant acme --json'],
  options: {
    tenant: { type: 'string', description: 'Only hooks of this tenant.', idOf: 'tenant' },
    wide: wideOption,
    json: { type: 'boolean', description: 'One JSON object per hook.' },
  },
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run: list,
}

export const hooksDeleteCommand: Command = {
  name: 'hooks delete',
  summary: 'Delete hooks. Their waiting retries are discarded.',
  usage: '<id>... [--yes]',
  examples: ['hooks delete my-hook', 'hooks delete first-hook second-hook --yes'],
  options: {
    yes: yesOption,
    json: { type: 'boolean', description: 'One JSON object per hook.' },
  },
  operand: hooksOperand,
  uses: ['kafka', 'registry', 'topics'],
  run: remove,
}

async function get(context: CommandContext): Promise<0 | 1> {
  const [id = ''] = context.args
  const keys = encryptionKeysOf(context.settings)
  const stored = (await readHooks(context, keys)).get(id)
  if (stored === undefined) throw new UserError(`There is no hook ${id}.`)
  if (stored.isCaptured) context.note('captured: this is a row of a database. Change it there.')
  for (const problem of problemsOf(stored)) context.note(`suspended: ${problemLine(problem)}`)
  if (keys.length === 0 && hasUndecryptedSecrets(stored)) context.note(unchecked)
  const members = { id, ...stored.members }
  const shown = booleanOption(context, 'show-secrets') ? members : hookWithoutSecrets(members)
  const text = JSON.stringify(shown, undefined, booleanOption(context, 'json') ? 0 : 2)
  text.split('\n').forEach(context.print)
  return 0
}

const unchecked =
  'Secrets are encrypted and HOOKTIDE_ENCRYPTION_KEYS is not set: it was not checked whether they can be decrypted.'

async function list(context: CommandContext): Promise<0> {
  const tenant = textOption(context, 'tenant')
  const keys = encryptionKeysOf(context.settings)
  const chosen = [...(await readHooks(context, keys)).values()].filter(
    (hook) => tenant === undefined || tenantOf(hook) === tenant,
  )
  if (keys.length === 0 && chosen.some(hasUndecryptedSecrets)) context.note(unchecked)
  const stateOf = await endpointStates(context)
  const hooks = chosen
    .map((hook) => summaryOf(hook, stateOf(hook)))
    .toSorted(
      (a, b) => compareTexts(a.tenantId ?? '', b.tenantId ?? '') || compareTexts(a.id, b.id),
    )
  if (booleanOption(context, 'json')) {
    for (const hook of hooks) context.print(JSON.stringify(hook))
    return 0
  }
  if (hooks.length === 0) {
    context.note(tenant === undefined ? 'There are no hooks.' : `Tenant ${tenant} has no hooks.`)
    return 0
  }
  const columns = booleanOption(context, 'wide') ? undefined : context.columns
  for (const line of listLines(hookColumns, hooks.map(hookRow), columns)) context.print(line)
  return 0
}

/** A principal that may read hooks and not the health of their endpoints still gets its list. */
async function endpointStates(
  context: CommandContext,
): Promise<(hook: StoredHook) => EndpointState | undefined> {
  try {
    const known = await readEndpoints(context)
    return ({ id, entry }) =>
      entry.kind === 'active' ? endpointStateOf(entry.hook, known.get(id)) : undefined
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    noteUnknown(context, 'The state of endpoints is not known', error)
    return () => undefined
  }
}

async function remove(context: CommandContext): Promise<0> {
  const { args, settings, print, note } = context
  const ids = [...new Set(args)]
  const confirm = confirmationFor(context, 'Nothing was deleted.')
  const hooks = await readHooks(context)
  const unknown = ids.filter((id) => !hooks.has(id))
  if (unknown.length > 0) {
    const none = unknown.length === 1 ? 'is no hook' : 'are no hooks'
    throw new UserError(`There ${none} ${unknown.join(', ')}. Nothing was deleted.`)
  }
  const topic = settings.topics.hooks
  const stored = ids.flatMap((id) => hooks.get(id) ?? [])
  const noun = ids.length === 1 ? 'hook' : `${ids.length} hooks:`
  await confirm(`Delete ${noun} ${ids.join(', ')}, and discard the retries that wait?`)
  await writeAll(
    settings,
    stored.flatMap(({ keys }) => keys.map((key) => ({ topic, key, value: null, headers: [] }))),
  )
  for (const { id } of stored.filter(({ isCaptured }) => isCaptured)) {
    note(
      `warning: ${id} was captured from a database: delete it there too, or its next change brings it back`,
    )
  }
  const isJson = booleanOption(context, 'json')
  for (const id of ids) print(isJson ? JSON.stringify({ id, state: 'deleted' }) : `deleted ${id}`)
  return 0
}
