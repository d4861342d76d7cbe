/** `hooktide hooks enable` and `disable`: whether the owner of a hook wants it called. Nothing else of it changes. */
import { UserError } from '../../core/model/errors.ts'
import type { JsonObject } from '../../core/text/json.ts'
import type { Command, CommandContext } from '../command.ts'
import { hooksOperand } from '../id-forms.ts'
import { writeAll } from '../kafka-session.ts'
import { booleanOption } from '../option-values.ts'
import { nextCommand } from '../next-command.ts'
import { problemLine, problemsOf, readHooks, type StoredHook } from './topic.ts'

const options = { json: { type: 'boolean', description: 'One JSON object per hook.' } } as const

export const hooksEnableCommand: Command = {
  name: 'hooks enable',
  summary: 'Enable hooks that were disabled by their owners.',
  usage: '<id>...',
  examples: ['hooks enable my-hook', 'hooks enable first-hook second-hook'],
  options,
  operand: hooksOperand,
  uses: ['kafka', 'registry', 'topics'],
  run: (context) => setEnabled(context, true),
}

export const hooksDisableCommand: Command = {
  name: 'hooks disable',
  summary: 'Disable hooks: new events skip them, and retries that wait are discarded.',
  usage: '<id>...',
  examples: ['hooks disable my-hook', 'hooks disable first-hook second-hook'],
  options,
  operand: hooksOperand,
  uses: ['kafka', 'registry', 'topics'],
  run: (context) => setEnabled(context, false),
}

async function setEnabled(context: CommandContext, enabled: boolean): Promise<0> {
  const { settings, args, print } = context
  const stored = await readHooks(context)
  const hooks = switchableHooks(stored, [...new Set(args)])
  await writeAll(
    settings,
    hooks
      .filter(({ entry }) => entry.hook.enabled !== enabled)
      .map((hook) => ({
        topic: settings.topics.hooks,
        key: hook.key,
        value: Buffer.from(JSON.stringify(switched(hook, enabled))),
        headers: [],
      })),
  )
  const word = enabled ? 'enabled' : 'disabled'
  for (const { id, entry } of hooks) {
    const isAsBefore = entry.hook.enabled === enabled
    if (booleanOption(context, 'json')) print(JSON.stringify({ id, enabled }))
    else print(`hook ${id} is ${word}${isAsBefore ? ', as before' : ''}`)
  }
  return 0
}

/** The record as it was, with its secrets as they stand there: no key is needed to write it again. */
export function switched(
  { id, written }: Pick<StoredHook, 'id' | 'written'>,
  enabled: boolean,
): JsonObject {
  return { id, ...written, enabled }
}

/** @throws UserError that names what cannot be switched, and why */
export function switchableHooks(
  stored: ReadonlyMap<string, StoredHook>,
  ids: readonly string[],
): readonly StoredHook[] {
  const unknown = ids.filter((id) => !stored.has(id))
  if (unknown.length > 0) {
    const none = unknown.length === 1 ? 'is no hook' : 'are no hooks'
    throw new UserError(`There ${none} ${unknown.join(', ')}. Nothing was changed.`)
  }
  const hooks = ids.flatMap((id) => stored.get(id) ?? [])
  const refusals = hooks.flatMap((hook) => refusalOf(hook) ?? [])
  if (refusals.length > 0) throw UserError.listing('Nothing was changed', refusals)
  return hooks
}

function refusalOf(hook: StoredHook): string | undefined {
  const { id, isCaptured, entry } = hook
  if (isCaptured) return `hook ${id} is a row captured from a database: change it there`
  if (entry.kind === 'active') return undefined
  const problems = problemsOf(hook).map(problemLine).join('; ')
  return `hook ${id} is suspended: fix its record first (${problems}), with "${nextCommand('hooks get', {}, id)}" and "hooktide hooks put"`
}
