import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import '../../../src/edge/kafka/client.ts'
import { encodeRequest } from '../../../src/edge/kafka/requests.ts'

interface Encoder {
  readonly buffer: Buffer
  writeBuffer(value: Buffer): Encoder
  writeString(value: string | null): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
}

interface Request {
  readonly apiKey: number
  readonly apiVersion: number
  readonly encode: () => Promise<Encoder>
}

type Encode = (numbered: {
  readonly correlationId: number
  readonly clientId: string
  readonly request: Request
}) => Promise<{ readonly buffer: Buffer }>

const requireFrom = createRequire(import.meta.url)
const EncoderOf = requireFrom('kafkajs/src/protocol/encoder') as new () => Encoder
const ownEncode = original('kafkajs/src/protocol/request') as Encode
const produceRequest = requireFrom('kafkajs/src/protocol/requests/produce/v3/request') as (
  parts: object,
) => Request

/** What a module of KafkaJS exports by itself. */
function original(module: string): unknown {
  const path = requireFrom.resolve(module)
  const replaced = requireFrom.cache[path]
  delete requireFrom.cache[path]
  const exported: unknown = requireFrom(path)
  if (replaced !== undefined) requireFrom.cache[path] = replaced
  return exported
}

describe('a request', () => {
  it.each([
    ['no body', 0],
    ['a short body', 7],
    ['a body of many buffers of KafkaJS', 300_000],
  ])('with %s has the bytes of KafkaJS', async (_, length) => {
    const body = Buffer.alloc(length, 'body')
    const encode = () => Promise.resolve(new EncoderOf().writeBuffer(body))
    const request = { apiKey: 3, apiVersion: 12, encode }
    const numbered = { correlationId: 2_147_483_647, clientId: 'hooktide-été', request }
    const own = await ownEncode(numbered)
    expect((await encodeRequest(numbered)).buffer.equals(own.buffer)).toBe(true)
    expect(ownEncode).not.toBe(encodeRequest)
  })
})

describe('a produce request', () => {
  it('has its batches as they are encoded, by topic and partition', async () => {
    const [one, other] = [Buffer.alloc(70_000, 'one'), Buffer.alloc(0)]
    const topicData = [
      {
        topic: 'été.events',
        partitions: [
          { partition: 3, encoded: one },
          { partition: 70_000, encoded: other },
        ],
      },
      { topic: 'results', partitions: [{ partition: 0, encoded: one }] },
    ]
    const request = produceRequest({ acks: -1, timeout: 10_000, topicData })
    const numbered = { correlationId: 7, clientId: 'hooktide' }
    const { buffer } = await encodeRequest({ ...numbered, request })
    const body = new EncoderOf().writeString(null).writeInt16(-1).writeInt32(10_000).writeInt32(2)
    for (const { topic, partitions } of topicData) {
      body.writeString(topic).writeInt32(partitions.length)
      for (const { partition, encoded } of partitions) {
        body.writeInt32(partition).writeInt32(encoded.length).writeBuffer(encoded)
      }
    }
    const expected = { apiKey: 0, apiVersion: 3, encode: () => Promise.resolve(body) }
    expect(buffer.equals((await ownEncode({ ...numbered, request: expected })).buffer)).toBe(true)
  })
})
