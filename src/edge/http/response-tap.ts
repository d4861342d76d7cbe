/**
 * Stands between a socket and undici, and sees all bytes of responses before undici does. undici reads its sockets by
 * `read` alone; the tap answers in the socket's place. It
 *
 * - counts the bytes of each call, framing and headers included, and ends the call where they are too many;
 * - takes informational responses out: undici refuses some that are legal (RFC 9110 section 15.2);
 * - gives a head to undici only when that is whole and can be read in one way;
 * - knows whether anything of an answer has come, and whether more than an answer has.
 *
 * **Idle** until `begin`, **in a head** until that of the answer is whole, **in a body** until `end`. What comes while it
 * is idle closes the socket.
 */
import { ResponseHead, lengthsUnpadded, longestStart, noStatusLine } from './response-head.ts'

export const maxHeadBytes = 16 * 1024
/** Of one call, of whatever they are. */
export const maxRawBytes = 128 * 1024

/** The call that a tap is read for. */
export interface TapReader {
  /** The response cannot be read. */
  onFault(message: string): void
  /** There is more than is read of one call. */
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
/** Heads are rarely longer; bodies are, and need not be looked at. */
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
  /** What is not passed on yet of a head that came in pieces; the rest of the buffer is free. */
  #held: Buffer = nothing
  #heldBytes = 0
  /** Where in `#held` the line begins that is not whole. */
  #lineAt = 0
  /** Bytes of the body still to come; infinite where only undici can know. */
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

  /** Its call has ended. */
  end(): void {
    this.#reader = undefined
    this.#dropHeld()
  }

  /** Whether another call came before this one. */
  get isReused(): boolean {
    return this.#calls > 1
  }

  /** Bytes that came since the call began. */
  get answerBytes(): number {
    return this.#bytes
  }

  /** Whether the whole answer, once undici has found its end, leaves the connection fit for another call. */
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

  /** @returns what undici is to read of it now */
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

  /** @param headBytes how many in front are none of the body */
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

  /** Grows by doubling, so that a head in single bytes costs no more than one in a piece. */
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

  /** @param answer from its head on, which takes `headBytes` of it */
  #passAnswer(answer: Buffer, headBytes: number, head: ResponseHead): Buffer {
    this.#head = undefined
    this.#dropHeld()
    // undici takes blanks behind the length for digits of it.
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
