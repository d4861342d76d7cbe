import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { noSecurity, socketFactory } from '../../src/edge/kafka/security.ts'
import { listening } from '../support/listening.ts'

it('a port that is not Kafka causes an error that says so, and names the login that may be missing', async () => {
  const port = await listening(createServer())
  const faults: string[] = []
  const socket = socketFactory(noSecurity, ({ message }) => faults.push(message))({
    host: '127.0.0.1',
    port,
    ssl: {},
    onConnect: () => socket.write(Buffer.from([0, 0, 0, 20, 0, 18])),
  })
  await once(socket, 'close')
  expect(faults).toEqual([
    `The broker at 127.0.0.1:${port} closed the connection after its first answer: if it needs a login, set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD. If not, the program on this port is not Kafka.`,
  ])
})
