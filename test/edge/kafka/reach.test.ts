import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { unreachableBecause } from '../../../src/edge/kafka/reach.ts'

it('an address can be reached while something listens there, and else it is said why not', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await unreachableBecause({ host: '127.0.0.1', port })).toBeUndefined()
  server.close()
  await once(server, 'close')
  expect(await unreachableBecause({ host: '127.0.0.1', port })).toBe('ECONNREFUSED')
})
