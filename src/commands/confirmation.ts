/** Asks before something is done that reaches far, or that nothing brings back. */
import { UserError } from '../core/model/errors.ts'
import type { CommandContext } from './command.ts'
import { booleanOption } from './option-values.ts'

export const yesOption = {
  type: 'boolean',
  short: 'y',
  description: 'Do not ask. Needed where there is no terminal to ask on.',
} as const

/** Asks whether it is to be done. @throws UserError when it is not */
export type Confirm = (question: string) => Promise<void>

/**
 * Called before any work, so that a script fails at once and alike, whatever the work would have found.
 *
 * @param nothing what a refusal ends with, such as `Nothing was deleted.`
 * @throws UserError when nobody can be asked
 */
export function confirmationFor(
  context: Pick<CommandContext, 'options' | 'ask'>,
  nothing: string,
): Confirm {
  const { ask } = context
  if (booleanOption(context, 'yes')) return () => Promise.resolve()
  if (ask === undefined) {
    throw new UserError(`There is no terminal to ask on: give --yes to go on. ${nothing}`, 2)
  }
  return async (question) => {
    if (!(await ask(question))) throw new UserError(nothing)
  }
}
