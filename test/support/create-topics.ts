/** Topics that are there when they are created. */
import type { Admin, ITopicConfig } from 'kafkajs'
import { vi } from 'vitest'

const limitMs = 20_000

/** KafkaJS gives up waiting for leaders where the broker that it asks does not know a new topic yet. */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false })
  await leadersElected(
    admin,
    topics.map(({ topic }) => topic),
  )
}

/**
 * Resolves when all partitions of the topics have leaders. The broker that is asked may learn of new partitions after the
 * request that created them was answered.
 *
 * @param least how many partitions each topic has
 */
export async function leadersElected(
  admin: Admin,
  names: readonly string[],
  least = 1,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...names] })
      for (const { name, partitions } of topics) {
        const { length } = partitions.filter(({ leader }) => leader >= 0)
        if (length < Math.max(least, partitions.length))
          throw new Error(`only ${length} partitions of ${name} have a leader`)
      }
      // A broker may be named as the leader before it knows. KafkaJS's producer would write again what other leaders took.
      for (const name of names) await admin.fetchTopicOffsets(name)
    },
    { timeout: limitMs, interval: 50 },
  )
}
