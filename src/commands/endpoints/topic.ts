/** The topic of endpoint health as commands see it: of each hook the word that counts, as processors read it. */
import { decodeHealth, supersedes, type Health } from '../../core/health/record.ts'
import type { HookId } from '../../core/model/model.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'

/**
 * Hooks of whose endpoints something was said. All others are healthy.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 */
export async function readEndpoints(
  context: Pick<CommandContext, 'settings' | 'signal'>,
): Promise<ReadonlyMap<HookId, Health>> {
  const endpoints = new Map<HookId, Health>()
  for await (const records of readToEnd(context, context.settings.topics.endpoints)) {
    for (const record of records) {
      const decoded = decodeHealth(record)
      if (decoded.kind === 'tombstone') endpoints.delete(decoded.hookId)
      if (decoded.kind !== 'health') continue
      const { health } = decoded
      if (supersedes(health, endpoints.get(health.hookId))) endpoints.set(health.hookId, health)
    }
  }
  return endpoints
}
