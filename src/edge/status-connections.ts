/**
 * Bounds the connections of the status pages. If new connections were refused at a bound, a few hundred slow clients could
 * keep out the probes of a supervisor. So a new connection is always accepted, and the one that has been in its phase for
 * the longest time is closed for it.
 *
 * A connection has two phases. It *waits* for a request until one is complete, and then *reads* the answer until its end.
 * Parts of a request or of an answer do not begin a new phase. A probe sends its request and reads the answer at once, so
 * its phases are short: to displace it, more connections would have to come in that time than there is room for.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionBounds {
  /** Above this number, connections whose phase has lasted `graceMs` are closed, the longest phase first. */
  readonly usual: number
  /** Above this number, the connection with the longest phase is closed. */
  readonly most: number
  readonly graceMs: number
  /** How long a client may take to read an answer. */
  readonly readTimeoutMs: number
}

/** Keeps the connections of a server within these bounds. */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  /** When the phase of each began, by `performance.now()`; the longest phase first. */
  const phases = new Map<Socket, number>()
  const beginPhase = (socket: Socket) => {
    phases.delete(socket)
    if (!socket.destroyed) phases.set(socket, performance.now())
  }
  server.on('connection', (socket: Socket) => {
    beginPhase(socket)
    socket.once('close', () => phases.delete(socket))
    makeRoom(phases, bounds)
  })
  server.on('request', ({ socket }, response: ServerResponse) => {
    beginPhase(socket)
    const timer = setTimeout(() => socket.destroy(), bounds.readTimeoutMs).unref()
    response.once('close', () => {
      clearTimeout(timer)
      beginPhase(socket)
    })
  })
}

function makeRoom(phases: Map<Socket, number>, { usual, most, graceMs }: ConnectionBounds): void {
  const now = performance.now()
  for (const [socket, since] of phases) {
    const isCrowded = phases.size > most || (phases.size > usual && now - since >= graceMs)
    if (!isCrowded) return
    phases.delete(socket)
    socket.destroy()
  }
}
