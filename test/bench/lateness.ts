/** How late calls are that had to wait, by what was written of them: when each was planned for, and when it was made. */
import { waitingRun } from '../../src/core/run/waiting.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import type { Environment } from './product.ts'

/**
 * Milliseconds from the time that a delivery was planned for, when it was put off last, to its call; below 0 if it was called
 * before. In ascending order. Deliveries that were never put off are not among them.
 */
export async function latenessOf(environment: Environment): Promise<readonly number[]> {
  const planned = await plannedTimes(environment)
  const url = environment['SCHEMA_REGISTRY_URL'] ?? ''
  const read = createResultReader({ url, username: undefined, password: undefined })
  const late: number[] = []
  for await (const records of readAll(environment, `${prefixOf(environment)}.results`)) {
    for (const { value } of records) {
      if (value === null) continue
      const { deliveryId, outcome, attemptedAt } = await read(value)
      const due = planned.get(deliveryId)?.dueAt
      if (outcome === 'delivered' && due !== undefined) late.push(attemptedAt - due)
    }
  }
  return late.toSorted((one, other) => one - other)
}

interface Plan {
  readonly hop: number
  readonly dueAt: number
}

async function plannedTimes(environment: Environment): Promise<ReadonlyMap<string, Plan>> {
  const planned = new Map<string, Plan>()
  for (const topic of await tiersOf(environment)) {
    for await (const records of readAll(environment, topic)) {
      for (const record of records) {
        // Its delay says when the tier releases it, which is not asked for.
        const run = waitingRun(record, { topic, delayMs: 0 })
        if ('kind' in run) throw new Error(`a record of ${topic} is no delivery`)
        const { deliveryId, hop, dueAt } = run
        if (hop > (planned.get(deliveryId)?.hop ?? 0)) planned.set(deliveryId, { hop, dueAt })
      }
    }
  }
  return planned
}

function readAll(environment: Environment, topic: string) {
  const settings = settingsOf(brokersOf(environment))
  const { signal } = new AbortController()
  return readTopic({
    settings,
    topic,
    from: 'earliest',
    isFollowing: false,
    signal,
    log: silentLog,
  })
}

async function tiersOf(environment: Environment): Promise<readonly string[]> {
  const admin = createKafka(settingsOf(brokersOf(environment)), silentLog, 'command').admin()
  await admin.connect()
  const topics = await admin.listTopics()
  await admin.disconnect()
  return topics.filter((topic) => topic.startsWith(`${prefixOf(environment)}.retry.`))
}

function prefixOf(environment: Environment): string {
  return `${environment['HOOKTIDE_TOPIC_PREFIX']}.webhook`
}

function brokersOf(environment: Environment): readonly string[] {
  return environment['KAFKA_BROKERS']?.split(',') ?? []
}
