/** How far the groups are behind, by partition, and how far the index is. */
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import type { Settings } from '../../settings/settings.ts'

export interface TopicLag {
  readonly topic: string
  /** Records that the group has not completed. Those of a retry topic wait there. */
  readonly records: number
}

export interface Lag {
  /** Of events and requests. */
  readonly live: readonly TopicLag[]
  /** Of retry topics. */
  readonly retry: readonly TopicLag[]
}

/** @throws UserError when a topic cannot be read, or no broker answers */
export async function readLag(admin: KafkaAdmin, settings: Settings): Promise<Lag> {
  const { groupId, topics, tiers } = settings
  const existing = new Set(await admin.listTopics())
  const those = (names: readonly string[]) => names.filter((name) => existing.has(name))
  return {
    live: await groupLag(admin, groupId, those([...topics.events, topics.requests])),
    retry: await groupLag(admin, retryGroupOf(groupId), those(tiers.map(({ topic }) => topic))),
  }
}

async function groupLag(
  admin: KafkaAdmin,
  groupId: string,
  topics: readonly string[],
): Promise<readonly TopicLag[]> {
  if (topics.length === 0) return []
  const commits = await admin.groupOffsets(groupId, topics)
  const committed = new Map(commits.map((one) => [`${one.topic}/${one.partition}`, one.offset]))
  const lags: TopicLag[] = []
  for (const topic of topics) {
    const held = await admin.offsets(topic)
    const behind = ({ partition, low, end }: PartitionRange) =>
      Math.max(0, end - Math.max(low, committed.get(`${topic}/${partition}`) ?? low))
    lags.push({ topic, records: held.reduce((sum, range) => sum + behind(range), 0) })
  }
  return lags
}

export function sumOf(lags: readonly TopicLag[]): number {
  return lags.reduce((sum, { records }) => sum + records, 0)
}
