import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from '../../src/edge/kafka/kafkajs.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedKafka, startEmbeddedKafka } from '../../examples/sandbox/sandbox.ts'
import { listening } from '../support/listening.ts'
import { createTopics } from '../support/create-topics.ts'

describe('the embedded Kafka', () => {
  let kafka: EmbeddedKafka
  beforeAll(async () => {
    kafka = await startEmbeddedKafka({ overrides: { 'num.partitions': '3' } })
  })
  afterAll(() => kafka.stop())

  it('creates no topic that nobody asked for', async () => {
    await withAdmin(kafka, async (admin) => {
      await expect(admin.fetchTopicMetadata({ topics: ['unasked'] })).rejects.toThrow(
        'This server does not host this topic-partition',
      )
    })
  })

  it('keeps its port and its records when it is killed and started again', async () => {
    const address = kafka.brokers
    await withAdmin(kafka, async (admin, client) => {
      await createTopics(admin, [{ topic: 'kept' }])
      const producer = client.producer()
      await producer.connect()
      await producer.send({ topic: 'kept', messages: [{ value: 'one', partition: 2 }] })
      await producer.disconnect()
    })
    const killed = kafka.pid()

    await kafka.kill()
    expect(isRunning(killed)).toBe(false)
    await kafka.restart()

    expect(kafka.brokers).toEqual(address)
    await withAdmin(kafka, async (admin) => {
      const ends = await admin.fetchTopicOffsets('kept')
      expect(ends.filter(({ high }) => high !== '0')).toMatchObject([{ partition: 2, high: '1' }])
    })
  })

  it('leaves neither a process nor a folder when it is stopped', async () => {
    await kafka.stop()
    expect(isRunning(kafka.pid())).toBe(false)
    expect(existsSync(kafka.folder)).toBe(false)
  })
})

describe('an embedded Kafka that cannot start', () => {
  it('names a port that is in use, and the way out', async () => {
    const port = await listening(createServer())
    await expect(startEmbeddedKafka({ port })).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is in use, so Kafka cannot listen on it: end what listens there, or name no port and a free one is taken.`,
    )
  })

  it('says what Kafka said when a setting is wrong', async () => {
    const starting = startEmbeddedKafka({ overrides: { 'num.io.threads': 'many' } })
    await expect(starting).rejects.toThrow(/storage tool failed.*num\.io\.threads/s)
  })
})

async function withAdmin(
  { brokers }: EmbeddedKafka,
  use: (admin: Admin, client: Kafka) => Promise<void>,
): Promise<void> {
  const client = new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 2 },
  })
  const admin = client.admin()
  await admin.connect()
  await use(admin, client)
  await admin.disconnect()
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
