/**
 * Receives bodies within bounds. An incomplete body may come from anybody, because its signature can only be checked at its
 * end. If all incomplete bodies together are too large, the one that began first is given up, not the newest one. A webhook
 * of Logto arrives at once, so slow senders cannot keep it out.
 */
import type { IncomingMessage } from 'node:http'

/**
 * `too-large`: it has too many bytes. `given-up`: other bodies need the memory. `gone`: the client closed the connection, or
 * the request was answered before its end.
 */
export type ReceivedBody =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' | 'given-up' | 'gone' }

/** The request with the body. */
export interface BodyExchange {
  readonly request: IncomingMessage
  /** Sets what is called when the request was answered, or its connection is closed. */
  whenOver(end: () => void): void
}

export class BodyReceiver {
  readonly #maxBytes: number
  readonly #maxTotalBytes: number
  /** In the order of their beginnings. */
  readonly #coming = new Set<Coming>()
  #total = 0

  /**
   * @param maxBytes of one body
   * @param maxTotalBytes of all incomplete bodies
   */
  constructor(maxBytes: number, maxTotalBytes: number) {
    this.#maxBytes = maxBytes
    this.#maxTotalBytes = maxTotalBytes
  }

  /** Never rejects. Stops reading when the body is refused, or the exchange is over. */
  receive(exchange: BodyExchange): Promise<ReceivedBody> {
    const { request } = exchange
    return new Promise((resolve) => {
      const coming: Coming = { room: Buffer.alloc(0), length: 0, end: () => undefined }
      const end = (received: ReceivedBody): void => {
        if (!this.#coming.delete(coming)) return
        this.#total -= coming.room.length
        request.off('data', onData).off('end', onEnd)
        resolve(received)
      }
      const onData = (piece: Buffer): void => {
        if (coming.length + piece.length > this.#maxBytes) end({ kind: 'too-large' })
        else this.#add(coming, piece)
      }
      const onEnd = () => end({ kind: 'body', bytes: coming.room.subarray(0, coming.length) })
      coming.end = end
      this.#coming.add(coming)
      request.on('data', onData).on('end', onEnd)
      exchange.whenOver(() => end({ kind: 'gone' }))
    })
  }

  /** Copies each piece. A piece may have one byte, and a buffer object takes a hundred times that. */
  #add(coming: Coming, piece: Buffer): void {
    const needed = coming.length + piece.length
    if (needed > coming.room.length) {
      const room = Math.min(this.#maxBytes, Math.max(needed, 2 * coming.room.length))
      const grown = Buffer.allocUnsafeSlow(room)
      coming.room.copy(grown, 0, 0, coming.length)
      this.#total += room - coming.room.length
      coming.room = grown
    }
    piece.copy(coming.room, coming.length)
    coming.length = needed
    for (const oldest of this.#coming) {
      if (this.#total <= this.#maxTotalBytes) break
      oldest.end({ kind: 'given-up' })
    }
  }
}

interface Coming {
  room: Buffer
  length: number
  end: (received: ReceivedBody) => void
}
