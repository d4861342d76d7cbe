/** Sets a quota for a client, as an administrator does. KafkaJS has no call for it (AlterClientQuotas 0, KIP-546). */
import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'
import { clusterOf } from '../../src/edge/kafka/cluster.ts'
import { settingsOf, silentLog } from './kafka-tools.ts'

/** Until the test ends, the broker sends the client at most this many bytes per second. */
export async function limitReading(
  brokers: readonly string[],
  clientId: string,
  bytesPerSecond: number,
): Promise<void> {
  await setQuota(brokers, clientId, bytesPerSecond)
  onTestFinished(() => setQuota(brokers, clientId, undefined))
}

async function setQuota(
  brokers: readonly string[],
  clientId: string,
  bytesPerSecond: number | undefined,
): Promise<void> {
  const cluster = clusterOf(settingsOf(brokers), silentLog)
  await cluster.connect()
  try {
    await cluster.refreshMetadata()
    const { connectionPool } = (await cluster.findControllerBroker()) as unknown as AskedBroker
    const errorCode = await connectionPool.send({
      request: {
        apiKey: 49,
        apiVersion: 0,
        apiName: 'AlterClientQuotas',
        encode: () => Promise.resolve(encodeRequest(clientId, bytesPerSecond)),
      },
      response: {
        decode: (bytes) => Promise.resolve(bytes),
        // After the throttle time and the count of entries, of which there is one.
        parse: (bytes) => Promise.resolve(bytes.readInt16BE(8)),
      },
    })
    if (errorCode !== 0) throw new Error(`the quota was refused with error ${errorCode}`)
  } finally {
    await cluster.disconnect()
  }
}

function encodeRequest(clientId: string, bytesPerSecond: number | undefined): Encoder {
  const value = Buffer.alloc(8)
  value.writeDoubleBE(bytesPerSecond ?? 0)
  const encoder = new Encoder()
    .writeInt32(1) // entries
    .writeInt32(1) // parts of the entity
    .writeString('client-id')
    .writeString(clientId)
    .writeInt32(1) // quotas
    .writeString('consumer_byte_rate')
  encoder.writeBufferInternal(value)
  return encoder
    .writeBoolean(bytesPerSecond === undefined) // remove
    .writeBoolean(false) // validate_only
}

interface AskedBroker {
  readonly connectionPool: {
    send(exchange: {
      readonly request: {
        readonly apiKey: number
        readonly apiVersion: number
        readonly apiName: string
        encode(): Promise<Encoder>
      }
      readonly response: {
        decode(bytes: Buffer): Promise<Buffer>
        parse(bytes: Buffer): Promise<number>
      }
    }): Promise<number>
  }
}

interface Encoder {
  writeInt32(value: number): this
  writeString(text: string): this
  writeBoolean(value: boolean): this
  writeBufferInternal(bytes: Buffer): void
}

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as new () => Encoder
