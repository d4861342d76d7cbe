import { createServer, type AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { UserError } from '../../src/core/model/errors.ts'
import { listening, type Refused } from '../../src/edge/listening.ts'

const refusal = ({ isInUse, message }: Refused) => new UserError(`${isInUse} ${message}`)
const loopback = { host: '127.0.0.1', port: 0 }

async function startServer() {
  const server = createServer()
  await listening(server, loopback, refusal)
  onTestFinished(() => void server.close())
  return server
}

it('a server continues after connections that cannot be accepted, however many', async () => {
  const server = await startServer()
  for (let count = 0; count < 3; count += 1) {
    expect(() => server.emit('error', new Error('accept EMFILE'))).not.toThrow()
  }
  expect(server.listening).toBe(true)
})

it('a port that is in use causes an error that says so', async () => {
  const { port } = (await startServer()).address() as AddressInfo
  const other = listening(createServer(), { ...loopback, port }, refusal)
  await expect(other).rejects.toThrow(/^true listen EADDRINUSE/)
})
