/** Reads a topic from its beginning as it grows, and lets a test wait for what it expects there. */
import type { KafkaHeaders } from '../../src/core/model/model.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { settingsOf, silentLog } from './kafka-tools.ts'

export interface TailRecord {
  readonly key: Buffer | null
  readonly value: Buffer
  readonly timestamp: number
  /** Values of a repeated header are joined by commas. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Tail<Item> {
  /** Everything read so far, in the order in which it was read. */
  readonly items: readonly Item[]
  /** Resolves with all items as soon as `isEnough` is true of them. */
  waitFor(isEnough: (items: readonly Item[]) => boolean): Promise<readonly Item[]>
  stop(): Promise<void>
}

export function tailTopic<Item>(
  brokers: readonly string[],
  topic: string,
  read: (record: TailRecord) => Promise<Item>,
): Tail<Item> {
  const items: Item[] = []
  const waiting = new Set<() => void>()
  const stopping = new AbortController()
  const nextOffsets = new Map<number, number>()

  async function follow(): Promise<void> {
    const options = { topic, from: 'earliest', isFollowing: true, log: silentLog } as const
    const { signal } = stopping
    for await (const records of readTopic({ ...options, settings: settingsOf(brokers), signal })) {
      for (const { partition, offset, key, value, timestamp, headers } of records) {
        if (offset < (nextOffsets.get(partition) ?? 0)) continue
        nextOffsets.set(partition, offset + 1)
        const fields = { key, value: value ?? Buffer.alloc(0), timestamp }
        items.push(await read({ ...fields, headers: textHeaders(headers) }))
      }
      for (const check of waiting) check()
    }
  }

  /** An outage may last longer than the reader waits. */
  async function followOn(): Promise<void> {
    while (!stopping.signal.aborted) await follow().catch(() => undefined)
  }

  const following = followOn()
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
    async stop() {
      stopping.abort()
      await following
    },
  }
}

function textHeaders(headers: KafkaHeaders): Readonly<Record<string, string>> {
  const byName = Map.groupBy(headers, ([name]) => name)
  return Object.fromEntries(
    [...byName].map(([name, list]) => [name, list.map(([, value]) => String(value)).join()]),
  )
}
