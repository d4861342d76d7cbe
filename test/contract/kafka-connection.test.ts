/** A connection of KafkaJS that is opened again while it is still being closed, as happens when a node is lost. */
import '../../src/edge/kafka/client.ts'
import { createRequire } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { isRetriable } from '../../src/edge/kafka/client.ts'
import { listening } from '../support/listening.ts'

interface Connection {
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  send(exchange: object): Promise<unknown>
}

const requireFrom = createRequire(import.meta.url)
const KafkaConnection = requireFrom('kafkajs/src/network/connection') as new (
  options: object,
) => Connection
const Encoder = requireFrom('kafkajs/src/protocol/encoder') as new () => object

/** A request without an answer. */
const exchange = {
  request: {
    apiKey: 0,
    apiVersion: 0,
    apiName: 'Produce',
    encode: () => Promise.resolve(new Encoder()),
    expectResponse: () => false,
  },
  response: {},
}

/** With the sockets that it was given so far. */
async function openConnection(): Promise<{
  readonly connection: Connection
  readonly sockets: readonly Socket[]
}> {
  const port = await listening(createServer((socket) => void socket.on('error', () => undefined)))
  const logger = { namespace: () => logger, debug: () => undefined, error: () => undefined }
  const sockets: Socket[] = []
  const connection = new KafkaConnection({
    host: '127.0.0.1',
    port,
    logger,
    requestTimeout: 5_000,
    connectionTimeout: 5_000,
    socketFactory({ host, onConnect }: { host: string; onConnect: () => void }): Socket {
      const socket = connect({ host, port }, onConnect)
      sockets.push(socket)
      return socket
    },
  })
  onTestFinished(async () => void (await connection.disconnect()))
  await connection.connect()
  return { connection, sockets }
}

it('survives a late event of its former socket: a request fails at most with an error that is retried', async () => {
  const { connection, sockets } = await openConnection()
  await connection.disconnect()
  const opening = connection.connect()
  sockets[0]?.emit('end')
  const error = await opening
    .then(() => connection.send(exchange))
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  expect(error === undefined || isRetriable(error), String(error)).toBe(true)

  await vi.waitFor(async () => {
    await connection.connect()
    await connection.send(exchange)
  })
})
