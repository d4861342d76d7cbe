/**
 * Reads all bytes of responses before undici does. undici reads its sockets with `read` only, and the tap replaces that
 * method. It
 *
 * - counts the bytes of each call, framing and headers included, and ends the call when there are too many;
 * - removes informational responses: undici refuses some that are legal (RFC 9110 section 15.2);
 * - passes a head to undici only when it is whole and can be read in one way only;
 * - knows whether any part of an answer has come, and whether anything came after it.
 *
 * It is **idle** until `begin`, **in a head** until the head of the answer is whole, and **in a body** until `end`. Bytes
 * that come while it is idle close the socket.
 */
import { ResponseHead, lengthsUnpadded, longestStart, noStatusLine } from './response-head.ts'

export const maxHeadBytes = 16 * 1024
/** The most bytes of one response, head and framing included. */
export const maxRawBytes = 128 * 1024

/** The call whose answer a tap reads. */
export interface TapReader {
  /** The response cannot be read. */
  onFault(message: string): void
  /** The response is longer than is read. */
  onTooLong(): void
}

/** What the tap needs of a socket. */
export interface TappedSocket {
  read: (size?: number) => Buffer | null
  readonly destroyed: boolean
  readonly writableNeedDrain: boolean
  destroy(): unknown
}

const lineFeed = 10
/** Most heads are shorter. Only so much of the first chunk is decoded at once. */
const usualHeadBytes = 2 * 1024
const nothing = Buffer.alloc(0)
const tooLongHead = `the response head is longer than ${maxHeadBytes} bytes`

export class ResponseTap {
  readonly #socket: TappedSocket
  readonly #readSocket: (size?: number) => Buffer | null
  #reader: TapReader | undefined
  #calls = 0
  #bytes = 0
  #isClean = true
  /** `undefined` in a body. */
  #head: ResponseHead | undefined
  /** The first `#heldBytes` are of a head that came in pieces and was not passed on yet. The rest is free. */
  #held: Buffer = nothing
  #heldBytes = 0
  /** Where the incomplete line begins in `#held`. */
  #lineAt = 0
  /** Bytes of the body still to come; infinite where the head does not give a length. */
  #bodyBytes = Number.POSITIVE_INFINITY

  constructor(socket: TappedSocket) {
    this.#socket = socket
    this.#readSocket = socket.read.bind(socket)
    socket.read = (size) => this.#read(size)
  }

  /** A request is about to be written. */
  begin(reader: TapReader): void {
    this.#reader = reader
    this.#calls += 1
    this.#bytes = 0
    this.#isClean = true
    this.#head = new ResponseHead()
    this.#dropHeld()
  }

  /** The call has ended. */
  end(): void {
    this.#reader = undefined
    this.#dropHeld()
  }

  /** Whether the socket had another call before this one. */
  get isReused(): boolean {
    return this.#calls > 1
  }

  /** Bytes that came since the call began. */
  get answerBytes(): number {
    return this.#bytes
  }

  /** Whether the connection may serve another call, once undici has found the end of the answer. */
  get isClean(): boolean {
    return this.#isClean && !this.#socket.writableNeedDrain
  }

  #read(size?: number): Buffer | null {
    for (;;) {
      if (this.#socket.destroyed) return null
      const chunk = this.#readSocket(size)
      if (chunk === null) return null
      const passed = this.#take(chunk)
      if (passed !== undefined) return passed
    }
  }

  /** @returns the bytes that undici reads now */
  #take(chunk: Buffer): Buffer | undefined {
    if (this.#reader === undefined) {
      this.#socket.destroy()
      return undefined
    }
    const left = maxRawBytes - this.#bytes
    if (left === 0) {
      this.#reader.onTooLong()
      return undefined
    }
    const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
    if (taken !== chunk) this.#isClean = false
    const isFirst = this.#bytes === 0
    this.#bytes += taken.length
    if (this.#head === undefined) return this.#passBody(taken, 0)
    const headBytes = isFirst ? this.#head.takeUsual(usualText(taken)) : 0
    if (headBytes > 0) return this.#passAnswer(taken, headBytes, this.#head)
    return this.#takeHeads(taken, isFirst ? new ResponseHead() : this.#head)
  }

  /** @param headBytes how many bytes at the beginning belong to the head */
  #passBody(bytes: Buffer, headBytes: number): Buffer {
    this.#bodyBytes -= bytes.length - headBytes
    if (this.#bodyBytes < 0) this.#isClean = false
    return bytes
  }

  #takeHeads(chunk: Buffer, begun: ResponseHead): Buffer | undefined {
    const isHeld = this.#heldBytes > 0
    const data = isHeld ? this.#joined(chunk) : chunk
    let head = begun
    let headAt = 0
    let lineAt = this.#lineAt
    let feedAt = data.indexOf(lineFeed, data.length - chunk.length)
    for (; feedAt !== -1; feedAt = data.indexOf(lineFeed, lineAt)) {
      if (feedAt - headAt >= maxHeadBytes) return this.#refuse(tooLongHead)
      const step = head.take(data.toString('latin1', lineAt, feedAt))
      lineAt = feedAt + 1
      if (step === 'faulty') return this.#refuse(head.fault)
      if (step === 'final') return this.#passAnswer(data.subarray(headAt), lineAt - headAt, head)
      if (step === 'informational') {
        headAt = lineAt
        head = new ResponseHead()
      }
    }
    if (data.length - headAt >= maxHeadBytes) return this.#refuse(tooLongHead)
    if (!head.mayGoOn(data.toString('latin1', lineAt, lineAt + longestStart))) {
      return this.#refuse(noStatusLine)
    }
    this.#head = head
    this.#held = isHeld ? this.#held.subarray(headAt) : Buffer.from(data.subarray(headAt))
    this.#heldBytes = data.length - headAt
    this.#lineAt = lineAt - headAt
    return undefined
  }

  /** Doubles the buffer as it grows, so that a head that comes byte by byte costs no more than one that comes at once. */
  #joined(chunk: Buffer): Buffer {
    const bytes = this.#heldBytes + chunk.length
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#held.length))
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    chunk.copy(this.#held, this.#heldBytes)
    return this.#held.subarray(0, bytes)
  }

  /** @param answer begins with its head, of `headBytes` */
  #passAnswer(answer: Buffer, headBytes: number, head: ResponseHead): Buffer {
    this.#head = undefined
    this.#dropHeld()
    // undici does not accept blanks after the digits of a length.
    if (head.isLengthPadded) {
      answer.write(lengthsUnpadded(answer.toString('latin1', 0, headBytes)), 'latin1')
    }
    this.#bodyBytes = head.bodyBytes
    return this.#passBody(answer, headBytes)
  }

  #refuse(message: string): undefined {
    this.#reader?.onFault(message)
  }

  #dropHeld(): void {
    this.#held = nothing
    this.#heldBytes = 0
    this.#lineAt = 0
  }
}

function usualText(chunk: Buffer): string {
  return chunk.toString('latin1', 0, usualHeadBytes)
}
