import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * Lets a server listen for one test, on a free port of 127.0.0.1. Its connections end with it.
 *
 * @param atEnd gets the function that stops it. Default: the end of the test stops it
 * @returns the port
 */
export async function listening(
  server: Server,
  atEnd: (end: () => void) => void = onTestFinished,
): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
