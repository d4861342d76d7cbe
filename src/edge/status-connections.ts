/**
 * The connections of the status pages, bounded without shutting anybody out. Who can reach the port can open as many
 * connections as they like, so a bound that refuses new ones lets a few hundred slow clients keep a supervisor's probe
 * out. Here the new connection is always taken, and what has stood longest where it stands is closed for it.
 *
 * A connection *waits* for a request from its opening, and from the end of each answer, until one is complete; then it
 * *reads* the answer. Parts of a request or of an answer change nothing. A probe sends its request at once and reads the
 * answer at once: to push it out within that time, more would have to come than there is room for.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionBounds {
  /** Beyond so many, those are closed that have stood for longer than `graceMs`, longest first. */
  readonly usual: number
  /** Beyond so many, the one is closed that has stood longest. */
  readonly most: number
  readonly graceMs: number
  /** An answer that is not read within so long is given up. */
  readonly readTimeoutMs: number
}

/** Keeps the connections of a server within these bounds. */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  /** When each came to where it stands, by `performance.now()`. The first has stood there longest. */
  const standing = new Map<Socket, number>()
  const moved = (socket: Socket) => {
    standing.delete(socket)
    if (!socket.destroyed) standing.set(socket, performance.now())
  }
  server.on('connection', (socket: Socket) => {
    moved(socket)
    socket.once('close', () => standing.delete(socket))
    makeRoom(standing, bounds)
  })
  server.on('request', ({ socket }, response: ServerResponse) => {
    moved(socket)
    const timer = setTimeout(() => socket.destroy(), bounds.readTimeoutMs).unref()
    response.once('close', () => {
      clearTimeout(timer)
      moved(socket)
    })
  })
}

function makeRoom(standing: Map<Socket, number>, { usual, most, graceMs }: ConnectionBounds): void {
  const now = performance.now()
  for (const [socket, since] of standing) {
    const isCrowded = standing.size > most || (standing.size > usual && now - since >= graceMs)
    if (!isCrowded) return
    standing.delete(socket)
    socket.destroy()
  }
}
