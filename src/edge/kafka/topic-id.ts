/**
 * The id that a topic gets when it is created: what tells it from a former one of the same name. KafkaJS asks for
 * metadata in versions that do not have it, so this asks in one that does (Metadata 11, KIP-516; Kafka 2.8 and newer).
 */
import { askFlexibly, lengthOf, noTags, type Decoder, type Encoder } from './flexible-request.ts'

/** Stands for "none", as of topics that were made before brokers gave ids. */
const noId = Buffer.alloc(16)

/**
 * `undefined` when there is no such topic at the moment, or when the broker gives no ids.
 *
 * @param broker KafkaJS's object for one, connected
 * @throws {Error} when the broker does not answer
 */
export function topicIdOf(broker: object, topic: string): Promise<string | undefined> {
  return askFlexibly(broker, {
    apiKey: 3,
    apiName: 'Metadata',
    version: 11,
    encode: (encoder) => writeRequest(encoder, topic),
    decode: readTopicId,
  })
}

function writeRequest(encoder: Encoder, topic: string): void {
  encoder.writeUVarInt(lengthOf(1))
  encoder.writeBufferInternal(noId)
  encoder
    .writeUVarIntString(topic)
    .writeUVarInt(noTags)
    .writeBoolean(false) // allow_auto_topic_creation
    .writeBoolean(false) // include_topic_authorized_operations
    .writeUVarInt(noTags)
}

/** Reads up to the id of the first topic, which is the only one asked for. */
function readTopicId(decoder: Decoder): string | undefined {
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
