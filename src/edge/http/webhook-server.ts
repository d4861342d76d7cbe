/**
 * The HTTP server that receives webhooks. Its clients may be slow, broken or hostile. A request that must be refused is
 * answered before its body is read, and no client holds a connection or memory for long.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server as NetServer, Socket } from 'node:net'
import {
  malformed,
  tooLarge,
  unavailable,
  wrongMethod,
  type Answer,
} from '../../core/ingest/answer.ts'
import type { JudgedHead, RequestHead } from '../../core/ingest/request-head.ts'
import type { GivenTrace } from '../../core/ingest/webhook.ts'
import { createBoundedServer } from '../bounded-server.ts'
import { listening } from '../listening.ts'
import { BodyReceiver, type ReceivedBody } from './webhook-body.ts'
import { WebhookConnections } from './webhook-connections.ts'
import { Exchange, type Answered } from './webhook-exchange.ts'
import { faultAnswer, refuseConnection } from './webhook-faults.ts'

/** Decides about requests and handles webhooks. */
export interface WebhookHandler<Source> {
  judge(head: RequestHead): JudgedHead<Source>
  /**
   * Never rejects.
   *
   * @param onWriting called when the body is known to be an event and the wait for Kafka begins
   */
  handle(
    webhook: {
      readonly source: Source
      readonly signature: string
      readonly trace: GivenTrace
      readonly body: Buffer
    },
    onWriting: () => void,
  ): Promise<{ readonly answer: Answer; readonly event: string | undefined }>
  onAnswered(answered: Answered<Source>): void
}

export interface WebhookServerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly maxBodyBytes: number
  /** Of all incomplete bodies. Default 64 MiB. */
  readonly maxIncomingBytes?: number
  /** Of waiting connections. Default 4,096. */
  readonly maxConnections?: number
  /** How long a client may take to send a request, and to read the answer. Default 10 s, the time-out of Logto. */
  readonly clientTimeoutMs?: number
  /**
   * How long a connection without a request is kept. Default 60 s. Node announces this in a header, so that clients close
   * the connection a little earlier. A request that arrives while the server closes the connection would be lost.
   */
  readonly keepAliveMs?: number
  /**
   * How long idle connections are kept after {@link WebhookServer.stop}, for requests that are on their way. Default 500 ms.
   */
  readonly drainMs?: number
}

export interface WebhookServer {
  readonly port: number
  connections(): number
  /**
   * Accepts no new connections, and closes the others after their next answer. Closes those that are idle after a moment,
   * and all that are left at the deadline.
   */
  stop(deadlineMs: number): Promise<void>
}

/** @throws UserError when the port cannot be listened on */
export async function startWebhookServer<Source>(
  options: WebhookServerOptions,
  handler: WebhookHandler<Source>,
): Promise<WebhookServer> {
  const { clientTimeoutMs = 10_000, keepAliveMs = 60_000, drainMs = 500 } = options
  const server = createBoundedServer({
    headersTimeout: clientTimeoutMs,
    requestTimeout: clientTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(clientTimeoutMs, 1_000),
    joinDuplicateHeaders: true,
    // `judge` does this, so that the answer is one of its own.
    requireHostHeader: false,
  })
  const endpoint = new Endpoint(options, handler)
  server.on('connection', (socket) => endpoint.connections.opened(socket))
  server.on('request', (request, response) => endpoint.take(request, response, false))
  // Without this listener, Node would ask for each body before its head is checked.
  server.on('checkContinue', (request, response) => endpoint.take(request, response, true))
  // Without these, Node would answer by itself, or close the connection without an answer.
  server.on('checkExpectation', (request, response) => endpoint.take(request, response, false))
  server.on('connect', ({ socket }) => endpoint.refuse(socket, wrongMethod))
  server.on('clientError', (error, socket) => {
    if (socket instanceof Socket) endpoint.refuse(socket, faultAnswer(error))
  })
  const port = await listening(server, options, 'HOOKTIDE_INGEST_PORT')
  return {
    port,
    connections: () => endpoint.connections.count,
    async stop(deadlineMs) {
      endpoint.isStopping = true
      // The method of `server` would close idle connections at once, also those that a request is on its way on.
      const closed = new Promise<void>((resolve) =>
        NetServer.prototype.close.call(server, () => resolve()),
      )
      const timers = [
        setTimeout(() => {
          server.closeIdleConnections()
          endpoint.connections.closeSilent()
        }, drainMs),
        setTimeout(() => server.closeAllConnections(), deadlineMs),
      ]
      await closed
      timers.forEach(clearTimeout)
    },
  }
}

/** The exchanges of one connection. */
interface Exchanges<Source> {
  newest: Exchange<Source>
  readonly open: Set<Exchange<Source>>
}

class Endpoint<Source> {
  isStopping = false
  readonly connections: WebhookConnections
  readonly #handler: WebhookHandler<Source>
  readonly #bodies: BodyReceiver
  readonly #maxBodyBytes: number
  readonly #clientTimeoutMs: number
  readonly #exchanges = new WeakMap<Socket, Exchanges<Source>>()

  constructor(options: WebhookServerOptions, handler: WebhookHandler<Source>) {
    const { maxBodyBytes, maxIncomingBytes = 64 * 1024 * 1024 } = options
    this.#handler = handler
    this.#maxBodyBytes = maxBodyBytes
    this.#clientTimeoutMs = options.clientTimeoutMs ?? 10_000
    this.#bodies = new BodyReceiver(maxBodyBytes, maxIncomingBytes)
    this.connections = new WebhookConnections(options.maxConnections ?? 4_096)
  }

  take(request: IncomingMessage, response: ServerResponse, isContinueExpected: boolean): void {
    const exchange = new Exchange<Source>(request, response, this.#clientTimeoutMs)
    this.#begin(exchange, response)
    // The end of the request is handled, whatever its cause.
    request.on('error', () => undefined)
    const judged = this.#handler.judge(exchange.head())
    exchange.source = judged.source
    if (judged.kind === 'answer') {
      // If it waits for `100 Continue`, the client does not send the body, so the connection must end.
      this.#answer(exchange, judged.answer, isContinueExpected || judged.answer === malformed)
      return
    }
    if (isContinueExpected) response.writeContinue()
    void this.#bodies.receive(exchange).then(async (body) => {
      if (body.kind === 'gone' || exchange.isAnswered) return
      const answer =
        body.kind === 'body'
          ? await this.#handle(exchange, judged, body.bytes)
          : this.#refusal(body.kind)
      this.#answer(exchange, answer)
    })
  }

  #begin(exchange: Exchange<Source>, response: ServerResponse): void {
    const { socket } = exchange.request
    const known = this.#exchanges.get(socket)
    const exchanges = known ?? { newest: exchange, open: new Set() }
    const close = (one: Exchange<Source>) => {
      if (!exchanges.open.delete(one)) return
      one.close()
      this.#handler.onAnswered(one.answered())
    }
    exchanges.newest = exchange
    exchanges.open.add(exchange)
    response.once('close', () => close(exchange))
    if (known !== undefined) return
    this.#exchanges.set(socket, exchanges)
    // Responses that were waiting for earlier ones are not closed with their connection.
    socket.once('close', () => exchanges.open.forEach(close))
  }

  /**
   * Refuses what arrived last on a connection, and closes it after the answers to the requests before.
   *
   * @param answer `undefined` if the connection itself has failed
   */
  refuse(socket: Socket, answer: Answer | undefined): void {
    // A connection without a byte is not a request. A prober of the port may have opened it.
    if (answer === undefined || socket.bytesRead === 0) {
      socket.destroy()
      return
    }
    if (this.#exchanges.get(socket)?.newest.end(answer) === true || socket.writableEnded) return
    refuseConnection(socket, answer, this.#clientTimeoutMs)
    const from = socket.remoteAddress ?? ''
    this.#handler.onAnswered({ answer, source: undefined, event: undefined, from, tookMs: 0 })
  }

  #refusal(kind: Exclude<ReceivedBody['kind'], 'body' | 'gone'>): Answer {
    return kind === 'too-large'
      ? tooLarge(this.#maxBodyBytes)
      : unavailable('The body arrived too slowly while many others were arriving.')
  }

  async #handle(
    exchange: Exchange<Source>,
    { source, signature }: { readonly source: Source; readonly signature: string },
    body: Buffer,
  ): Promise<Answer> {
    const { socket } = exchange.request
    const trace = exchange.trace()
    let isWriting = false
    const onWriting = () => {
      isWriting = true
      this.connections.begun(socket)
    }
    const { answer, event } = await this.#handler.handle(
      { source, signature, trace, body },
      onWriting,
    )
    exchange.event = event
    if (isWriting) this.connections.ended(socket)
    return answer
  }

  #answer(exchange: Exchange<Source>, answer: Answer, isLast = false): void {
    exchange.send(answer, isLast || this.isStopping)
    exchange.discardRest(this.#maxBodyBytes)
  }
}
