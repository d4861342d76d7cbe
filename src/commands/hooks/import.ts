/**
 * `hooktide hooks import`: writes hooks from the answer of Logto's `GET /api/hooks`. It shows how they differ from the topic,
 * and writes only hooks that differ. `delivery`, which Logto does not have, stays as it is.
 */
import type { FieldProblem } from '../../core/model/model.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import type { JsonObject } from '../../core/text/json-text.ts'
import type { Command, CommandContext } from '../command.ts'
import { fileOption, readInput } from '../input/input-file.ts'
import { booleanOption, textOption } from '../option-values.ts'
import { differencesOf, type Difference } from './difference.ts'
import {
  draftsOf,
  readValues,
  urlOf,
  warnOf,
  writeDrafts,
  type Draft,
  type Prepare,
} from './drafts.ts'
import { encryptionKeysOf } from './encryption.ts'
import { eventsOf } from './put-warnings.ts'
import { warnOfRenewals } from './renewal.ts'
import { readHooks, tenantOf, type StoredHook } from './topic.ts'

export const hooksImportCommand: Command = {
  name: 'hooks import',
  summary: "Create or change hooks from the answer of Logto's GET /api/hooks.",
  usage: '-f <file> [--tenant <id>] [--dry-run]',
  examples: ['hooks import -f logto-hooks.json --dry-run', 'hooks import -f - --tenant acme'],
  options: {
    file: { ...fileOption, description: "Answer of Logto's GET /api/hooks; - for standard input." },
    tenant: {
      type: 'string',
      description: 'Tenant of all hooks, in place of the one in the file.',
      idOf: 'tenant',
    },
    'dry-run': { type: 'boolean', description: 'Show the differences and write nothing.' },
    json: { type: 'boolean', description: 'One JSON object per hook.' },
  },
  uses: ['kafka', 'registry', 'topics', 'destinations', 'encryption'],
  run,
}

/** What the command does with a hook. */
interface Change {
  readonly draft: Draft
  readonly action: 'create' | 'change' | 'keep'
  readonly differences: readonly Difference[]
}

async function run(context: CommandContext): Promise<0> {
  const { settings, note } = context
  const input = await readInput(context)
  const given = readValues(input)
  if (given.length === 0) {
    // What a Logto without webhooks answers: a script that runs this again and again has not failed.
    note(`There is nothing to import: ${input.name} has a list without hooks.`)
    return 0
  }
  const keys = encryptionKeysOf(settings)
  const stored = await readHooks(context, keys)
  const prepare = prepareFor(textOption(context, 'tenant'))
  const drafts = draftsOf(given, { stored, keys, prepare })
  const changes = drafts.map(changeOf)
  const due = changes.filter(({ action }) => action !== 'keep').map(({ draft }) => draft)
  await warnOf(due, context)
  await warnOfRenewals(due, context)
  for (const change of changes) show(change, context)
  const isDry = booleanOption(context, 'dry-run')
  if (!isDry && due.length > 0) await writeDrafts(due, settings, keys)
  note(summaryOf(changes, isDry))
  const others = othersOf(drafts, stored)
  if (others > 0)
    note(`${others} other hook(s) of the same tenant(s) are not in the file. They are kept.`)
  return 0
}

/**
 * Leaves out the statistics: they change all the time, so each import would find the hook changed.
 *
 * @param tenantId in place of the one in the file
 */
function prepareFor(tenantId: string | undefined): Prepare {
  return (given, known) => {
    const own = known?.['delivery']
    const members = Object.fromEntries(
      Object.entries({
        ...(own === undefined ? {} : { delivery: own }),
        ...given,
        ...(tenantId === undefined ? {} : { tenantId }),
      }).filter(([name]) => name !== 'executionStats'),
    )
    return { members, problems: missingMembers(members, known) }
  }
}

/** Logto's answer has both. A new id would be a hook that Logto does not know, and no receiver would have a new key. */
function missingMembers(
  { id, signingKey }: JsonObject,
  known: JsonObject | undefined,
): readonly FieldProblem[] {
  const message = "is missing: the file must have the answer of Logto's GET /api/hooks"
  const isKeyless = (signingKey ?? null) === null && known === undefined
  return [
    ...((id ?? null) === null ? [{ field: 'id', message }] : []),
    ...(isKeyless ? [{ field: 'signingKey', message }] : []),
  ]
}

function changeOf(draft: Draft): Change {
  const { hook, known } = draft
  if (known === undefined) return { draft, action: 'create', differences: [] }
  const { id } = hook
  const differences = differencesOf({ id, ...known.members }, hook)
  return { draft, action: differences.length === 0 ? 'keep' : 'change', differences }
}

function show({ draft, action, differences }: Change, { print, options }: CommandContext): void {
  const { hook } = draft
  const { id, tenantId, name = '' } = hook
  const url = urlWithoutSecrets(urlOf(hook))
  if (options['json'] === true) {
    print(JSON.stringify({ id, tenantId, action, url, events: eventsOf(hook), differences }))
    return
  }
  const label = name === '' ? '' : ` ${JSON.stringify(name)}`
  print(`${action} ${String(id)}${label}: tenant ${String(tenantId)}, ${url}`)
  for (const { field, before, after } of differences) {
    const [one, other] = [shownValue(before), shownValue(after)]
    print(one === other ? `  ${field}: changed, hidden` : `  ${field}: ${one} -> ${other}`)
  }
}

function shownValue(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}

function summaryOf(changes: readonly Change[], isDry: boolean): string {
  const count = (wanted: Change['action']) =>
    changes.filter(({ action }) => action === wanted).length
  const [created, changed] = isDry
    ? ['would be created', 'would be changed']
    : ['created', 'changed']
  const written = `${count('create')} ${created}, ${count('change')} ${changed}`
  return `${changes.length} hook(s): ${written}, ${count('keep')} unchanged.`
}

/** The number of hooks that are not in the file. The user should know of them, because they are still called. */
function othersOf(drafts: readonly Draft[], stored: ReadonlyMap<string, StoredHook>): number {
  const tenants = new Set(drafts.map(({ hook }) => hook['tenantId']))
  const given = new Set(drafts.map(({ hook }) => hook['id']))
  return [...stored.values()].filter((hook) => tenants.has(tenantOf(hook)) && !given.has(hook.id))
    .length
}
