/**
 * HTTP servers that bound the requests which a client sends before it has the answers to earlier ones. Node parses up to
 * 64 KiB at once, and makes objects of about 5 KB for each request in there. So 400 connections that send tiny requests all
 * at once would take 4 GB, and end the process.
 */
import {
  createServer,
  IncomingMessage,
  ServerResponse,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection without a complete answer. Clients that wait for each answer never have more than one. */
const mostOpen = 16

const open = new WeakMap<Socket, number>()

/**
 * Stops the parser at the first request beyond the bound. The parser stops at a request that asks for an upgrade, and Node
 * then closes the connection, since the servers here offer none. There is no other way: the parser goes on with what it has
 * read after its connection is closed or paused.
 */
class BoundedRequest extends IncomingMessage {
  declare private isUpgrade: boolean

  get upgrade(): boolean {
    return this.isUpgrade
  }

  /** Node sets it before it makes a response: whether the request asks for an upgrade, and then whether it gets one. */
  set upgrade(value: boolean | null) {
    this.isUpgrade = value === true || (open.get(this.socket) ?? 0) >= mostOpen
  }
}

class CountedResponse extends ServerResponse<BoundedRequest> {
  constructor(...given: ConstructorParameters<typeof ServerResponse<BoundedRequest>>) {
    super(...given)
    const [{ socket }] = given
    open.set(socket, (open.get(socket) ?? 0) + 1)
    this.once('close', () => open.set(socket, (open.get(socket) ?? 1) - 1))
  }
}

export type BoundedServer = Server<typeof BoundedRequest, typeof CountedResponse>

/**
 * @param options of `createServer` in `node:http`
 * @param onRequest listener for `request`
 */
export function createBoundedServer(
  options: ServerOptions,
  onRequest?: RequestListener,
): BoundedServer {
  return createServer<typeof BoundedRequest, typeof CountedResponse>(
    { ...options, IncomingMessage: BoundedRequest, ServerResponse: CountedResponse },
    onRequest,
  )
}
