/**
 * The id that a topic gets when it is created. It differs from the id of a former topic with the same name. KafkaJS requests
 * metadata in versions without ids. This requests a version that has them (Metadata 11, KIP-516; Kafka 2.8 and newer).
 */
import { askFlexibly, lengthOf, noTags, type Decoder, type Encoder } from './flexible-request.ts'

/** No id: the topic was created before brokers assigned ids. */
const noId = Buffer.alloc(16)

/**
 * `undefined` if the topic does not exist, or if the broker has no ids.
 *
 * @param broker a connected broker of KafkaJS
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
