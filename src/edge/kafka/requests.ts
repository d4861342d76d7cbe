/**
 * Requests as bytes. KafkaJS writes a body into one buffer, copies it behind the request's header into a second one, and both
 * behind the length into a third, and each of them doubles until all fits. Here a request is one buffer of its own length,
 * and a body may say how it is written into it. KafkaJS's own bodies are copied into it.
 *
 * `kafkajs.ts` and `patches.ts` import this first: KafkaJS's connections keep the function that they find when they are
 * loaded.
 */
import { createRequire } from 'node:module'
import { replaceExport } from './replace-export.ts'

/** The body of a request. */
export interface RequestBody {
  readonly bytes: number
  /**
   * Writes the body.
   *
   * @param at where it begins
   */
  writeTo(request: Buffer, at: number): void
}

/** A body that is written already: an encoder of KafkaJS. */
interface Encoder {
  readonly buffer: Buffer
}

interface Numbered {
  readonly correlationId: number
  readonly clientId: string
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly encode: () => Promise<RequestBody | Encoder>
  }
}

/** Of the request, which does not count itself. */
const lengthBytes = 4
/** API, its version, and a number. The client's id follows: request header 1 (`RequestHeader.json` of Kafka). */
const headBytes = 2 + 2 + 4
/** Of a text. */
const textLengthBytes = 2

/** @returns KafkaJS sends what is in `buffer` */
export async function encodeRequest({
  correlationId,
  clientId,
  request,
}: Numbered): Promise<Encoder> {
  const { apiKey, apiVersion, encode } = request
  const body = bodyOf(await encode())
  const bodyAt = lengthBytes + headBytes + textBytes(clientId)
  const buffer = Buffer.allocUnsafe(bodyAt + body.bytes)
  let at = buffer.writeInt32BE(buffer.length - lengthBytes, 0)
  at = buffer.writeInt16BE(apiKey, at)
  at = buffer.writeInt16BE(apiVersion, at)
  at = buffer.writeInt32BE(correlationId, at)
  body.writeTo(buffer, writeText(buffer, clientId, at))
  return { buffer }
}

/** The bytes that {@link writeText} writes. */
export function textBytes(text: string): number {
  return textLengthBytes + Buffer.byteLength(text)
}

/** Writes a text behind its length. Returns where the text ends. */
export function writeText(request: Buffer, text: string, at: number): number {
  const length = request.write(text, at + textLengthBytes)
  return request.writeInt16BE(length, at) + length
}

function bodyOf(encoded: RequestBody | Encoder): RequestBody {
  if ('writeTo' in encoded) return encoded
  const { buffer } = encoded
  return { bytes: buffer.length, writeTo: (request, at) => void buffer.copy(request, at) }
}

/** Without this, bodies of this project would go to KafkaJS's own code, which cannot write them. */
function checkOrder(): void {
  const { cache, resolve } = createRequire(import.meta.url)
  if (cache[resolve('kafkajs/src/network/connection')] === undefined) return
  throw new Error('KafkaJS was loaded before its overrides: import it from edge/kafka/kafkajs.ts')
}

checkOrder()
replaceExport<typeof encodeRequest>('kafkajs/src/protocol/request', () => encodeRequest)
