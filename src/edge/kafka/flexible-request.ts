/**
 * Requests in flexible versions (KIP-482), which KafkaJS does not have: strings and arrays have lengths of variable size,
 * and every structure ends with tagged fields. This uses KafkaJS's connection, encoder and decoder, which are private.
 * `patches.ts` refuses any version of KafkaJS but one.
 */
import { createRequire } from 'node:module'

export interface FlexibleRequest<Answer> {
  readonly apiKey: number
  readonly apiName: string
  /** Must be a flexible one. */
  readonly version: number
  /** Writes the body, with the tagged fields at its end. */
  readonly encode: (encoder: Encoder) => void
  /** Reads the body, at least up to the last field that is needed. */
  readonly decode: (decoder: Decoder) => Answer
}

/**
 * Sends a request on KafkaJS's connection to a broker.
 *
 * @param broker a connected broker of KafkaJS
 * @returns `undefined` when the broker does not speak this version
 * @throws {Error} when the broker does not answer
 */
export async function askFlexibly<Answer>(
  broker: object | null,
  { apiKey, apiName, version, encode, decode }: FlexibleRequest<Answer>,
): Promise<Answer | undefined> {
  // Private members of KafkaJS's broker object.
  const asked = broker as AskedBroker | null
  if ((asked?.versions?.[apiKey]?.maxVersion ?? -1) < version) return undefined
  return asked?.connectionPool.send({
    request: {
      apiKey,
      apiVersion: version,
      apiName,
      encode() {
        // Request header 2 ends with tagged fields, which KafkaJS's own header does not have. So they are written first here.
        const encoder = new Encoder().writeUVarInt(noTags)
        encode(encoder)
        return Promise.resolve(encoder)
      },
    },
    response: {
      decode(bytes) {
        const decoder = new Decoder(bytes)
        decoder.readTaggedFields()
        return Promise.resolve({ answer: decode(decoder) })
      },
      parse: ({ answer }) => Promise.resolve(answer),
    },
  })
}

/** The end of a structure without tagged fields. */
export const noTags = 0

/** Lengths of arrays are written plus one. 0 means null. */
export const lengthOf = (count: number): number => count + 1

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

export interface Encoder {
  writeInt32(value: number): this
  writeUVarInt(value: number): this
  /** `null` for none. */
  writeUVarIntString(text: string | null): this
  writeBoolean(value: boolean): this
  writeBufferInternal(bytes: Buffer): void
}

export interface Decoder {
  readInt8(): number
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
