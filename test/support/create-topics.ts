/** Topics that are there when they are created. */
import type { Admin, ITopicConfig } from 'kafkajs'
import { vi } from 'vitest'

const limitMs = 20_000

/** KafkaJS gives up waiting for leaders where the broker that it asks does not know a new topic yet. */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false })
  const names = topics.map(({ topic }) => topic)
  await vi.waitFor(
    async () => {
      const metadata = await admin.fetchTopicMetadata({ topics: names })
      const partitions = metadata.topics.flatMap((topic) => topic.partitions)
      const missing = partitions.filter(({ leader }) => leader < 0)
      if (missing.length > 0) throw new Error(`${missing.length} partitions have no leader yet`)
    },
    { timeout: limitMs, interval: 50 },
  )
}
