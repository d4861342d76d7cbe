/** The offsets that the groups have committed, read from Kafka: the fourth book. */
import { decodeCompletedRuns } from '../../src/core/offsets/completed-runs.ts'
import { retryGroupOf } from '../../src/core/model/group-names.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { within } from '../../src/edge/waiting.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import type { CommittedPartition, Coverage } from './books.ts'

export interface CommitReader extends AsyncDisposable {
  /** The current coverage. If no broker answers, it is the last known one, which covers less. */
  coverage(): Promise<Coverage>
  /** With the ends of the partitions. */
  commits(): Promise<readonly CommittedPartition[]>
}

export interface CommitReaderOptions {
  readonly brokers: readonly string[]
  readonly group: string
  readonly liveTopics: readonly string[]
  readonly tierTopics: readonly string[]
}

const answerMs = 2_000

export async function openCommitReader(options: CommitReaderOptions): Promise<CommitReader> {
  const { brokers, group, liveTopics, tierTopics } = options
  const admin = createKafka(settingsOf(brokers, 'chaos-books'), silentLog, 'command').admin()
  await admin.connect()
  const groups = [
    { groupId: group, topics: [...liveTopics] },
    { groupId: retryGroupOf(group), topics: [...tierTopics] },
  ]
  const fetchAll = async () => {
    const answers = await Promise.all(groups.map((one) => admin.fetchOffsets(one)))
    return answers.flatMap((topics, index) =>
      topics.map((one) => ({ group: groups[index]?.groupId ?? '', ...one })),
    )
  }
  let last: Coverage = new Map()
  return {
    async coverage() {
      const read = fetchAll().catch(() => undefined)
      const found = await within(read, answerMs, undefined)
      if (found === undefined) return last
      last = new Map(
        found.flatMap(({ group: name, topic, partitions }) =>
          partitions.map(({ partition, offset, metadata }) => {
            const base = Math.max(0, Number(offset))
            const place = { group: name, topic, partition, offset: base }
            const runs = decodeCompletedRuns(place, metadata ?? '')
            const ranges = runs.kind === 'ranges' ? runs.ranges : []
            return [`${topic}/${partition}`, { base, ranges }] as const
          }),
        ),
      )
      return last
    },
    async commits() {
      const found = await fetchAll()
      const list: CommittedPartition[] = []
      for (const { group: name, topic, partitions } of found) {
        const ends = new Map(
          (await admin.fetchTopicOffsets(topic)).map((one) => [one.partition, Number(one.high)]),
        )
        for (const { partition, offset } of partitions) {
          const committed = Number(offset) < 0 ? undefined : Number(offset)
          list.push({
            group: name,
            topic,
            partition,
            end: ends.get(partition) ?? 0,
            offset: committed,
          })
        }
      }
      return list
    },
    [Symbol.asyncDispose]: () => admin.disconnect(),
  }
}
