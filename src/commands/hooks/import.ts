/**
 * `hooktide hooks import`: hooks as Logto's `GET /api/hooks` answers them. What differs from the topic is shown and then
 * written; hooks that are as they were are not written again. What hooktide has of its own, `delivery`, stays as it is.
 */
import type { FieldProblem } from '../../core/model/model.ts'
import { withoutSecrets as urlWithoutSecrets } from '../../core/run/result.ts'
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
import { readHooks, tenantOf, type StoredHook } from './topic.ts'

export const hooksImportCommand: Command = {
  name: 'hooks import',
  summary: "Create or change hooks from what Logto's GET /api/hooks answers.",
  usage: '-f <file> [--tenant <id>] [--dry-run]',
  options: {
    file: { ...fileOption, description: "Logto's answer; - for standard input." },
    tenant: {
      type: 'string',
      description: 'Tenant of all of them, in place of the one that Logto gives.',
      idOf: 'tenant',
    },
    'dry-run': { type: 'boolean', description: 'Only show what differs.' },
    json: { type: 'boolean', description: 'One JSON object per hook.' },
  },
  uses: ['kafka', 'registry', 'topics', 'destinations', 'encryption'],
  run,
}

/** What is done with a hook. */
interface Change {
  readonly draft: Draft
  readonly action: 'create' | 'change' | 'keep'
  readonly differences: readonly Difference[]
}

async function run(context: CommandContext): Promise<0> {
  const { settings, note } = context
  const given = readValues(await readInput(context))
  const keys = encryptionKeysOf(settings)
  const stored = await readHooks(context, keys)
  const prepare = prepareFor(textOption(context, 'tenant'))
  const drafts = draftsOf(given, { stored, keys, prepare })
  const changes = drafts.map(changeOf)
  const due = changes.filter(({ action }) => action !== 'keep').map(({ draft }) => draft)
  await warnOf(due, context)
  for (const change of changes) show(change, context)
  const isDry = booleanOption(context, 'dry-run')
  if (!isDry && due.length > 0) await writeDrafts(due, settings, keys)
  note(summaryOf(changes, isDry))
  const others = othersOf(drafts, stored)
  if (others > 0)
    note(`${others} other hook(s) of the same tenant(s) are not in the file, and stay.`)
  return 0
}

/**
 * Statistics are of the moment and no part of a hook: with them, each import would find it changed.
 *
 * @param tenantId in place of the one that Logto gives
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

/** Logto answers with both. One that is made up here would be a hook that Logto does not know, or a key that no receiver has. */
function missingMembers(
  { id, signingKey }: JsonObject,
  known: JsonObject | undefined,
): readonly FieldProblem[] {
  const message = "is missing: this is no answer of Logto's GET /api/hooks"
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
    print(one === other ? `  ${field}: another one, hidden` : `  ${field}: ${one} -> ${other}`)
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
  return `${changes.length} hook(s): ${written}, ${count('keep')} as they were.`
}

/** Whoever takes the file for all that there is should know of them: they go on being called. */
function othersOf(drafts: readonly Draft[], stored: ReadonlyMap<string, StoredHook>): number {
  const tenants = new Set(drafts.map(({ hook }) => hook['tenantId']))
  const given = new Set(drafts.map(({ hook }) => hook['id']))
  return [...stored.values()].filter((hook) => tenants.has(tenantOf(hook)) && !given.has(hook.id))
    .length
}
