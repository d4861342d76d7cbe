/** `hooktide endpoints list`, `enable` and `disable`. */
import { disabledByOperator } from '../../core/health/health.ts'
import { encodeHealth, healthFor, renewed, type Health } from '../../core/health/record.ts'
import { UserError } from '../../core/model/errors.ts'
import type { Hook, HookId } from '../../core/model/model.ts'
import { endpointStates, type EndpointState } from '../../core/model/record-values.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { hooksOperand } from '../id-forms.ts'
import type { Command, CommandContext } from '../command.ts'
import { readEndpoints } from './topic.ts'
import { readHooks, tenantOf, type StoredHook } from '../hooks/topic.ts'
import { writeAll } from '../kafka-session.ts'
import { booleanOption, textOption, wideOption } from '../option-values.ts'
import { nextCommand } from '../next-command.ts'
import { compareTexts, listLines, type ListColumn } from '../table.ts'

/** The `instance` of records that these commands write. */
const instance = 'hooktide endpoints'

export const endpointsListCommand: Command = {
  name: 'endpoints list',
  summary: 'List endpoints that are not healthy.',
  usage: '[--state <state>] [--tenant <id>] [--all]',
  examples: ['endpoints list', 'endpoints list --state disabled --tenant acme'],
  options: {
    state: {
      ...{ type: 'string', values: endpointStates },
      description: `Only endpoints in this state: ${endpointStates.join(', ')}.`,
    },
    tenant: {
      type: 'string',
      description: 'Only endpoints of hooks of this tenant.',
      idOf: 'tenant',
    },
    all: { type: 'boolean', description: 'Healthy endpoints too.' },
    wide: wideOption,
    json: {
      type: 'boolean',
      description: "One JSON object per endpoint, with the schema's names.",
    },
  },
  uses: ['kafka', 'registry', 'topics'],
  run: list,
}

export const endpointColumns: readonly ListColumn[] = [
  // An id of Logto in full: other commands need it.
  { heading: 'HOOK', rank: 0, min: 21, isWrapped: true },
  { heading: 'TENANT', rank: 1 },
  { heading: 'STATE', rank: 0, min: 9 },
  { heading: 'REASON', rank: 0, min: 9, isWrapped: true },
  { heading: 'SINCE', rank: 0, min: 20 },
  { heading: 'UNTIL', rank: 2, min: 20 },
  { heading: 'FAILURES', rank: 3 },
  { heading: 'URL', rank: 0, min: 20, max: 300 },
]

const changeOptions = {
  json: { type: 'boolean', description: 'One JSON object per endpoint.' },
} as const

export const endpointsEnableCommand: Command = {
  name: 'endpoints enable',
  summary: 'Enable endpoints again: clears their failures in all processes.',
  usage: '<hook id>...',
  examples: ['endpoints enable my-hook', 'endpoints enable first-hook second-hook'],
  options: changeOptions,
  operand: hooksOperand,
  uses: ['kafka', 'registry', 'topics'],
  run: enable,
}

export const endpointsDisableCommand: Command = {
  name: 'endpoints disable',
  summary: 'Disable endpoints: their deliveries go to the dead letters.',
  usage: '<hook id>...',
  examples: ['endpoints disable my-hook', 'endpoints disable first-hook second-hook --json'],
  options: changeOptions,
  operand: hooksOperand,
  uses: ['kafka', 'registry', 'topics'],
  run: disable,
}

async function list(context: CommandContext): Promise<0> {
  const state = stateOption(context)
  const tenant = textOption(context, 'tenant')
  const isAll = booleanOption(context, 'all') || state === 'healthy'
  const endpoints = await readEndpoints(context)
  const hooks = await readHooks(context)
  const rows = [...hooks.values()]
    .toSorted((one, other) => compareTexts(placeOf(one), placeOf(other)))
    .map((hook) => ({ hook, health: healthOf(hook, endpoints.get(hook.id)) }))
    .filter(({ hook }) => tenant === undefined || tenantOf(hook) === tenant)
    .filter(({ health }) => isAll || stateOf(health) !== 'healthy')
    .filter(({ health }) => state === undefined || stateOf(health) === state)
  if (booleanOption(context, 'json')) {
    for (const { hook, health } of rows) {
      context.print(JSON.stringify(health ?? { hookId: hook.id, state: 'healthy' }))
    }
    return 0
  }
  if (rows.length === 0) {
    const known = [...hooks.values()]
    const isUnknownTenant = tenant !== undefined && !known.some((hook) => tenantOf(hook) === tenant)
    const none = isAll ? 'There are no hooks.' : 'All endpoints are healthy.'
    if (isUnknownTenant) context.note(`Tenant ${tenant} has no hooks.`)
    else context.note(state === undefined ? none : `No endpoint is ${state}.`)
    return 0
  }
  const columns = booleanOption(context, 'wide') ? undefined : context.columns
  for (const line of listLines(endpointColumns, rows.map(rowOf), columns)) context.print(line)
  return 0
}

async function enable(context: CommandContext): Promise<0> {
  const at = Date.now()
  const changes = await changed(context, (hook, known) =>
    renewed(hook, known, { reason: 'operator', instance, at }),
  )
  const wereDisabled = changes.filter(({ before }) => before?.state === 'disabled')
  if (wereDisabled.length > 0) {
    const hook = wereDisabled.map(({ after }) => after.hookId)
    context.note('To send again what went to the dead letters meanwhile:')
    const reason = ['endpoint-disabled', 'gone']
    context.note(`  ${nextCommand('replay', { 'failed-only': true, reason, hook })}`)
  }
  return 0
}

async function disable(context: CommandContext): Promise<0> {
  const at = Date.now()
  await changed(context, (hook, known) => disabledByOperator(hook, known, { at, instance }))
  return 0
}

interface Change {
  /** The newest record. */
  readonly known: Health | undefined
  /** What it says of the hook's endpoint; `undefined` if it is about a former URL. */
  readonly before: Health | undefined
  readonly after: Health
}

/** Applies `change` to each endpoint named in the arguments, writes the changed records, and prints all of them. */
async function changed(
  context: CommandContext,
  change: (hook: Hook, known: Health | undefined) => Health | undefined,
): Promise<readonly Change[]> {
  const { settings, args, print } = context
  const hooks = activeHooks(await readHooks(context), [...new Set(args)])
  const endpoints = await readEndpoints(context)
  const changes = hooks.flatMap((hook) => {
    const known = endpoints.get(hook.id)
    const after = change(hook, known)
    return after === undefined ? [] : [{ known, before: healthFor(hook, known), after }]
  })
  await writeAll(
    settings,
    changes
      .filter(({ known, after }) => after !== known)
      .map(({ after }) => ({
        topic: settings.topics.endpoints,
        key: after.hookId,
        value: encodeHealth(after),
        headers: [],
      })),
  )
  for (const { before, after } of changes) {
    const { hookId, state } = after
    const from = stateOf(before)
    if (booleanOption(context, 'json')) print(JSON.stringify(after))
    else print(from === state ? `${hookId} is ${state}` : `${hookId} is ${state}, was ${from}`)
  }
  return changes
}

/** @throws UserError if a hook does not exist, or is suspended */
function activeHooks(
  stored: ReadonlyMap<HookId, StoredHook>,
  ids: readonly HookId[],
): readonly Hook[] {
  const unknown = ids.filter((id) => !stored.has(id))
  if (unknown.length > 0) {
    const none = unknown.length === 1 ? 'is no hook' : 'are no hooks'
    throw new UserError(`There ${none} ${unknown.join(', ')}. Nothing was changed.`)
  }
  return ids.map((id) => {
    const entry = stored.get(id)?.entry
    if (entry?.kind === 'active') return entry.hook
    throw new UserError(
      `Hook ${id} is suspended: nothing is sent to it, whatever the state of its endpoint. Fix its record first ("hooktide hooks list" shows what is wrong). Nothing was changed.`,
    )
  })
}

function stateOption(context: CommandContext): EndpointState | undefined {
  const text = textOption(context, 'state')
  const state = endpointStates.find((known) => known === text)
  if (text !== undefined && state === undefined) {
    throw new UserError(`--state must be one of ${endpointStates.join(', ')}, not "${text}".`, 2)
  }
  return state
}

function healthOf({ entry }: StoredHook, known: Health | undefined): Health | undefined {
  return entry.kind === 'active' ? healthFor(entry.hook, known) : known
}

function stateOf(health: Health | undefined): EndpointState {
  return health?.state ?? 'healthy'
}

function rowOf({ hook, health }: { hook: StoredHook; health: Health | undefined }): string[] {
  const { entry } = hook
  return [
    hook.id,
    tenantOf(hook) ?? '?',
    stateOf(health),
    health?.reason ?? '-',
    timeText(health?.since),
    timeText(health?.until ?? undefined),
    String(health?.failures ?? 0),
    entry.kind === 'active' ? urlWithoutSecrets(entry.hook.url) : '(suspended)',
  ]
}

function placeOf(hook: StoredHook): string {
  return `${tenantOf(hook) ?? ''} ${hook.id}`
}

function timeText(at: number | undefined): string {
  return at === undefined ? '-' : new Date(at).toISOString().slice(0, 19).concat('Z')
}
