/** The topic of endpoint health as commands see it: of each hook the word that counts, as processors read it. */
import { decodeHealth, supersedes, type Health } from '../core/endpoint-record.ts'
import type { HookId } from '../core/model.ts'
import { readTopic } from '../edge/kafka/reader.ts'
import type { CommandContext } from './command.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'

/**
 * Hooks of whose endpoints something was said. All others are healthy.
 *
 * @throws UserError when the topic does not exist, or no broker answers
 */
export async function readEndpoints({
  settings,
  signal,
}: Pick<CommandContext, 'settings' | 'signal'>): Promise<ReadonlyMap<HookId, Health>> {
  const endpoints = new Map<HookId, Health>()
  const reading = {
    settings: kafkaSettingsOf(settings),
    topic: settings.topics.endpoints,
    from: 'earliest',
    isFollowing: false,
    signal,
    log: quiet,
  } as const
  for await (const records of readTopic(reading)) {
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
