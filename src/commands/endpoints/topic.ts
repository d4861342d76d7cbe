/** Reads the topic of endpoint health as processors do: the record that counts of each hook. */
import { decodeHealth, supersedes, type Health } from '../../core/health/record.ts'
import type { HookId, InboundRecord } from '../../core/model/model.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'

/**
 * Endpoint health by hook. A hook without an entry is healthy.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 */
export async function readEndpoints(
  context: Pick<CommandContext, 'settings' | 'signal'>,
): Promise<ReadonlyMap<HookId, Health>> {
  const endpoints = new Map<HookId, Health>()
  for await (const records of readToEnd(context, context.settings.topics.endpoints)) {
    for (const record of records) takeHealth(endpoints, record)
  }
  return endpoints
}

/** Takes the next record of a partition into what is known. */
export function takeHealth(endpoints: Map<HookId, Health>, record: InboundRecord): void {
  const decoded = decodeHealth(record)
  if (decoded.kind === 'tombstone') endpoints.delete(decoded.hookId)
  if (decoded.kind !== 'health') return
  const { health } = decoded
  if (supersedes(health, endpoints.get(health.hookId))) endpoints.set(health.hookId, health)
}
