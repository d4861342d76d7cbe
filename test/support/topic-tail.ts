/** Reads a topic from its beginning as it grows, and lets a test wait for what it expects there. */
import { randomBytes } from 'node:crypto'
import type { Kafka } from 'kafkajs'

export interface TailRecord {
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export interface Tail<Item> {
  /** Everything read so far, in the order in which it was read. */
  readonly items: readonly Item[]
  /** Resolves with all items once `isEnough` of them are there. */
  waitFor(isEnough: (items: readonly Item[]) => boolean): Promise<readonly Item[]>
  stop(): Promise<void>
}

export async function tailTopic<Item>(
  kafka: Kafka,
  topic: string,
  read: (record: TailRecord) => Promise<Item>,
): Promise<Tail<Item>> {
  const items: Item[] = []
  const waiting = new Set<() => void>()
  const consumer = kafka.consumer({
    groupId: `tail-${randomBytes(6).toString('hex')}`,
    maxWaitTimeInMs: 50,
    retry: { retries: 1_000, maxRetryTime: 1_000 },
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { value, headers } of batch.messages) {
        items.push(
          await read({ value: value ?? Buffer.alloc(0), headers: textHeaders(headers ?? {}) }),
        )
      }
      for (const check of waiting) check()
    },
  })
  return {
    items,
    waitFor: (isEnough) =>
      new Promise((resolve) => {
        const check = () => {
          if (!isEnough(items)) return
          waiting.delete(check)
          resolve(items)
        }
        waiting.add(check)
        check()
      }),
    stop: () => consumer.disconnect(),
  }
}

function textHeaders(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
