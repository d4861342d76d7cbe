/** How far the groups are behind, by partition, and how far the index is. */
import { kafkaSettingsOf } from '../../commands/kafka-session.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { KafkaAdmin, PartitionRange } from '../../edge/kafka/admin.ts'
import { topicRight } from '../../edge/kafka/needed-rights.ts'
import { rightRefusals, RightsError } from '../../edge/kafka/refusals.ts'
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
  /** Of all these topics those that do not exist. */
  readonly absent: readonly string[]
}

/** What is asked of Kafka. */
export type LagSource = Pick<KafkaAdmin, 'listTopics' | 'groupOffsets' | 'offsets'>

/** @returns those of the topics that may exist, but may not be seen */
export type FindHidden = (topics: readonly string[]) => Promise<ReadonlySet<string>>

/** Asks again only when it is about other topics than last. */
export function askedOnce(find: FindHidden): FindHidden {
  let known: { readonly asked: string; readonly hidden: ReadonlySet<string> } | undefined
  return async (topics) => {
    const asked = JSON.stringify(topics)
    if (known?.asked !== asked) known = { asked, hidden: await find(topics) }
    return known.hidden
  }
}

/**
 * Reads the lag again and again. Kafka leaves topics out of its list that the login may not describe: a sum without them
 * would be too small. Which ones these are is asked again only when others are missing from the list.
 */
export class LagReader {
  readonly #settings: Settings
  readonly #findHidden: FindHidden

  constructor(settings: Settings, findHidden: FindHidden) {
    this.#settings = settings
    this.#findHidden = askedOnce(findHidden)
  }

  /** @throws UserError when a topic cannot be read, or no broker answers; one that names all rights that are missing */
  async read(source: LagSource): Promise<Lag> {
    const { groupId, topics, tiers } = this.#settings
    const live = [...topics.events, topics.requests]
    const retry = tiers.map(({ topic }) => topic)
    const existing = new Set(await source.listTopics())
    const absent = [...live, ...retry].filter((topic) => !existing.has(topic))
    await this.#refuseHidden(absent)
    const those = (names: readonly string[]) => names.filter((name) => existing.has(name))
    return {
      live: await groupLag(source, groupId, those(live)),
      retry: await groupLag(source, retryGroupOf(groupId), those(retry)),
      absent,
    }
  }

  async #refuseHidden(topics: readonly string[]): Promise<void> {
    const hidden = await this.#findHidden(topics)
    const missing = topics.filter((topic) => hidden.has(topic))
    if (missing.length === 0) return
    const rights = missing.map((topic) => topicRight('Describe', topic))
    throw new RightsError(rightRefusals(kafkaSettingsOf(this.#settings), rights))
  }
}

async function groupLag(
  admin: LagSource,
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
