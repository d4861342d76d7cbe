/**
 * The id that a topic gets when it is created: what tells it from a former one of the same name. KafkaJS asks for
 * metadata in versions that do not have it, so this asks in one that does (Metadata 11, KIP-516; Kafka 2.8 and newer).
 */
import { createRequire } from 'node:module'
import type { InnerGroup } from './inner.ts'

const metadataKey = 3
const version = 11
/** Stands for "none", as of topics that were made before brokers gave ids. */
const noId = Buffer.alloc(16)

/**
 * Asks the group's coordinator, whose connection is there in any case. `undefined` when there is no such topic at the
 * moment, or when the broker gives no ids.
 *
 * @throws {Error} when the broker does not answer
 */
export async function topicIdOf(
  { coordinator }: Pick<InnerGroup, 'coordinator'>,
  topic: string,
): Promise<string | undefined> {
  // What is used of KafkaJS's broker object beside its requests; patches.ts refuses any version but one.
  const broker = coordinator as unknown as AskedBroker | null
  if ((broker?.versions?.[metadataKey]?.maxVersion ?? 0) < version) return undefined
  return broker?.connectionPool.send({
    request: {
      apiKey: metadataKey,
      apiVersion: version,
      apiName: 'Metadata',
      encode: () => Promise.resolve(encodeRequest(topic)),
    },
    response: {
      decode: (bytes) => Promise.resolve({ topicId: decodeTopicId(bytes) }),
      parse: ({ topicId }) => Promise.resolve(topicId),
    },
  })
}

/** Request header 2 ends in tagged fields, for which KafkaJS's own header has no place: they come first here. */
function encodeRequest(topic: string): Encoder {
  const noTags = 0
  const one = 1 + 1
  const encoder = new Encoder().writeUVarInt(noTags).writeUVarInt(one)
  encoder.writeBufferInternal(noId)
  return encoder
    .writeUVarIntString(topic)
    .writeUVarInt(noTags)
    .writeBoolean(false) // allow_auto_topic_creation
    .writeBoolean(false) // include_topic_authorized_operations
    .writeUVarInt(noTags)
}

/** Reads up to the id of the first topic, which is the only one asked for. */
function decodeTopicId(bytes: Buffer): string | undefined {
  const decoder = new Decoder(bytes)
  decoder.readTaggedFields()
  decoder.readInt32() // throttle_time_ms
  decoder.readUVarIntArray((broker) => {
    broker.readInt32() // node_id
    broker.readUVarIntString() // host
    broker.readInt32() // port
    broker.readUVarIntString() // rack
    broker.readTaggedFields()
  })
  decoder.readUVarIntString() // cluster_id
  decoder.readInt32() // controller_id
  const topics = decoder.readUVarInt() - 1
  const error = topics === 1 ? decoder.readInt16() : -1
  if (error !== 0) return undefined
  decoder.readUVarIntString() // name
  const id = decoder.readBytes(noId.length)
  return id.equals(noId) ? undefined : id.toString('hex')
}

// --- what is used of KafkaJS's inner objects ---------------------------------------------------------

interface AskedBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null
  readonly connectionPool: {
    send<Decoded, Result>(exchange: {
      readonly request: {
        readonly apiKey: number
        readonly apiVersion: number
        readonly apiName: string
        encode(): Promise<Encoder>
      }
      readonly response: {
        decode(bytes: Buffer): Promise<Decoded>
        parse(decoded: Decoded): Promise<Result>
      }
    }): Promise<Result>
  }
}

interface Encoder {
  writeUVarInt(value: number): this
  writeUVarIntString(text: string): this
  writeBoolean(value: boolean): this
  writeBufferInternal(bytes: Buffer): void
}

interface Decoder {
  readInt16(): number
  readInt32(): number
  readUVarInt(): number
  readUVarIntString(): string | null
  readBytes(length: number): Buffer
  readTaggedFields(): unknown
  readUVarIntArray<Item>(read: (decoder: Decoder) => Item): readonly Item[]
}

const requireFrom = createRequire(import.meta.url)
const Encoder = requireFrom('kafkajs/src/protocol/encoder') as new () => Encoder
const Decoder = requireFrom('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
