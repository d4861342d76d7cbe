import { describe, expect, it, onTestFinished } from 'vitest'
import { type Compression, compressionTypes } from '../../src/edge/kafka/batches.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const compressions = Object.keys(compressionTypes) as Compression[]

/** With sizes around those of the blocks that snappy and lz4 are cut into. */
const sizes = [0, 1, 32_767, 32_768, 32_769, 65_536, 200_000]

function recordsOf(topic: string): readonly OutboundRecord[] {
  return sizes.map((size, index) => ({
    topic,
    key: `key-${index}`,
    value: Buffer.alloc(size, `{"event":"PostSignIn","index":${index}}`),
    headers: [['event-id', Buffer.from(`event-${index}`)]],
  }))
}

async function useSink(compression: Compression) {
  const { brokers } = surroundings()
  const sink = createSink({ settings: settingsOf(brokers), compression, log: silentLog })
  onTestFinished(() => sink.stop())
  return { sink, tools: await useKafka(brokers) }
}

/**
 * A broker reads what it is sent, with the code that Java's clients read with, and writes it anew where the topic says so,
 * with the code that they write with.
 */
describe('records compressed by', () => {
  it.each(compressions)('us with %s are read by Java, and those of Java by us', async (ours) => {
    const { sink, tools } = await useSink(ours)
    for (const theirs of compressions.filter((one) => one !== ours)) {
      const topic = `${uniqueNames().prefix}.${ours}-${theirs}`
      const type = theirs === 'none' ? 'uncompressed' : theirs
      await tools.createTopic(topic, 1, { 'compression.type': type })
      const records = recordsOf(topic)
      await sink.write(records)
      const read = await tools.readAll(topic)
      expect(read.map(({ value }) => value?.length)).toEqual(sizes)
      for (const [index, { value, headers }] of read.entries()) {
        expect(value?.equals(records[index]?.value ?? Buffer.alloc(0))).toBe(true)
        expect([...headers]).toEqual(records[index]?.headers)
      }
    }
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s are small', async (compression) => {
    const { sink, tools } = await useSink(compression)
    const topic = `${uniqueNames().prefix}.small`
    await tools.createTopic(topic, 1, { 'max.message.bytes': '40000' })
    const value = Buffer.alloc(400_000, 'a body that repeats itself ')
    await sink.write([{ topic, key: null, value, headers: [] }])
    expect((await tools.readAll(topic)).map((record) => record.value?.length)).toEqual([400_000])
  })
})
