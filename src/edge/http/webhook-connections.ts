/**
 * Bounds the connections of the webhook port. As on the status port, a new connection is always accepted, and the one that
 * has waited longest is closed for it. A connection *waits* until its request is known to be an event, and again after the
 * answer. A connection whose event is on the way to Kafka is not closed. The number of these is bounded by the number of
 * pending events.
 */
import type { Socket } from 'node:net'

export class WebhookConnections {
  readonly #most: number
  /** The one that has waited longest first. */
  readonly #waiting = new Set<Socket>()
  /** The number of events on the way to Kafka, by connection. */
  readonly #busy = new Map<Socket, number>()

  /** @param most maximum number of waiting connections */
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

  /** Called when an event of this connection is on the way to Kafka. */
  begun(socket: Socket): void {
    if (socket.destroyed) return
    this.#waiting.delete(socket)
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1)
  }

  /** Called when an event after {@link begun} has its answer. */
  ended(socket: Socket): void {
    const events = this.#busy.get(socket)
    if (events === undefined) return
    if (events > 1) this.#busy.set(socket, events - 1)
    else {
      this.#busy.delete(socket)
      if (!socket.destroyed) this.#waiting.add(socket)
    }
  }

  /** Closes the connections that never sent a byte: no request is lost with them. */
  closeSilent(): void {
    for (const socket of this.#waiting) if (socket.bytesRead === 0) socket.destroy()
  }
}
