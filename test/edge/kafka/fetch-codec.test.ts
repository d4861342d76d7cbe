import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import '../../../src/edge/kafka/client.ts'
import { decodeFetch } from '../../../src/edge/kafka/fetch-answer.ts'
import { fetchBody } from '../../../src/edge/kafka/fetch-request.ts'
import { fetchedBatch, rotated } from '../../../src/edge/kafka/fetch.ts'
import type { FetchedMessage, FetchTopic } from '../../../src/edge/kafka/inner.ts'
import { batchOf } from '../../support/kafka-batch.ts'

const requireFrom = createRequire(import.meta.url)
/** Version 10 of KafkaJS's own request: version 11 has only the rack in addition, at its end. */
const ownRequest = requireFrom('kafkajs/src/protocol/requests/fetch/v10/request') as (
  parts: object,
) => { encode(): Promise<{ readonly buffer: Buffer }> }

const parts = {
  replicaId: -1,
  maxWaitTime: 5_000,
  minBytes: 1,
  maxBytes: 10_485_760,
  isolationLevel: 1,
  sessionId: 0,
  sessionEpoch: -1,
}

function topicOf(topic: string, ...offsets: readonly string[]): FetchTopic {
  const partitions = offsets.map((fetchOffset, partition) => ({
    partition,
    fetchOffset,
    maxBytes: 1_048_576,
  }))
  return { topic, partitions }
}

describe('a fetch request', () => {
  it('has the bytes of KafkaJS, and the rack', async () => {
    const offsets = ['0', '7', '4294967295', '4294967296', '9007199254740991']
    const topics = [topicOf('auth.events', ...offsets, '9223372036854775807'), topicOf('étés', '1')]
    const { buffer } = await ownRequest({ ...parts, topics }).encode()
    const rack = Buffer.from([0, 2, 0x65, 0x31])
    const body = fetchBody({ ...parts, topics, rackId: 'e1' })
    const bytes = Buffer.alloc(body.bytes)
    body.writeTo(bytes, 0)
    expect(bytes).toEqual(Buffer.concat([buffer, rack]))
  })

  it('begins behind the last partition that had records, and has each partition once', () => {
    const topics = [topicOf('one', '10', '11', '12'), topicOf('two', '20')]
    const circleAfter = (topic: string, partition: number) =>
      rotated(topics, { topic, partition }).flatMap(({ partitions }) =>
        partitions.map(({ fetchOffset }) => fetchOffset),
      )
    expect(circleAfter('one', 0)).toEqual(['11', '12', '20', '10'])
    expect(circleAfter('one', 2)).toEqual(['20', '10', '11', '12'])
    expect(circleAfter('two', 0)).toEqual(['10', '11', '12', '20'])
    expect(circleAfter('one', 7)).toEqual(['10', '11', '12', '20'])
    expect(rotated(topics, { topic: 'gone', partition: 0 })).toBe(topics)
    expect(rotated(topics, undefined)).toBe(topics)
  })
})

describe('the answer to a fetch request', () => {
  it('has the records of each partition, and those without records', async () => {
    const batch = await batchOf('none', 7, ['one', 'two'])
    const bytes = answerBytes([
      partitionBytes({ partition: 3, end: 9n, batch }),
      partitionBytes({ partition: 4, end: 5_000_000_000n }),
      partitionBytes({ partition: 5, end: -1n, aborted: [[77n, 6n]], errorCode: 6 }),
    ])
    const { responses, clientSideThrottleTime, sessionId } = await decodeFetch(bytes)
    expect({ clientSideThrottleTime, sessionId }).toEqual({
      clientSideThrottleTime: 250,
      sessionId: 0,
    })
    expect(responses).toMatchObject([
      {
        topicName: 'auth.events',
        partitions: [
          {
            partition: 3,
            errorCode: 0,
            highWatermark: '9',
            lastStableOffset: '9',
            abortedTransactions: [],
            preferredReadReplica: -1,
            messages: [{ offset: '7' }, { offset: '8' }],
          },
          { partition: 4, highWatermark: '5000000000', messages: [] },
          {
            partition: 5,
            errorCode: 6,
            highWatermark: '-1',
            abortedTransactions: [{ producerId: '77', firstOffset: '6' }],
            messages: [],
          },
        ],
      },
    ])
    const [first] = responses[0]?.partitions ?? []
    expect(first?.messages.map(({ value }) => String(value))).toEqual(['one', 'two'])
  })

  it('leaves a batch that is cut off to the next fetch', async () => {
    const whole = await batchOf('none', 7, ['one'])
    const cut = (await batchOf('none', 8, ['two'])).subarray(0, -3)
    const batch = Buffer.concat([whole, cut])
    const { responses } = await decodeFetch(answerBytes([partitionBytes({ end: 9n, batch })]))
    expect(responses[0]?.partitions[0]?.messages.map(({ offset }) => offset)).toEqual(['7'])
  })
})

describe('a fetched batch', () => {
  const answerWith = (...messages: readonly FetchedMessage[]) => ({
    partition: 2,
    errorCode: 0,
    highWatermark: '20',
    lastStableOffset: '20',
    messages,
  })
  const message = (offset: string, more: Partial<FetchedMessage> = {}): FetchedMessage => ({
    offset,
    timestamp: '0',
    key: null,
    value: null,
    ...more,
  })

  it('has the records from the position on that are not for clients only', () => {
    const [before, at, marker, after] = [
      message('4'),
      message('5'),
      message('6', { isControlRecord: true }),
      message('10'),
    ]
    const batch = fetchedBatch('events', '5', answerWith(before, at, marker, after))
    expect(batch.messages).toEqual([at, after])
    expect(batch.rawMessages).toHaveLength(4)
    expect(batch).toMatchObject({ topic: 'events', partition: 2, fetchedOffset: '5' })
  })
})

interface PartitionParts {
  readonly partition?: number
  readonly errorCode?: number
  readonly end: bigint
  readonly aborted?: readonly (readonly [producerId: bigint, firstOffset: bigint])[]
  readonly batch?: Buffer
}

function partitionBytes({
  partition = 0,
  errorCode = 0,
  end,
  aborted,
  batch,
}: PartitionParts): Buffer {
  return Buffer.concat([
    int32(partition),
    int16(errorCode),
    ...[end, end, 0n].map(int64),
    int32(aborted?.length ?? -1),
    ...(aborted ?? []).flat().map(int64),
    int32(-1),
    int32(batch?.length ?? 0),
    batch ?? Buffer.alloc(0),
  ])
}

/** The answer of version 11 for the partitions of one topic. */
function answerBytes(partitions: readonly Buffer[]): Buffer {
  const name = Buffer.from('auth.events')
  const head = [int32(250), int16(0), int32(0), int32(1), int16(name.length), name]
  return Buffer.concat([...head, int32(partitions.length), ...partitions])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
