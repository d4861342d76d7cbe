/**
 * Deletes a topic and creates it again, with records, while this process is blocked. So a reader of the topic in this
 * process sees only that it is another topic. A child process runs this file as a program, because a client needs a process
 * that is not blocked.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createKafka } from '../../src/edge/kafka/client.ts'

export interface TopicRecreation {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
  /** The records, all for partition 0. */
  readonly records: readonly (readonly [key: string, value: string | null])[]
}

export function recreateTopic(recreation: TopicRecreation): void {
  const script = fileURLToPath(import.meta.url)
  execFileSync(process.execPath, [script, JSON.stringify(recreation)], { stdio: 'pipe' })
}

async function recreate(recreation: TopicRecreation): Promise<void> {
  const { brokers, topic, partitions, configs, records } = recreation
  const kafka = createKafka({ brokers, clientId: 'test' }, () => {}, 'command')
  const [admin, producer] = [kafka.admin(), kafka.producer({ allowAutoTopicCreation: false })]
  await Promise.all([admin.connect(), producer.connect()])
  await admin.deleteTopics({ topics: [topic] })
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const created = { topic, numPartitions: partitions, configEntries }
  await admin.createTopics({ topics: [created], waitForLeaders: false })
  const messages = records.map(([key, value]) => ({ key, value, partition: 0 }))
  if (messages.length > 0) await producer.send({ topic, messages })
  await Promise.all([admin.disconnect(), producer.disconnect()])
}

if (import.meta.main) await recreate(JSON.parse(process.argv[2] ?? '') as TopicRecreation)
