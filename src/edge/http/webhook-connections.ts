/**
 * Connections of those who send webhooks, bounded without shutting anybody out: as on the status port, a new one is always
 * taken, and the one that has waited longest is closed for it. A connection *waits* while nothing of it is known to be an
 * event, from its opening to its body, and again from the end of an answer. One whose event is on the way to Kafka does
 * not wait, and is left alone: how many there are of these is bounded elsewhere.
 */
import type { Socket } from 'node:net'

export class WebhookConnections {
  readonly #most: number
  /** The first has waited longest. */
  readonly #waiting = new Set<Socket>()
  /** How many events of each are on their way. */
  readonly #busy = new Map<Socket, number>()

  /** @param most connections that wait */
  constructor(most: number) {
    this.#most = most
  }

  get count(): number {
    return this.#waiting.size + this.#busy.size
  }

  opened(socket: Socket): void {
    this.#waiting.add(socket)
    socket.once('close', () => {
      this.#waiting.delete(socket)
      this.#busy.delete(socket)
    })
    const [longest] = this.#waiting
    if (this.#waiting.size <= this.#most || longest === undefined) return
    this.#waiting.delete(longest)
    longest.destroy()
  }

  /** An event came on it, and goes to Kafka. */
  begun(socket: Socket): void {
    if (socket.destroyed) return
    this.#waiting.delete(socket)
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1)
  }

  /** Of an event that has {@link begun}: it is answered. */
  ended(socket: Socket): void {
    const events = this.#busy.get(socket)
    if (events === undefined) return
    if (events > 1) this.#busy.set(socket, events - 1)
    else {
      this.#busy.delete(socket)
      if (!socket.destroyed) this.#waiting.add(socket)
    }
  }

  /** Closes those on which nothing has ever come: no request is lost with them. */
  closeSilent(): void {
    for (const socket of this.#waiting) if (socket.bytesRead === 0) socket.destroy()
  }
}
