import { describe, expect, it } from 'vitest'
import { readTopic } from '../../src/edge/kafka-reader.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

describe('a topic that is read without a group', () => {
  it('comes in the order of each partition, whatever the clocks of its producers said', async () => {
    const { brokers } = surroundings()
    const topic = `${uniqueNames().prefix}.read`
    const tools = await useKafka(brokers)
    await tools.createTopic(topic, 2)
    const at = (value: string, partition: number, timestamp: number) => ({
      value,
      partition,
      timestamp: String(1_789_376_531_000 + timestamp),
    })
    await tools.produce(topic, [at('a1', 0, 50), at('b1', 1, 20), at('b2', 1, 60)])
    await tools.produce(topic, [at('a2', 0, 10), at('b3', 1, 40)])
    const values: string[] = []
    const reading = readTopic({
      settings: settingsOf(brokers),
      topic,
      from: 'earliest',
      isFollowing: false,
      signal: new AbortController().signal,
      log: silentLog,
    })
    for await (const records of reading) values.push(...records.map(({ value }) => String(value)))

    expect(values.toSorted()).toEqual(['a1', 'a2', 'b1', 'b2', 'b3'])
    expect(values.filter((value) => value.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(values.filter((value) => value.startsWith('b'))).toEqual(['b1', 'b2', 'b3'])
  })
})
