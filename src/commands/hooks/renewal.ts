/** Says where a new URL undoes that an endpoint was disabled. */
import { healthFor } from '../../core/health/record.ts'
import { UserError } from '../../core/model/errors.ts'
import type { CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { nextCommand } from '../next-command.ts'
import { labelOf, urlOf, type Draft } from './drafts.ts'

/**
 * Warns before hooks are written whose endpoints are disabled, and get another URL. Nothing is read if no URL changes.
 * Who writes hooks needs no right to read the topic of endpoint health: without it there is no warning.
 */
export async function warnOfRenewals(
  drafts: readonly Draft[],
  context: Pick<CommandContext, 'settings' | 'signal' | 'note'>,
): Promise<void> {
  const moved = drafts.flatMap((draft) => {
    const entry = draft.known?.entry
    const isMoved = entry?.kind === 'active' && entry.hook.url !== urlOf(draft.hook)
    return isMoved ? [{ draft, before: entry.hook }] : []
  })
  if (moved.length === 0) return
  const known = await readEndpoints(context).catch((error: unknown) => {
    if (error instanceof UserError) return undefined
    throw error
  })
  for (const { draft, before } of moved) {
    const health = healthFor(before, known?.get(before.id))
    if (health?.state !== 'disabled') continue
    const again = nextCommand('endpoints disable', {}, before.id)
    context.note(
      `warning: ${labelOf(draft)}the endpoint is disabled (${health.reason}), and enabled again by the new URL: "${again}" disables it`,
    )
  }
}
