import { createServer, type AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { listening } from '../../src/edge/listening.ts'

const loopback = { host: '127.0.0.1', port: 0 }

async function startServer() {
  const server = createServer()
  await listening(server, loopback, 'PORT')
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

it('a port that is in use causes an error that names its setting', async () => {
  const { port } = (await startServer()).address() as AddressInfo
  const other = listening(createServer(), { ...loopback, port }, 'PORT')
  await expect(other).rejects.toThrow(
    `Port ${port} is in use: set PORT to a free one, or to 0 for any.`,
  )
})
