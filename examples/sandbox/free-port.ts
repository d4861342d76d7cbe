import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that Linux and macOS hand out to outgoing connections. In that range a client that keeps trying a
 * stopped broker's port can be given this very port for its own end, and the broker could not take it again.
 */
const range = { first: 20_000, last: 32_000 } as const
const tries = 100

/** A port of 127.0.0.1 that nothing listens on right now. */
export async function freePort(): Promise<number> {
  for (let count = 0; count < tries; count += 1) {
    const port = range.first + Math.floor(Math.random() * (range.last - range.first))
    if (await isFree(port)) return port
  }
  throw new Error(`No free port from ${range.first} to ${range.last} in ${tries} tries`)
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port, '127.0.0.1')
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}
