/**
 * Bodies that are coming in, within bounds. Bytes that wait for more may belong to anybody: nothing shows whose they are
 * before the last has come. So where all of them together are too many, it is the body that has been coming for longest
 * that is given up, not the newest: a webhook of Logto's comes at once, and nobody can keep it out by sending slowly.
 */
import type { IncomingMessage } from 'node:http'

/** `too-large`: it has more bytes than it may have. `given-up`: others need the room. `gone`: the client ended it. */
export type ReceivedBody =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' | 'given-up' | 'gone' }

export class BodyReceiver {
  readonly #maxBytes: number
  readonly #maxTotalBytes: number
  /** In the order in which they began. */
  readonly #coming = new Set<Coming>()
  #total = 0

  /**
   * @param maxBytes of one body
   * @param maxTotalBytes of all that are not complete
   */
  constructor(maxBytes: number, maxTotalBytes: number) {
    this.#maxBytes = maxBytes
    this.#maxTotalBytes = maxTotalBytes
  }

  /** Never rejects. What comes after the end of it is not read. */
  receive(request: IncomingMessage): Promise<ReceivedBody> {
    return new Promise((resolve) => {
      const coming: Coming = { room: Buffer.alloc(0), length: 0, end: () => undefined }
      const end = (received: ReceivedBody): void => {
        if (!this.#coming.delete(coming)) return
        this.#total -= coming.room.length
        request.off('data', onData).off('end', onEnd).off('close', onClose)
        resolve(received)
      }
      const onData = (piece: Buffer): void => {
        if (coming.length + piece.length > this.#maxBytes) end({ kind: 'too-large' })
        else this.#add(coming, piece)
      }
      const onEnd = () => end({ kind: 'body', bytes: coming.room.subarray(0, coming.length) })
      const onClose = () => end({ kind: 'gone' })
      coming.end = end
      this.#coming.add(coming)
      request.on('data', onData).on('end', onEnd).on('close', onClose)
    })
  }

  /** Pieces may be of one byte each, and a buffer takes a hundred times that: so each is copied. */
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
