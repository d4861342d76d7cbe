/** A request to the webhook port, and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '../../core/ingest/answer.ts'
import type { RequestHead } from '../../core/ingest/request-head.ts'
import type { GivenTrace } from '../../core/ingest/webhook.ts'

export interface Answered<Source> {
  /** `undefined` if the client closed the connection before the answer was written. */
  readonly answer: Answer | undefined
  /** `undefined` if the path is not known, or the request is malformed. */
  readonly source: Source | undefined
  readonly event: string | undefined
  /** Address of the client, or of the proxy before it. */
  readonly from: string
  /** Milliseconds from the end of the request's head to the end of the answer. */
  readonly tookMs: number
}

export class Exchange<Source> {
  readonly request: IncomingMessage
  source: Source | undefined
  event: string | undefined
  readonly #response: ServerResponse
  readonly #readTimeoutMs: number
  readonly #startedAt = performance.now()
  #answer: Answer | undefined
  #timer: NodeJS.Timeout | undefined
  #giveUpBody: () => void = () => undefined
  /** Whether the connection ends after its answer. */
  #isLast = false

  constructor(request: IncomingMessage, response: ServerResponse, readTimeoutMs: number) {
    this.request = request
    this.#response = response
    this.#readTimeoutMs = readTimeoutMs
  }

  get isAnswered(): boolean {
    return this.#answer !== undefined
  }

  /**
   * Sets what ends the reception of the body. It is called when the body is of no use any more: the request was answered,
   * or its connection is closed. Node emits `close` for a request only if its connection ends before it is answered.
   */
  whenOver(giveUpBody: () => void): void {
    this.#giveUpBody = giveUpBody
  }

  head(): RequestHead {
    const { method = '', url: target = '', httpVersion: version, headers } = this.request
    return { method, target, version, headers }
  }

  trace(): GivenTrace {
    const { traceparent, tracestate } = this.request.headers
    return { traceparent: textOf(traceparent), tracestate: textOf(tracestate) }
  }

  /** @param isLast whether the connection ends after it */
  send(answer: Answer, isLast: boolean): void {
    const response = this.#response
    if (response.destroyed || this.isAnswered) return
    const text = answerText(answer)
    // Otherwise the answers to a client that does not read would pile up.
    const { socket } = this.request
    this.#timer = setTimeout(() => socket.destroy(), this.#readTimeoutMs).unref()
    this.#answer = answer
    this.#giveUpBody()
    response.writeHead(answer.status, answerHeaders(answer, text, isLast || this.#isLast)).end(text)
  }

  /**
   * Called when the connection goes on with bytes that are refused. If these belong to this request, it gets `answer`,
   * unless it has one. After the answer to this request the connection ends.
   *
   * @returns whether it was not over: then `answer` is not to be sent in another way
   */
  end(answer: Answer): boolean {
    const { socket, complete: isComplete } = this.request
    const isOver = this.#response.writableFinished
    if (isComplete && isOver) return false
    this.#isLast = true
    if (isOver) socket.destroy()
    else if (this.isAnswered) this.#response.once('finish', () => socket.destroySoon())
    else if (!isComplete) this.send(answer, true)
    return true
  }

  /**
   * Reads the rest of the answered request, so that the client can read the answer: closing a connection with unread bytes
   * would reset it. If the client sends more than `maxBytes`, the connection is closed anyway.
   */
  discardRest(maxBytes: number): void {
    const { request } = this
    if (request.readableEnded) return
    let left = maxBytes
    request.on('data', (piece: Buffer) => {
      left -= piece.length
      if (left < 0) request.socket.destroy()
    })
    request.resume()
  }

  /** Called when its answer has been written, or its connection is closed. */
  close(): void {
    clearTimeout(this.#timer)
    this.#giveUpBody()
  }

  answered(): Answered<Source> {
    return {
      answer: this.#response.writableFinished ? this.#answer : undefined,
      source: this.source,
      event: this.event,
      from: this.request.socket.remoteAddress ?? '',
      tookMs: performance.now() - this.#startedAt,
    }
  }
}

/** Node joins the values of these headers itself. Only `set-cookie` is a list. */
function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The body of an answer. */
export function answerText({ body }: Answer): string {
  return `${JSON.stringify(body)}\n`
}

/**
 * @param text the body
 * @param isLast whether the connection ends after the answer
 */
export function answerHeaders(
  { headers }: Answer,
  text: string,
  isLast: boolean,
): Readonly<Record<string, string | number>> {
  return {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isLast ? { connection: 'close' } : {}),
  }
}
